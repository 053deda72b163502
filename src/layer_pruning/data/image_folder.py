"""The images of a folder of classes, decoded and checked."""

import logging
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from layer_pruning.data.folders import FolderImages, find_images, from_home
from layer_pruning.data.image_file import ImageData, level_counts, moments
from layer_pruning.data.manifest import ImageManifest, channels_first, converted, resized
from layer_pruning.data.picture import DeepImage, header_shape, picture
from layer_pruning.data.splits import SPLITS
from layer_pruning.runtime.access import access_said, of_the_system

logger = logging.getLogger(__name__)

REMEDIES = {
    "not opened": "could not be opened, which says nothing of what is in them",
    "unreadable": "cannot be read; delete or replace them",
    "deep": "have more than 8 bits a pixel and channel; convert them to 8 bits",
    "channels": "are not {seen} as {first} is; 'channels: 3' or 'channels: 1' makes all alike",
    "size": "are not {height} × {width} pixels (height × width) as {first} is; "
    "'image_size: {smaller}' makes all alike",
}
"""What is said of images that do not fit, gravest first."""


def available_memory() -> int:
    """Bytes of memory that are free for use on this machine."""
    meminfo = Path("/proc/meminfo")
    if meminfo.is_file():
        for line in meminfo.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _check_memory(root: Path, count: int, shape: tuple[int, int, int]) -> None:
    needed, free = count * int(np.prod(shape)), available_memory()
    # a job holds the data set, and a split of it on the device
    if 2 * needed > free:
        fits = int((free / 2 / count / shape[0]) ** 0.5)
        raise ValueError(
            f"{root}: its {count} images of {shape[1]} × {shape[2]} pixels take "
            f"{needed / 1e9:.3g} GB of memory, twice in a job, and {free / 1e9:.3g} GB are free "
            f"here; 'image_size: {fits}' or smaller would fit, and 'stream: true' reads images "
            "when they are needed"
        )


@dataclass(frozen=True)
class Examiner:
    """Decodes images to one shape, or says what keeps one from it."""

    root: Path
    shape: tuple[int, int, int]
    image_size: int | None
    any_channels: bool
    """Whether grey and coloured images are made alike."""

    def pixels(self, name: str) -> tuple[np.ndarray | None, str, str]:
        """The pixels (channels, height, width) of an image, or a key of ``REMEDIES`` and why."""
        channels, height, width = self.shape
        try:
            image = picture(self.root / name)
            grey = image.mode == "L"
            if not self.any_channels and grey != (channels == 1):
                return None, "channels", "grey" if grey else "in colour"
            image = converted(image, channels)
            if self.image_size is not None:
                image = resized(image, self.image_size)
            if image.size != (width, height):
                return None, "size", f"{image.height} × {image.width}"
            return channels_first(image), "", ""
        except DeepImage as error:
            return None, "deep", str(error)
        # a damaged file can raise anything in a decoder
        except Exception as error:
            if of_the_system(error):
                return None, "not opened", access_said(error)
            return None, "unreadable", " ".join(str(error).split()) or type(error).__name__

    def counts(self, name: str) -> tuple[np.ndarray | None, str, str]:
        """As :meth:`pixels`, with how often each level occurs (channels, 256) for the pixels."""
        pixels, problem, detail = self.pixels(name)
        return None if pixels is None else level_counts(pixels[None]), problem, detail


def _mapped(function: Callable[[str], Any], names: list[str], workers: int) -> Iterator[Any]:
    if workers == 1:
        yield from map(function, names)
    else:
        # Ctrl-C reaches this process, which ends the others
        quiet = (signal.SIGINT, signal.SIG_IGN)
        with multiprocessing.get_context("fork").Pool(workers, signal.signal, quiet) as pool:
            yield from pool.imap(function, names, chunksize=32)


