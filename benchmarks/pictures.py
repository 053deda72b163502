"""JPEG files like those of ImageNet: broad shapes and fine grain, in the colours of their class."""

from pathlib import Path

import numpy as np
from PIL import Image

GRAINS = (2, 5, 12, 30, 75, 190, 400)
"""Numbers of patches along a side, from the broadest shapes to single pixels."""


def picture_of(label: int, number: int, size: int) -> Image.Image:
    """A picture of ``size`` × ``size`` pixels, the same for the same class and number.

    Each grain weighs as much as the one before, as in photographs; the class says which colour
    prevails.
    """
    generator = np.random.default_rng([label, number])
    hue = np.array([np.cos(2.4 * label + shift) for shift in (0.0, 2.1, 4.2)])
    total = np.zeros((size, size, 3), dtype=np.float32)
    for grain in GRAINS:
        patches = generator.normal(size=(grain, grain, 3)) + (0.8 * hue if grain < 10 else 0)
        coloured = Image.fromarray(np.clip(128 + 40 * patches, 0, 255).astype(np.uint8))
        total += np.asarray(coloured.resize((size, size), Image.Resampling.BICUBIC)) - 128.0
    return Image.fromarray(np.clip(128 + total / 2, 0, 255).astype(np.uint8))


def write_pictures(
    folder: Path, *, classes: int, each: int, first: int = 0, size: int = 400
) -> int:
    """Write ``each`` pictures of every class, from a ``first`` number on; returns their bytes."""
    written = 0
    for label in range(classes):
        place = folder / f"class{label:03d}"
        place.mkdir(parents=True, exist_ok=True)
        for number in range(first, first + each):
            path = place / f"{number:05d}.jpg"
            picture_of(label, number, size).save(path, quality=90)
            written += path.stat().st_size
    return written
