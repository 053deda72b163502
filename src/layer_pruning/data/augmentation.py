"""Augmentation of whole batches, on the device where they lie."""

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from layer_pruning.runtime.random_draws import seeded

RAND_AUGMENT_OPERATIONS = 2
"""Operations on each image, as in the recipes that made vision transformers train on ImageNet."""


class Part(NamedTuple):
    """Which images of a batch these are, where several processes share it.

    All of them draw for the whole batch, so that an image is changed alike however many there are.
    """

    chosen: slice
    whole: int
    """Images in the batch."""

    @classmethod
    def all_of(cls, images: Tensor) -> "Part":
        """The whole batch."""
        return cls(slice(None), len(images))


def shifted(
    images: Tensor, pixels: int, generator: torch.Generator, part: Part | None = None
) -> Tensor:
    """Every image moved by its own draw of -pixels … pixels in both directions, zeros moving in.

    The same as cropping at random from images padded by ``pixels``. Shape (n, c, h, w) is kept.
    """
    part = part or Part.all_of(images)
    if pixels == 0:
        return images
    count, _, height, width = images.shape
    padded = functional.pad(images, (pixels,) * 4)
    # drawn on the CPU so that a seed means the same augmentation on every device
    offsets = torch.randint(0, 2 * pixels + 1, (2, part.whole, 1), generator=generator)
    rows, columns = offsets[:, part.chosen].to(images.device)
    rows = rows + torch.arange(height, device=images.device)
    columns = columns + torch.arange(width, device=images.device)
    image = torch.arange(count, device=images.device)[:, None, None]
    return padded[image, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def flipped(images: Tensor, generator: torch.Generator, part: Part | None = None) -> Tensor:
    """Every image mirrored left to right with probability one half."""
    part = part or Part.all_of(images)
    mirror = (torch.rand(part.whole, generator=generator) < 0.5)[part.chosen]
    return torch.where(mirror.to(images.device)[:, None, None, None], images.flip(-1), images)


def cut_out(
    images: Tensor, pixels: int, generator: torch.Generator, part: Part | None = None
) -> Tensor:
    """In every image a square of ``pixels`` × ``pixels`` set to zero (arXiv 1708.04552).

    The centre is drawn from all pixels, so that the square may reach over the border.
    """
    if pixels == 0:
        return images
    part = part or Part.all_of(images)
    height, width = images.shape[2:]
    tops = torch.randint(0, height, (part.whole, 1), generator=generator)
    lefts = torch.randint(0, width, (part.whole, 1), generator=generator)
    top = tops[part.chosen].to(images.device) - pixels // 2
    left = lefts[part.chosen].to(images.device) - pixels // 2
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
    part: Part | None = None,
) -> Tensor:
    """A batch (n, c, h, w), or a ``part`` of one, as the training loop sees it."""
    images = shifted(images, shift_pixels, generator, part)
    if flip:
        images = flipped(images, generator, part)
    return cut_out(images, cutout_pixels, generator, part)


@contextmanager
def drawing_from(generator: torch.Generator, further: int = 0) -> Iterator[None]:
    """Torchvision's transforms know the global generator only: seed it, then put it back.

    ``further`` tells apart what draws from the same state of the generator.
    """
    with seeded(int(torch.randint(2**62, (), generator=generator)) + further):
        yield


def rand_augmented(images: Tensor, magnitude: int, *, levels: int = 255) -> Tensor:
    """Every image changed by two operations of its own draw: RandAugment (arXiv 1909.13719).

    ``images`` (n, c, h, w) in [0, 1] or, as uint8, in steps of 1 / ``levels``; shape, type and
    steps are kept. ``magnitude`` of 30 bins; 0 leaves images as they are. Draws from PyTorch's
    global generator. One or three channels: some operations are of colours.
    """
    if magnitude == 0 or len(images) == 0:
        return images
    augment = _rand_augment(magnitude)
    whole = images.is_floating_point()
    scale = 255 if whole else 255 / levels
    # some operations are on bits of bytes
    stored = images if scale == 1 else (images * scale).round().to(torch.uint8)
    changed = torch.stack([augment(image) for image in stored])
    if whole:
        return changed.to(images.dtype) / 255
    return changed if scale == 1 else (changed / scale).round().to(torch.uint8)


@functools.lru_cache
def _rand_augment(magnitude: int) -> Any:
    # seconds to import, so only where it is used
    from torchvision.transforms import v2

    return v2.RandAugment(num_ops=RAND_AUGMENT_OPERATIONS, magnitude=magnitude)


def mixed(
    images: Tensor,
    labels: Tensor,
    *,
    classes: int,
    mixup_alpha: float,
    cutmix_alpha: float,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """A batch in which every image is mixed with another, and the labels alike.

    By mixup (arXiv 1710.09412) or cutmix (arXiv 1905.04899), each batch by one of the two where
    both have an alpha above 0. ``images`` (n, c, h, w) floating point; ``labels`` (n,) become
    shares of classes (n, classes) that add up to 1.
    """
    ways = _mixing(classes, mixup_alpha, cutmix_alpha)
    with drawing_from(generator):
        way = ways[int(torch.randint(len(ways), ()))]
        mixed_images, shares = way(images, labels)
    return mixed_images, shares


@functools.lru_cache
def _mixing(classes: int, mixup_alpha: float, cutmix_alpha: float) -> list[Any]:
    # seconds to import, so only where it is used
    from torchvision.transforms import v2

    ways = ((v2.MixUp, mixup_alpha), (v2.CutMix, cutmix_alpha))
    return [way(alpha=alpha, num_classes=classes) for way, alpha in ways if alpha > 0]