def _examined(
    function: Callable[[str], tuple[np.ndarray | None, str, str]],
    names: list[str],
    examiner: Examiner,
    workers: int,
) -> Iterator[np.ndarray]:
    """What ``function`` makes of each image. Raises ValueError at the end if some do not fit."""
    problems: dict[str, list[str]] = {}
    for done, (found, problem, detail) in enumerate(_mapped(function, names, workers), start=1):
        if found is None:
            logger.warning("%s: %s (%s)", names[done - 1], problem, detail)
            problems.setdefault(problem, []).append(f"{names[done - 1]} ({detail})")
        elif not problems:
            yield found
        if done % 10_000 == 0:
            logger.info("%d of %d images read", done, len(names))
    channels, height, width = examiner.shape
    for problem, remedy in REMEDIES.items():
        if wrong := problems.get(problem):
            remedy = remedy.format(
                seen="grey" if channels == 1 else "in colour",
                first=names[0],
                height=height,
                width=width,
                smaller=min(height, width),
            )
            raise ValueError(
                f"{examiner.root}: {len(wrong)} images, the first {wrong[0]}, {remedy}"
            )


def _opened(
    path: str | os.PathLike[str], image_size: int | None, channels: int | None
) -> tuple[FolderImages, Examiner, list[str], np.ndarray, np.ndarray]:
    """The folder, what examines it, and names, labels and own splits of its images."""
    folder = find_images(from_home(path))
    if folder.others:
        logger.info("%d files that are no images by their names are left out", folder.others)
    if (said := folder.left_out()) is not None:
        logger.warning("%s", said)
    first = header_shape(folder.first())
    shape = (channels or first[0], image_size or first[1], image_size or first[2])
    examiner = Examiner(folder.root, shape, image_size, any_channels=channels is not None)
    members = [
        (name, label, SPLITS.index(split))
        for split, classes in folder.files.items()
        for label, files in enumerate(classes)
        for name in files
    ]
    names, labels, splits = zip(*members, strict=True)
    return (
        folder,
        examiner,
        list(names),
        np.array(labels, dtype=np.int64),
        np.array(splits, dtype=np.uint8),
    )


def load_image_folder(
    path: str | os.PathLike[str],
    *,
    image_size: int | None,
    channels: int | None,
    workers: int = 1,
) -> ImageData:
    """Decode all images below ``path``, see :func:`layer_pruning.data.folders.find_images`.

    With ``image_size`` each image is brought to that size, else all should have the same; with
    ``channels`` 1 or 3 each becomes grey or coloured, else all should be the one or the other.
    ``split`` of the result holds the folder's own splits, all train where it has none.

    Raises ValueError in one line that names the folder, the first file that does not fit, how many
    there are, and the remedy; the log names them all.
    """
    folder, examiner, names, labels, splits = _opened(path, image_size, channels)
    _check_memory(folder.root, len(names), examiner.shape)
    images = np.empty((len(names), *examiner.shape), dtype=np.uint8)
    for index, pixels in enumerate(_examined(examiner.pixels, names, examiner, workers)):
        images[index] = pixels
    return ImageData(images, labels, splits, folder.class_names)


def examine_image_folder(
    path: str | os.PathLike[str],
    *,
    image_size: int,
    channels: int | None,
    complete_split: Callable[[np.ndarray, np.ndarray], np.ndarray],
    workers: int = 1,
) -> ImageManifest:
    """Check all images as :func:`load_image_folder` does, and keep their names only.

    ``complete_split`` makes the splits from labels and the folder's own splits: the statistics
    are those of the training images, as they are cut for evaluation.
    """
    folder, examiner, names, labels, own = _opened(path, image_size, channels)
    split = complete_split(labels, own)
    total = np.zeros((examiner.shape[0], 256), dtype=np.int64)
    for counts, part in zip(
        _examined(examiner.counts, names, examiner, workers), split, strict=True
    ):
        if part == SPLITS.index("train"):
            total += counts
    mean, std = moments(total, levels=255)
    return ImageManifest(
        root=str(folder.root.absolute()),
        names=tuple(names),
        labels=labels,
        split=split,
        class_names=folder.class_names,
        input_shape=examiner.shape,
        mean=mean,
        std=std,
    )
