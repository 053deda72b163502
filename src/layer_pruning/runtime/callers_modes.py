"""Modes of PyTorch that a caller may have switched on, and that change what is computed."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch

_DEVICES = ("cpu", "cuda", "mps", "xpu")


@contextmanager
def outside_callers_modes() -> Iterator[None]:
    """Leave ``torch.autocast`` and ``torch.inference_mode`` within the block.

    Under autocast, numbers are of other formats than those of the network. Inference mode hides
    operators from whoever counts them, and what is made in it can never be trained. Gradients,
    which it switches off, stay off. Also a decorator.
    """
    with ExitStack() as left:
        for device in _DEVICES:
            if torch.is_autocast_enabled(device):
                left.enter_context(torch.autocast(device, enabled=False))
        if torch.is_inference_mode_enabled():
            # which by itself would switch gradients on
            left.enter_context(torch.inference_mode(False))
            left.enter_context(torch.no_grad())
        yield
