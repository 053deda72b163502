"""A few images that an attack broke, small enough to be shown in a report."""

import base64
import io
from typing import Any

import torch
from PIL import Image
from torch import Tensor

EXAMPLES = 3
"""So many images of an attack are kept."""
LARGEST_PIXELS = 64
"""Larger ones are shown smaller."""


def broken_example(
    image: Tensor, attacked: Tensor, *, epsilon: float, label: int, taken_for: int
) -> dict[str, Any] | None:
    """An image (c, h, w) in [0, 1] as it is and attacked, with its class and what it was taken for.

    None where it has neither one nor three channels.
    """
    if image.shape[0] not in (1, 3):
        return None
    return {
        "epsilon": epsilon,
        "label": label,
        "taken_for": taken_for,
        "clean_png": _png(image),
        "attacked_png": _png(attacked),
    }


def _png(image: Tensor) -> str:
    """A PNG as base64."""
    pixels = (255 * image.detach().clamp(0, 1)).round().to(torch.uint8).cpu().permute(1, 2, 0)
    picture = Image.fromarray(pixels.squeeze(2).numpy() if image.shape[0] == 1 else pixels.numpy())
    picture.thumbnail((LARGEST_PIXELS, LARGEST_PIXELS))
    file = io.BytesIO()
    picture.save(file, format="PNG", optimize=True)
    return base64.b64encode(file.getvalue()).decode()
