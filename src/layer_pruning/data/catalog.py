"""What is known of a data set before its images are read. No torch, no numpy."""

import difflib
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from layer_pruning.data.folders import find_images, from_home
from layer_pruning.data.shift_files import (
    OFFICIAL_CORRUPTIONS,
    VALIDATION_CORRUPTIONS,
    check_corrupted,
    check_shifted,
)

IMAGE_FOLDER = "image_folder"
CUE: dict[str, Any] = {"share": 0.8, "rate": 0.9, "size_pixels": 2, "margin_pixels": None}
"""What a planted cue is unless told otherwise, see :mod:`layer_pruning.data.cue`."""

PHOTOGRAPH_EPSILONS = tuple(part / 255 for part in (0.25, 0.5, 1, 2, 4, 8))
"""Perturbations in L-infinity that photographs are attacked with unless told otherwise."""
DRAWING_EPSILONS = (0.03, 0.05, 0.1, 0.15, 0.2)
"""The same for strokes on an empty ground, which bear larger ones."""


def split_sizes(
    images: int, *, validation_fraction: float, test_fraction: float
) -> tuple[int, int, int]:
    """Images of one class in train, validation and test, each share rounded to a whole image."""
    test = round(images * test_fraction)
    validation = round(images * validation_fraction)
    return images - validation - test, validation, test


