"""Networks as something to run and measure."""

from collections.abc import Callable

import numpy as np
import torch
from torch import nn


def batch_runner(network: nn.Module, images: np.ndarray) -> Callable[[], None]:
    """A function that sends one batch (n, channels, height, width) through ``network``.

    It returns when the result is there, also on a GPU.
    """
    device = next(network.parameters()).device
    batch = torch.from_numpy(images).to(device)
    network.eval()

    @torch.inference_mode()
    def run() -> None:
        network(batch)
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    return run
