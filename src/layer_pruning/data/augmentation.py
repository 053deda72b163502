"""Augmentation of whole batches, on the device where they lie."""

import torch
from torch import Tensor
from torch.nn import functional


def shifted(images: Tensor, pixels: int, generator: torch.Generator) -> Tensor:
    """Every image moved by its own draw of -pixels … pixels in both directions, zeros moving in.

    The same as cropping at random from images padded by ``pixels``. Shape (n, c, h, w) is kept.
    """
    if pixels == 0:
        return images
    count, _, height, width = images.shape
    padded = functional.pad(images, (pixels,) * 4)
    # drawn on the CPU so that a seed means the same augmentation on every device
    offsets = torch.randint(0, 2 * pixels + 1, (2, count, 1), generator=generator)
    rows, columns = offsets.to(images.device)
    rows = rows + torch.arange(height, device=images.device)
    columns = columns + torch.arange(width, device=images.device)
    image = torch.arange(count, device=images.device)[:, None, None]
    return padded[image, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def flipped(images: Tensor, generator: torch.Generator) -> Tensor:
    """Every image mirrored left to right with probability one half."""
    mirror = torch.rand(len(images), generator=generator) < 0.5
    return torch.where(mirror.to(images.device)[:, None, None, None], images.flip(-1), images)


def augmented(
    images: Tensor, *, shift_pixels: int, flip: bool, generator: torch.Generator
) -> Tensor:
    """A batch (n, c, h, w) as the training loop sees it."""
    images = shifted(images, shift_pixels, generator)
    return flipped(images, generator) if flip else images
