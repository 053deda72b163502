"""Test images that others corrupted or collected anew, from the files they published."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from layer_pruning.data.folders import from_home
from layer_pruning.data.image_file import ImageData
from layer_pruning.data.manifest import ImageManifest, channels_first, converted, resized
from layer_pruning.data.shift_files import SEVERITIES, is_array_folder, labels_beside
from layer_pruning.runtime.access import access_said, of_the_system

Part = tuple[np.ndarray, np.ndarray]


def _first(images: np.ndarray) -> np.ndarray:
    """Images (n, h, w, c) or (n, h, w) with their channels first, (n, c, h, w)."""
    return images[:, None] if images.ndim == 3 else images.transpose(0, 3, 1, 2)


class CorruptedArrays:
    """CIFAR-10-C and its like: a file for each corruption, five severities one after the other.

    Image i of every severity is image i of the test split of ``data``. Raises ValueError where the
    labels say otherwise.
    """

    def __init__(self, folder: Path, data: ImageData | ImageManifest) -> None:
        self._folder = folder
        self._data = data
        self._labels = data.labels_of("test")
        self.images = len(self._labels)
        labels = np.load(folder / "labels.npy", allow_pickle=False)
        if not np.array_equal(labels, np.tile(self._labels, SEVERITIES)):
            raise ValueError(
                f"{folder / 'labels.npy'} differs from the labels of the test split; these "
                "corruptions are of other images, or in another order"
            )

    def clean(self, chosen: np.ndarray) -> Part:
        """The chosen test images, (n, channels, height, width) in [0, 1], and labels."""
        return self._data.part("test", chosen)

    def part(self, corruption: str, severity: int, chosen: np.ndarray) -> Part:
        """The chosen images, corrupted, as bytes, and labels."""
        # mapped: a file of CIFAR-10-C has 150 MB and one severity of some images is wanted
        images = np.load(self._folder / f"{corruption}.npy", mmap_mode="r", allow_pickle=False)
        rows = images[(severity - 1) * self.images + chosen]
        return _first(np.asarray(rows)), self._labels[chosen]


class CorruptedFolder:
    """ImageNet-C and its like: folders corruption/severity/class with the same names everywhere.

    Images are numbered by class and name. Raises ValueError where a folder has other images than
    the first, which is found by listing all of them.
    """

    def __init__(
        self, folder: Path, corruptions: Sequence[str], data: ImageData | ImageManifest
    ) -> None:
        self._folder = folder
        self._shape = data.input_shape if isinstance(data, ImageManifest) else data.images.shape[1:]
        self._names: list[str] = []
        places = [
            folder / name / str(severity)
            for name in corruptions
            for severity in range(1, SEVERITIES + 1)
        ]
        for place in places:
            names = [
                f"{label}/{path.name}"
                for label in data.class_names
                for path in sorted((place / label).iterdir())
                if not path.name.startswith(".")
            ]
            self._names = self._names or names
            if names != self._names:
                raise ValueError(
                    f"{place} holds {len(names)} images, {places[0]} {len(self._names)}; both "
                    "should have the same names"
                )
        if places and not self._names:
            raise ValueError(f"{places[0]} holds no image; unpack ImageNet-C there")
        self.images = len(self._names)
        classes = {label: index for index, label in enumerate(data.class_names)}
        self._labels = np.array([classes[name.split("/")[0]] for name in self._names], dtype=int)

    def clean(self, chosen: np.ndarray) -> None:
        """Not known here: the data set numbers its images otherwise."""

    def part(self, corruption: str, severity: int, chosen: np.ndarray) -> Part:
        """The chosen images, corrupted, as bytes, and labels. Raises ValueError naming a file."""
        from layer_pruning.data.picture import picture

        images = np.empty((len(chosen), *self._shape), dtype=np.uint8)
        for place, index in enumerate(chosen):
            path = self._folder / corruption / str(severity) / self._names[index]
            try:
                whole = converted(picture(path), self._shape[0])
            # a damaged file can raise anything in a decoder
            except Exception as error:
                if of_the_system(error):
                    raise ValueError(f"{path} cannot be opened: {access_said(error)}") from error
                raise ValueError(f"{path}: no readable image; fetch it again") from error
            images[place] = channels_first(resized(whole, self._shape[1]))
        return images, self._labels[chosen]


def open_corrupted(
    folder: str | Path | None, corruptions: Sequence[str], data: ImageData | ImageManifest
) -> CorruptedArrays | CorruptedFolder | None:
    """The official corruptions in a folder, whichever way they lie; None without a folder."""
    if folder is None:
        return None
    folder = from_home(folder)
    if is_array_folder(folder):
        return CorruptedArrays(folder, data)
    return CorruptedFolder(folder, corruptions, data)


def read_shifted(path: str | Path) -> Part:
    """A test set that was collected anew: images (n, c, h, w) as bytes, and labels (n,)."""
    path = from_home(path)
    try:
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as file:
                images, labels = file["images"], file["labels"]
        else:
            images = np.load(path, allow_pickle=False)
            labels = np.load(labels_beside(path), allow_pickle=False)
    except (ValueError, KeyError) as error:
        raise ValueError(f"{path}: not readable ({error}); fetch it again") from error
    return _first(images), labels.astype(np.int64)
