"""The data file: all images of a small data set with their labels and splits, one ``.npz``."""

import os
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from layer_pruning.atomic import written_whole
from layer_pruning.data.splits import SPLITS


@dataclass(frozen=True)
class ImageData:
    """A data set in memory."""

    images: np.ndarray
    """(n, channels, height, width), float32 in [0, 1]."""
    labels: np.ndarray
    """(n,), int64."""
    split: np.ndarray
    """(n,), an index into ``SPLITS`` for each image."""
    class_names: tuple[str, ...]

    def part(self, split: str) -> tuple[np.ndarray, np.ndarray]:
        """Images and labels of ``train``, ``validation`` or ``test``."""
        chosen = self.split == SPLITS.index(split)
        return self.images[chosen], self.labels[chosen]

    def statistics(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Mean and standard deviation of each channel over the training images."""
        images = self.part("train")[0].astype(np.float64)
        mean, std = images.mean(axis=(0, 2, 3)), images.std(axis=(0, 2, 3))
        # a channel that never varies is centred and left alone
        std = np.where(std > 0, std, 1.0)
        return tuple(mean.tolist()), tuple(std.tolist())

    def description(self) -> dict[str, Any]:
        """What a network has to know of its data: shape, normalisation and class names."""
        mean, std = self.statistics()
        return {
            "input_shape": tuple(self.images.shape[1:]),
            "mean": mean,
            "std": std,
            "class_names": self.class_names,
        }


def write_data(path: str | os.PathLike[str], data: ImageData) -> None:
    """Write a data file, whole. Raises ValueError for images outside [0, 1] or a bad label."""
    if data.images.min() < 0 or data.images.max() > 1:
        raise ValueError(f"{path}: images should lie in [0, 1]")
    if data.labels.min() < 0 or data.labels.max() >= len(data.class_names):
        raise ValueError(f"{path}: labels should lie in 0 … {len(data.class_names) - 1}")
    with written_whole(path) as temporary:
        np.savez_compressed(
            temporary,
            images=data.images,
            labels=data.labels,
            split=data.split,
            class_names=np.array(data.class_names),
        )


def read_data(path: str | os.PathLike[str]) -> ImageData:
    """Read a data file. Raises FileNotFoundError, or ValueError in one line naming the file."""
    if not Path(path).is_file():
        raise FileNotFoundError(f"{path}: there is no such data file")
    try:
        with np.load(path, allow_pickle=False) as file:
            return ImageData(
                images=file["images"],
                labels=file["labels"],
                split=file["split"],
                class_names=tuple(file["class_names"].tolist()),
            )
    except (KeyError, ValueError, OSError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"{path}: not a readable data file ({error}); delete it and run the workflow again"
        ) from error