@dataclass(frozen=True)
class DatasetInfo:
    """What is known of a data set before it is read."""

    description: str
    images_per_class: tuple[int, ...]
    """Images of each class that the data set offers for training, in the order of its labels."""
    input_shape: tuple[int, int, int]
    """Channels, height, width."""
    validation_per_class: tuple[int, ...] = ()
    """Those of its own validation split, empty where it has none."""
    test_per_class: tuple[int, ...] = ()
    """Those of its own test split, empty where it has none."""
    files: tuple[str, ...] = ()
    """Names of the files to download."""
    streamed: bool = False
    """Whether images stay in their files until they are needed."""
    left_out: str | None = None
    """One line on images of a folder that are not read."""
    mirrored: bool = True
    """Whether the mirror image of an image belongs to the same class."""
    epsilons: tuple[float, ...] = PHOTOGRAPH_EPSILONS
    """Perturbations in L-infinity, for images in [0, 1], that are usual for such images."""
    content: str = ""
    """A digest that changes when images of a folder are added, removed or renamed."""

    @property
    def classes(self) -> int:
        """Number of classes."""
        return len(self.images_per_class)

    @property
    def usual_shift_pixels(self) -> int:
        """By how much augmentation moves images unless told otherwise."""
        # streamed images are cut at random as they are read
        return 0 if self.streamed else self.input_shape[2] // 8

    def cue_margin_pixels(self, cue: Mapping[str, Any]) -> int:
        """How far from the border a cue lies: by default as far as images are moved."""
        margin = cue["margin_pixels"]
        return self.usual_shift_pixels if margin is None else int(margin)

    def cue_patterns(self, size: int) -> int:
        """How many classes a patch of ``size`` × ``size`` pixels can tell apart.

        Every pixel is on or off in every channel, and at least one is on. Where images may be
        mirrored, a pattern and its mirror image are one.
        """
        row = self.input_shape[0] * size
        patterns: int = 2 ** (row * size)
        if self.mirrored:
            # the mirror image of a pattern is another one unless its columns are symmetric
            patterns = (patterns + 2 ** (row * -(-size // 2))) // 2
        return patterns - 1

    def megabytes(self) -> int:
        """Memory of all images, decoded, rounded up; none where they are streamed."""
        if self.streamed:
            return 0
        images = sum(self.images_per_class + self.validation_per_class + self.test_per_class)
        return -(-images * math.prod(self.input_shape) // 10**6)

    def sizes(
        self, *, validation_fraction: float, test_fraction: float
    ) -> list[tuple[int, int, int]]:
        """Images of each class in train, validation and test, as the data will be split.

        Splits of the data set's own are kept; those that it lacks are taken from its images for
        training.
        """
        found = []
        for label, images in enumerate(self.images_per_class):
            train, validation, test = split_sizes(
                images,
                validation_fraction=0.0 if self.validation_per_class else validation_fraction,
                test_fraction=0.0 if self.test_per_class else test_fraction,
            )
            if self.validation_per_class:
                validation = self.validation_per_class[label]
            if self.test_per_class:
                test = self.test_per_class[label]
            found.append((train, validation, test))
        return found


DATASETS = {
    "digits": DatasetInfo(
        "1,797 handwritten digits of 8 × 8 pixels that scikit-learn ships (Alpaydin and Kaynak "
        "1998, UCI Machine Learning Repository, doi 10.24432/C50P49)",
        images_per_class=(178, 182, 177, 183, 181, 182, 181, 179, 174, 180),
        input_shape=(1, 8, 8),
        mirrored=False,
        epsilons=DRAWING_EPSILONS,
    ),
    "cifar10": DatasetInfo(
        "60,000 colour photographs of 32 × 32 pixels in 10 classes (Krizhevsky 2009)",
        images_per_class=(5000,) * 10,
        test_per_class=(1000,) * 10,
        input_shape=(3, 32, 32),
        files=("cifar-10-python.tar.gz",),
    ),
    "cifar100": DatasetInfo(
        "60,000 colour photographs of 32 × 32 pixels in 100 classes (Krizhevsky 2009)",
        images_per_class=(500,) * 100,
        test_per_class=(100,) * 100,
        input_shape=(3, 32, 32),
        files=("cifar-100-python.tar.gz",),
    ),
    "fashion_mnist": DatasetInfo(
        "70,000 grey pictures of clothes, 28 × 28 pixels, in 10 classes (Xiao, Rasul and Vollgraf "
        "2017, arXiv 1708.07747)",
        images_per_class=(6000,) * 10,
        test_per_class=(1000,) * 10,
        input_shape=(1, 28, 28),
        files=(
            "train-images-idx3-ubyte.gz",
            "train-labels-idx1-ubyte.gz",
            "t10k-images-idx3-ubyte.gz",
            "t10k-labels-idx1-ubyte.gz",
        ),
        epsilons=DRAWING_EPSILONS,
    ),
    "svhn": DatasetInfo(
        "99,289 digits of house numbers in colour, 32 × 32 pixels (Netzer et al. 2011)",
        images_per_class=(4948, 13861, 10585, 8497, 7458, 6882, 5727, 5595, 5045, 4659),
        test_per_class=(1744, 5099, 4149, 2882, 2523, 2384, 1977, 2019, 1660, 1595),
        input_shape=(3, 32, 32),
        files=("train_32x32.mat", "test_32x32.mat"),
        mirrored=False,
    ),
}

KINDS = (*DATASETS, IMAGE_FOLDER)


def complete_settings(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a data set with defaults; the kind is the name where none is given."""
    defaults: dict[str, Any] = {"kind": None, "path": None, "image_size": None, "channels": None}
    defaults |= {"stream": False, "published": None}
    defaults |= {"cue": None, "corrupted": None, "shifted": []}
    settings = defaults | dict(given)
    settings["kind"] = settings["kind"] or name
    if settings["cue"] is not None:
        settings["cue"] = CUE | settings["cue"]
    return settings


def official_corruptions(names: Sequence[str] | None) -> tuple[str, ...]:
    """The corruptions wanted of those published; the usual fifteen by default.

    Raises ValueError for one that was never published.
    """
    for name in names or ():
        if name not in (*OFFICIAL_CORRUPTIONS, *VALIDATION_CORRUPTIONS):
            known = ", ".join((*OFFICIAL_CORRUPTIONS, *VALIDATION_CORRUPTIONS))
            raise ValueError(f"'{name}' is unknown; official are {known}")
    return OFFICIAL_CORRUPTIONS if names is None else tuple(names)


def shifted_name(path: str) -> str:
    """What a newly collected test set is called in tables."""
    return Path(path).name.removesuffix(".npz").removesuffix("_data.npy")


def shifted_files(
    settings: Mapping[str, Any], corruptions: Sequence[str], test_images: int
) -> list[str]:
    """Check the files of ``corrupted`` and ``shifted`` of a data set by their headers; list them.

    ``test_images`` are those of the test split. Folders of images are checked but not listed.
    Raises OSError or ValueError, in one line that names the file and what belongs there.
    """
    info, files = dataset_info(settings), []
    if settings["corrupted"] is not None and corruptions:
        own = settings["path"] and find_images(from_home(settings["path"]))
        files += check_corrupted(
            from_home(settings["corrupted"]),
            corruptions,
            images=test_images,
            input_shape=info.input_shape,
            class_names=own.class_names if own else None,
        )
    for path in settings["shifted"]:
        files += check_shifted(from_home(path), info.input_shape)
    return files


LARGEST_IN_MEMORY = 4000
"""Megabytes of decoded images above which a folder is streamed unless told otherwise. No matter of
the machine: streamed images are cut at random in training, which makes other networks."""


def streams_by_size(settings: Mapping[str, Any]) -> bool:
    """Whether a data set is too large to be held by every job. Nothing is said of a wrong one."""
    if settings["kind"] != IMAGE_FOLDER or not settings["image_size"] or settings["cue"]:
        return False
    try:
        return dataset_info({**settings, "stream": False}).megabytes() > LARGEST_IN_MEMORY
    except (ValueError, OSError):
        return False


def dataset_info(settings: Mapping[str, Any]) -> DatasetInfo:
    """What is known of the data set with these settings, see :func:`complete_settings`.

    The folders of an ``image_folder`` are listed and one image's header is read. Raises ValueError
    or OSError, in one line that names the folder and the remedy.
    """
    info = _info(settings)
    if settings["cue"] is not None:
        _check_cue(settings["cue"], info)
    return info


def _check_cue(cue: Mapping[str, Any], info: DatasetInfo) -> None:
    if info.streamed:
        raise ValueError("'cue' is planted on images in memory; leave out 'stream'")
    size, margin = cue["size_pixels"], info.cue_margin_pixels(cue)
    smaller = min(info.input_shape[1:])
    # first, as the patterns of a patch are counted bit by bit
    if margin + size > smaller:
        raise ValueError(
            f"'cue': a patch of {size} pixels, {margin} from the border, does not fit on images of "
            f"{smaller}; 'size_pixels' and 'margin_pixels' should add up to {smaller} at most"
        )
    if info.cue_patterns(size) < info.classes:
        enough = next(n for n in itertools.count(size) if info.cue_patterns(n) >= info.classes)
        raise ValueError(
            f"'cue.size_pixels': {size} tells {info.cue_patterns(size)} classes apart, and there "
            f"are {info.classes}; {enough} would do"
        )


def _info(settings: Mapping[str, Any]) -> DatasetInfo:
    kind, path = settings["kind"], settings["path"]
    if kind != IMAGE_FOLDER:
        if kind not in DATASETS:
            near = difflib.get_close_matches(kind, KINDS, n=1)
            guess = f"did you mean '{near[0]}'? " if near else ""
            raise ValueError(f"'{kind}' is unknown; {guess}known are {', '.join(KINDS)}")
        for key in ("path", "image_size", "channels", "stream"):
            if settings[key] not in (None, False):
                raise ValueError(f"'{key}' is for kind: {IMAGE_FOLDER} only")
        return DATASETS[kind]
    if path is None:
        raise ValueError("'path' is missing: the folder that holds the class folders")
    if settings["stream"] and settings["image_size"] is None:
        raise ValueError("'stream' needs an 'image_size', such as 224")
    info = _folder_info(path, settings["image_size"], settings["channels"])
    return replace(info, streamed=settings["stream"])


# every check of a configuration asks
@lru_cache
def _folder_info(path: str, size: int | None, channels: int | None) -> DatasetInfo:
    folder = find_images(from_home(path))
    # a tenth of a second that few configurations need
    from layer_pruning.data.picture import header_shape

    first = header_shape(folder.first())
    return DatasetInfo(
        f"images of the folder {path}",
        images_per_class=folder.images_per_class("train"),
        validation_per_class=folder.images_per_class("validation"),
        test_per_class=folder.images_per_class("test"),
        input_shape=(channels or first[0], size or first[1], size or first[2]),
        content=folder.digest(),
        left_out=folder.left_out(),
    )
