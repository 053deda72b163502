"""The data file: all images of a data set with their labels and splits, one ``.npz``."""

import dataclasses
import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from layer_pruning.data.cue import Cue
from layer_pruning.data.manifest import ImageManifest
from layer_pruning.data.splits import SPLITS
from layer_pruning.runtime.access import of_the_system
from layer_pruning.runtime.atomic import written_whole
from layer_pruning.runtime.record_files import REMEDY


def level_counts(images: np.ndarray) -> np.ndarray:
    """How often each level occurs in each channel of images (n, c, h, w): (c, 256)."""
    counts = np.zeros((images.shape[1], 256), dtype=np.int64)
    # a thousand at a time: counting takes eight bytes a pixel
    for start in range(0, len(images), 1000):
        for channel in range(images.shape[1]):
            part = images[start : start + 1000, channel]
            counts[channel] += np.bincount(part.ravel(), minlength=256)
    return counts


def moments(counts: np.ndarray, levels: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each channel from how often each level occurs."""
    steps = np.arange(256)
    means, stds = [], []
    for of_channel in counts:
        mean = (of_channel @ steps) / of_channel.sum()
        variance = (of_channel @ (steps - mean) ** 2) / of_channel.sum()
        means.append(float(mean / levels))
        # a channel that never varies is centred and left alone
        stds.append(float(np.sqrt(variance) / levels) if variance > 0 else 1.0)
    return tuple(means), tuple(stds)


@dataclass(frozen=True)
class ImageData:
    """A data set in memory."""

    images: np.ndarray
    """(n, channels, height, width), uint8: brightness in steps of 1 / ``levels``."""
    labels: np.ndarray
    """(n,), int64."""
    split: np.ndarray
    """(n,), uint8, an index into ``SPLITS`` for each image."""
    class_names: tuple[str, ...]
    levels: int = 255
    """The value that stands for a brightness of 1."""
    cue: Cue | None = None
    """The cue on the images of train and validation, which can be planted on test images."""

    def stored(self, split: str) -> tuple[np.ndarray, np.ndarray]:
        """Images as they are stored, and labels, of ``train``, ``validation`` or ``test``."""
        chosen = self.split == SPLITS.index(split)
        return self.images[chosen], self.labels[chosen]

    def labels_of(self, split: str) -> np.ndarray:
        """Labels of a split."""
        return self.labels[self.split == SPLITS.index(split)]

    def part(
        self, split: str, chosen: np.ndarray | slice = slice(None)
    ) -> tuple[np.ndarray, np.ndarray]:
        """Images (float32 in [0, 1]) and labels of a split, or of the ``chosen`` ones in it."""
        members = np.flatnonzero(self.split == SPLITS.index(split))[chosen]
        images = self.images[members].astype(np.float32)
        images /= np.float32(self.levels)
        return images, self.labels[members]

    def digest(self) -> str:
        """A digest of images, labels and splits."""
        digest = hashlib.sha256(repr((self.levels, self.class_names)).encode())
        for values in (self.images, self.labels, self.split):
            digest.update(np.ascontiguousarray(values).tobytes())
        return digest.hexdigest()

    def statistics(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Mean and standard deviation of each channel over the training images."""
        return moments(level_counts(self.stored("train")[0]), self.levels)

    def description(self) -> dict[str, Any]:
        """What a network has to know of its data: shape, normalisation and class names."""
        mean, std = self.statistics()
        return {
            "input_shape": tuple(self.images.shape[1:]),
            "mean": mean,
            "std": std,
            "class_names": self.class_names,
        }


def write_data(path: str | os.PathLike[str], data: ImageData | ImageManifest) -> None:
    """Write a data file, whole. Raises ValueError for images above ``levels`` or a bad label.

    Of a manifest the names are kept, and no pixel.
    """
    if isinstance(data, ImageData) and (
        data.images.dtype != np.uint8 or data.images.max() > data.levels
    ):
        raise ValueError(f"{path}: images should be uint8 of at most {data.levels}")
    _check_labels(path, data)
    with written_whole(path) as temporary:
        # not compressed: every job reads this file, and photographs hardly shrink
        np.savez(
            temporary,
            labels=data.labels,
            split=data.split,
            class_names=np.array(data.class_names),
            allow_pickle=False,
            **(_pixels(data) if isinstance(data, ImageData) else _names(data)),
        )


def _check_labels(path: str | os.PathLike[str], data: ImageData | ImageManifest) -> None:
    images = len(data.images) if isinstance(data, ImageData) else len(data.names)
    if not len(data.labels) == len(data.split) == images > 0:
        raise ValueError(f"{path}: {images} images should have as many labels and splits")
    if data.labels.min() < 0 or data.labels.max() >= len(data.class_names):
        raise ValueError(f"{path}: labels should lie in 0 … {len(data.class_names) - 1}")
    if data.split.max() >= len(SPLITS):
        raise ValueError(f"{path}: splits should lie in 0 … {len(SPLITS) - 1}")


def _pixels(data: ImageData) -> dict[str, np.ndarray]:
    pixels = {"images": data.images, "levels": np.array(data.levels)}
    return pixels if data.cue is None else pixels | _cue(data.cue)


def _cue(cue: Cue) -> dict[str, np.ndarray]:
    fields = {field.name: getattr(cue, field.name) for field in dataclasses.fields(cue)}
    return {f"cue_{name}": np.array(value) for name, value in fields.items()}


def _read_cue(file: Mapping[str, np.ndarray]) -> Cue | None:
    if "cue_patterns" not in file:
        return None
    return Cue(
        patterns=file["cue_patterns"],
        margin_pixels=int(file["cue_margin_pixels"]),
        share=float(file["cue_share"]),
        rate=float(file["cue_rate"]),
        seed=int(file["cue_seed"]),
    )


def _names(data: ImageManifest) -> dict[str, np.ndarray]:
    # one text rather than an array of texts, each as long as the longest
    joined = "\0".join((data.root, *data.names)).encode(errors="surrogateescape")
    return {
        "names": np.frombuffer(joined, dtype=np.uint8),
        "input_shape": np.array(data.input_shape),
        "moments": np.array([data.mean, data.std]),
    }


def read_data(path: str | os.PathLike[str]) -> ImageData | ImageManifest:
    """Read a data file. Raises FileNotFoundError, or ValueError in one line naming the file.

    The format compares the CRC-32 of every array, so a damaged one is noticed.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"{path}: there is no such data file")
    data = _read(path)
    _check_labels(path, data)
    return data


def _read(path: str | os.PathLike[str]) -> ImageData | ImageManifest:
    try:
        with np.load(path, allow_pickle=False) as file:
            shared = {
                "labels": file["labels"],
                "split": file["split"],
                "class_names": tuple(file["class_names"].tolist()),
            }
            if "names" not in file:
                levels = int(file["levels"])
                return ImageData(
                    images=file["images"], levels=levels, cue=_read_cue(file), **shared
                )
            root, *names = file["names"].tobytes().decode(errors="surrogateescape").split("\0")
            mean, std = map(tuple, file["moments"].tolist())
            shape = tuple(file["input_shape"].tolist())
            return ImageManifest(
                root, tuple(names), input_shape=shape, mean=mean, std=std, **shared
            )
    except MemoryError as error:
        raise MemoryError(f"{path} cannot be read: {error}") from error
    # a flipped bit can make zipfile and numpy raise nearly anything
    except Exception as error:
        if of_the_system(error):
            raise
        raise ValueError(f"{path}: not a readable data file ({error}); {REMEDY}") from error
