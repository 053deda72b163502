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


def cut_out(images: Tensor, pixels: int, generator: torch.Generator) -> Tensor:
    """In every image a square of ``pixels`` × ``pixels`` set to zero (arXiv 1708.04552).

    The centre is drawn from all pixels, so that the square may reach over the border.
    """
    if pixels == 0:
        return images
    count, _, height, width = images.shape
    top = torch.randint(0, height, (count, 1), generator=generator).to(images.device) - pixels // 2
    left = torch.randint(0, width, (count, 1), generator=generator).to(images.device) - pixels // 2
    row = torch.arange(height, device=images.device)
    column = torch.arange(width, device=images.device)
    rows = (row >= top) & (row < top + pixels)
    columns = (column >= left) & (column < left + pixels)
    return images.masked_fill((rows[:, :, None] & columns[:, None, :])[:, None], 0)


def augmented(
    images: Tensor,
    *,
    shift_pixels: int,
    flip: bool,
    cutout_pixels: int = 0,
    generator: torch.Generator,
) -> Tensor:
    """A batch (n, c, h, w) as the training loop sees it."""
    images = shifted(images, shift_pixels, generator)
    if flip:
        images = flipped(images, generator)
    return cut_out(images, cutout_pixels, generator)
