"""Corruptions of images that no one chose to fool a network: noise, blur, light and compression.

They follow the kinds of Hendrycks and Dietterich 2019 (arXiv:1903.12261) for images of any size,
with one or three channels: lengths are shares of the shorter side. Severities are their own, so
accuracies are **not comparable with the official CIFAR-10-C and ImageNet-C**, which are files
(see :mod:`layer_pruning.data.shifted`). What is drawn for an image depends on the seed, the
corruption and the image alone, never on the batch, and is the same at every severity.
"""

import io
import zlib
from collections.abc import Callable, Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from layer_pruning.attacks.catalog import CORRUPTIONS, SEVERITIES

Generators = Sequence[np.random.Generator]
# how finely the edge of a blur is sampled, in parts of a pixel
_PARTS = 9


def _draws(
    images: Tensor,
    draw: Callable[[np.random.Generator, tuple[int, ...]], np.ndarray],
    generators: Generators,
) -> Tensor:
    """What ``draw`` returns for the generator of each image and the shape of one."""
    shape = tuple(images.shape[1:])
    return torch.from_numpy(np.stack([draw(g, shape) for g in generators])).to(images)


def _gaussian_noise(images: Tensor, level: float, generators: Generators) -> Tensor:
    """``level`` is the standard deviation."""
    return images + level * _draws(images, lambda g, s: g.standard_normal(s), generators)


def _shot_noise(images: Tensor, level: float, generators: Generators) -> Tensor:
    """``level`` is the number of photons that make a pixel white."""
    photons = [
        g.poisson(x.double().numpy() * level) for x, g in zip(images, generators, strict=True)
    ]
    return torch.from_numpy(np.stack(photons) / level).to(images)


def _impulse_noise(images: Tensor, level: float, generators: Generators) -> Tensor:
    """``level`` is the share of values that become 0 or 1."""
    drawn = _draws(images, lambda g, s: g.random(s), generators)
    noisy = torch.where(drawn < level / 2, 0.0, images)
    return torch.where(drawn > 1 - level / 2, 1.0, noisy)


