"""Images that stay in their files until they are needed. No torch."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from layer_pruning.data.picture import picture
from layer_pruning.data.splits import SPLITS
from layer_pruning.runtime.access import access_said, of_the_system


def resized(image: Image.Image, size: int) -> Image.Image:
    """The shorter side brought to ``size`` and the centre cut out: ``size`` × ``size`` pixels."""
    width, height = image.size
    shorter = min(width, height)
    # rounded down, as torchvision's Resize
    width, height = int(size * width / shorter), int(size * height / shorter)
    if image.size != (width, height):
        image = image.resize((width, height), Image.Resampling.BILINEAR)
    left, top = round((width - size) / 2), round((height - size) / 2)
    return image.crop((left, top, left + size, top + size))


def converted(image: Image.Image, channels: int) -> Image.Image:
    """An image in grey (1) or colour (3)."""
    mode = "L" if channels == 1 else "RGB"
    return image if image.mode == mode else image.convert(mode)


def channels_first(image: Image.Image) -> np.ndarray:
    """The pixels (channels, height, width) of a grey or coloured image, uint8."""
    pixels = np.asarray(image)
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)


@dataclass(frozen=True)
class ImageManifest:
    """A data set in its files."""

    root: str
    """The folder below which they lie."""
    names: tuple[str, ...]
    labels: np.ndarray
    """(n,), int64."""
    split: np.ndarray
    """(n,), uint8, an index into ``SPLITS`` for each image."""
    class_names: tuple[str, ...]
    input_shape: tuple[int, int, int]
    """Channels, height, width; height and width are the same."""
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def labels_of(self, split: str) -> np.ndarray:
        """Labels of a split."""
        return self.labels[self.split == SPLITS.index(split)]

    def digest(self) -> str:
        """A digest of the files' names, labels and splits; their content is not read."""
        digest = hashlib.sha256(repr((self.root, self.names, self.class_names)).encode())
        for values in (self.labels, self.split):
            digest.update(np.ascontiguousarray(values).tobytes())
        return digest.hexdigest()

    def names_of(self, split: str) -> list[str]:
        """Names of the files of a split, below ``root``."""
        return [self.names[index] for index in np.flatnonzero(self.split == SPLITS.index(split))]

    def opened(self, name: str) -> Image.Image:
        """An image, grey or coloured and as large as it is. Raises ValueError naming the file."""
        path = Path(self.root) / name
        try:
            return converted(picture(path), self.input_shape[0])
        # it was readable when the data set was prepared
        except Exception as error:
            if of_the_system(error):
                raise ValueError(f"{path} cannot be opened: {access_said(error)}") from error
            raise ValueError(
                f"{path}: no longer readable; put it back, or change the folder's images and "
                "run again"
            ) from error

    def part(
        self, split: str, chosen: np.ndarray | slice = slice(None)
    ) -> tuple[np.ndarray, np.ndarray]:
        """Images (float32 in [0, 1]) and labels of a split, or of the ``chosen`` ones in it."""
        members = np.flatnonzero(self.split == SPLITS.index(split))[chosen]
        images = np.empty((len(members), *self.input_shape), dtype=np.float32)
        for place, member in enumerate(members):
            image = self.opened(self.names[member])
            images[place] = channels_first(resized(image, self.input_shape[1]))
        images /= np.float32(255)
        return images, self.labels[members]

    def description(self) -> dict[str, Any]:
        """What a network has to know of its data: shape, normalisation and class names."""
        return {
            "input_shape": self.input_shape,
            "mean": self.mean,
            "std": self.std,
            "class_names": self.class_names,
        }
