"""Images as callers give them, checked against what a network takes."""

from typing import Any

import torch
from torch import Tensor

from layer_pruning.models.header import NetworkHeader

RANGE_TOLERANCE = 1e-3
"""What rounding may add to images in [0, 1]."""


def checked_images(header: NetworkHeader, images: Any) -> Tensor:
    """``images`` (n, channels, height, width), float32 on the CPU, without gradients.

    Raises ValueError in one line for what is no such tensor or array, for no images, for numbers
    that are not finite, and for images outside [0, 1] where the network of ``header`` normalises
    them.
    """
    wanted = f"(n, {header.input_shape[0]}, height, width)"
    try:
        given = torch.as_tensor(images, dtype=torch.float32, device="cpu").detach()
    # whatever PyTorch makes of a list of tensors, of a loader or of None
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(
            f"images: a tensor or an array {wanted} would be right, not a {type(images).__name__}"
        ) from error
    # one channel would be broadcast to three without a word
    if given.dim() != 4 or given.shape[1] != header.input_shape[0]:
        raise ValueError(f"images have shape {tuple(given.shape)}; {wanted} would be right")
    if not given.numel():
        raise ValueError(f"there are no images: they have shape {tuple(given.shape)}")
    if not given.isfinite().all():
        raise ValueError("images hold numbers that are not finite")
    if header.normalises:
        _check_range(given)
    return given


def _check_range(images: Tensor) -> None:
    low, high = float(images.min()), float(images.max())
    if not -RANGE_TOLERANCE <= low <= high <= 1 + RANGE_TOLERANCE:
        raise ValueError(
            f"images reach from {low:.4g} to {high:.4g}: the network takes images in [0, 1], "
            "those of a file divided by 255, and normalises them itself"
        )