def _convolved(images: Tensor, kernels: Tensor) -> Tensor:
    """Each image (n, c, h, w) with its own kernel (n, k, l), k and l odd; borders are repeated."""
    n, c, h, w = images.shape
    down, across = (size // 2 for size in kernels.shape[1:])
    padded = nn.functional.pad(images, (across, across, down, down), mode="replicate")
    weight = kernels.to(images).repeat_interleave(c, 0)[:, None]
    flat = padded.reshape(1, n * c, h + 2 * down, w + 2 * across)
    return nn.functional.conv2d(flat, weight, groups=n * c).view(n, c, h, w)


def _grid(reach: int) -> Tensor:
    """Distances (k, k, 2) of the pixels of a kernel from its middle, k = 2 reach + 1."""
    steps = torch.arange(-reach, reach + 1, dtype=torch.float64)
    return torch.stack(torch.meshgrid(steps, steps, indexing="ij"), -1)


def _gaussian_blur(images: Tensor, level: float, generators: Generators) -> Tensor:
    """``level`` is the standard deviation, 0.3 pixels left out, as a share of the side."""
    sigma = 0.3 + level * min(images.shape[2:])
    reach = int(3 * sigma) + 1
    line = torch.exp(-torch.arange(-reach, reach + 1).square() / (2 * sigma**2))
    row = (line / line.sum()).expand(len(images), 1, -1)
    # the two directions one after the other: far quicker for a large image
    return _convolved(_convolved(images, row), row.transpose(1, 2))


def _defocus_blur(images: Tensor, level: float, generators: Generators) -> Tensor:
    """``level`` is the radius of a disc, half a pixel left out, as a share of the side."""
    radius = 0.5 + level * min(images.shape[2:])
    reach = int(radius + 0.5)
    # the share of each pixel that the disc covers, by counting points in it
    inside = torch.arange(_PARTS, dtype=torch.float64).add(0.5).div(_PARTS).sub(0.5)
    offsets = torch.stack(torch.meshgrid(inside, inside, indexing="ij"), -1).view(1, 1, -1, 2)
    distances = (_grid(reach)[:, :, None] + offsets).norm(dim=-1)
    kernel = (distances <= radius).double().mean(-1)
    return _convolved(images, (kernel / kernel.sum()).expand(len(images), -1, -1))


def _motion_blur(images: Tensor, level: float, generators: Generators) -> Tensor:
    """``level`` is the length of a line, one pixel left out, as a share of the side."""
    length = 1 + level * min(images.shape[2:])
    reach = int(length / 2 + 1)
    angles = torch.tensor([g.uniform(0, np.pi) for g in generators], dtype=torch.float64)
    along = torch.linspace(-0.5, 0.5, _PARTS * (reach + 1), dtype=torch.float64) * (length - 1)
    direction = torch.stack([angles.sin(), angles.cos()], -1)
    points = direction[:, None, None, None] * along[:, None]
    # every point of the line is shared among the four pixels around it
    shares = (1 - (_grid(reach)[None, :, :, None] - points).abs()).clamp(min=0).prod(-1)
    kernels = shares.sum(-1)
    return _convolved(images, kernels / kernels.sum((1, 2), keepdim=True))


def _brightness(images: Tensor, level: float, generators: Generators) -> Tensor:
    """``level`` is added."""
    return images + level


def _contrast(images: Tensor, level: float, generators: Generators) -> Tensor:
    """``level`` is what is left of the distance to the mean of image and channel."""
    mean = images.mean((2, 3), keepdim=True)
    return mean + level * (images - mean)


def _pixelate(images: Tensor, level: float, generators: Generators) -> Tensor:
    """``level`` is the share of the pixels of a side that are left."""
    down, across = (_coarse(side, max(1, round(level * side))) for side in images.shape[2:])
    return down.to(images) @ images @ across.to(images).T


def _coarse(side: int, left: int) -> Tensor:
    """A matrix (side, side) that leaves ``left`` pixels, each the mean of what it covers.

    A pixel that lies in two of them is mixed from both by area; whole pixels alone would make
    severities depend on whether sizes divide one another.
    """
    pixels = torch.arange(side, dtype=torch.float64)
    edges = torch.arange(left + 1, dtype=torch.float64) * side / left
    ends = torch.minimum(edges[1:, None], pixels + 1) - torch.maximum(edges[:-1, None], pixels)
    shared = ends.clamp(min=0)
    return shared.T @ (shared * left / side)


def _jpeg(images: Tensor, level: float, generators: Generators) -> Tensor:
    """``level`` is the quality."""
    compressed = []
    for pixels in images.mul(255).round().byte().permute(0, 2, 3, 1).numpy():
        file = io.BytesIO()
        grey = pixels.shape[-1] == 1
        Image.fromarray(pixels[..., 0] if grey else pixels).save(file, "JPEG", quality=int(level))
        with Image.open(file, formats=["JPEG"]) as image:
            decoded = np.asarray(image)
        compressed.append(decoded[..., None] if grey else decoded)
    return torch.from_numpy(np.stack(compressed)).permute(0, 3, 1, 2).to(images) / 255


# the function of each corruption, and its level at the severities 1 to 5
_LEVELS: dict[str, tuple[Callable[[Tensor, float, Generators], Tensor], tuple[float, ...]]] = {
    "gaussian_noise": (_gaussian_noise, (0.04, 0.08, 0.12, 0.18, 0.26)),
    "shot_noise": (_shot_noise, (250, 100, 50, 25, 12)),
    "impulse_noise": (_impulse_noise, (0.02, 0.05, 0.09, 0.15, 0.25)),
    "gaussian_blur": (_gaussian_blur, (0.005, 0.015, 0.03, 0.05, 0.08)),
    "defocus_blur": (_defocus_blur, (0.01, 0.02, 0.035, 0.055, 0.08)),
    "motion_blur": (_motion_blur, (0.06, 0.1, 0.15, 0.2, 0.28)),
    "brightness": (_brightness, (0.1, 0.2, 0.3, 0.4, 0.5)),
    "contrast": (_contrast, (0.75, 0.5, 0.4, 0.3, 0.15)),
    "pixelate": (_pixelate, (0.9, 0.75, 0.65, 0.5, 0.4)),
    "jpeg_compression": (_jpeg, (80, 50, 30, 18, 10)),
}


def corrupt(
    images: Tensor, name: str, severity: int, *, indices: Sequence[int], seed: int
) -> Tensor:
    """Return corrupted images (n, c, h, w) in [0, 1]; severity 0 returns them as they are.

    ``images`` (n, c, h, w) in [0, 1], on the CPU, c being 1 or 3; ``indices`` (n) are the numbers
    of the images in their split, which with ``seed`` decide what is drawn for each. Raises
    ValueError for an unknown corruption or severity.
    """
    if name not in CORRUPTIONS:
        raise ValueError(f"unknown corruption {name!r}; known: {', '.join(CORRUPTIONS)}")
    if severity not in (0, *SEVERITIES):
        raise ValueError(f"severity must be one of 0 (none) to {SEVERITIES[-1]}, not {severity}")
    if severity == 0:
        return images
    function, levels = _LEVELS[name]
    number = zlib.crc32(name.encode())
    generators = [np.random.default_rng([seed, number, int(index)]) for index in indices]
    return function(images, levels[severity - 1], generators).clamp(0, 1)
