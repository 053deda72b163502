"""Networks, and parts of them, as something to run and measure."""

from collections.abc import Callable

import torch
from torch import Tensor, nn


def batch_runner(module: nn.Module, batch: Tensor) -> Callable[[], None]:
    """A function that sends ``batch`` through ``module``, in evaluation mode.

    It returns when the result is there, also on a GPU.
    """
    module.eval()

    @torch.inference_mode()
    def run() -> None:
        module(batch)
        if batch.is_cuda:
            torch.cuda.synchronize(batch.device)

    return run
