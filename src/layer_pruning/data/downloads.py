"""Data sets that torchvision knows: where their files come from, and what is in them."""

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from torchvision import datasets
from torchvision.datasets.utils import calculate_md5, check_integrity, download_url, extract_archive

from layer_pruning.data.image_file import ImageData
from layer_pruning.data.splits import SPLITS
from layer_pruning.runtime.atomic import written_whole

PathLike = str | os.PathLike[str]
CLASSES: dict[str, Any] = {
    "cifar10": datasets.CIFAR10,
    "cifar100": datasets.CIFAR100,
    "fashion_mnist": datasets.FashionMNIST,
    "svhn": datasets.SVHN,
}
TIMEOUT_SECONDS = 60


def sources(kind: str) -> dict[str, tuple[str, str]]:
    """Address and MD5 checksum, both torchvision's, of every file of a data set by its name."""
    known = CLASSES[kind]
    if kind.startswith("cifar"):
        return {known.filename: (known.url, known.tgz_md5)}
    if kind == "svhn":
        split_list = (known.split_list[split] for split in ("train", "test"))
        return {name: (url, md5) for url, name, md5 in split_list}
    return {name: (f"{known.mirrors[0]}{name}", md5) for name, md5 in known.resources}


@contextmanager
def _patience(seconds: float) -> Iterator[None]:
    """Give up on a server that says nothing for so long; torchvision waits for ever."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def download(kind: str, path: PathLike) -> None:
    """Fetch one file of a data set, known by the name of ``path``, and write it whole.

    A file that is there and has the right checksum is left alone.

    Raises OSError, saying which file to put where, without a network, and ValueError for a file
    with another checksum.
    """
    path = Path(path)
    url, md5 = sources(kind)[path.name]
    if check_integrity(path, md5):
        return
    with written_whole(path) as temporary:
        # torchvision takes a file that is there for one that is fetched
        temporary.unlink()
        try:
            with _patience(TIMEOUT_SECONDS):
                download_url(url, str(temporary.parent), temporary.name)
        except (OSError, RuntimeError) as error:
            raise OSError(
                f"{kind}: no connection to {url} ({' '.join(str(error).split())}); fetch it where "
                f"there is one, put it at {path.absolute()} and run again"
            ) from error
        _check(temporary, md5, f"{kind}: what came from {url}")


def _check(path: Path, md5: str, what: str) -> None:
    if not check_integrity(path, md5):
        raise ValueError(
            f"{what} has the MD5 checksum {calculate_md5(path)}, not {md5}; delete it and run "
            "again, or put the right file there"
        )


def load_downloaded(kind: str, files: Mapping[str, PathLike]) -> ImageData:
    """Read a data set from its downloaded ``files``, path by name. Never touches the network.

    ``split`` of the result holds the official train and test splits. Raises FileNotFoundError,
    or ValueError naming a file whose checksum is wrong.
    """
    parts = []
    with tempfile.TemporaryDirectory() as folder:
        for name, (_, md5) in sources(kind).items():
            path = Path(files[name])
            if not path.is_file():
                raise FileNotFoundError(f"{path}: there is no such file; put it there")
            # torchvision unpickles CIFAR: only files that are what their authors published
            _check(path, md5, str(path))
            _place(kind, path, Path(folder), name)
        for train in (True, False):
            split = {"split": "train" if train else "test"} if kind == "svhn" else {"train": train}
            parts.append(CLASSES[kind](folder, download=False, **split))
    images = [_channels_first(kind, np.asarray(part.data)) for part in parts]
    labels = [np.asarray(part.labels if kind == "svhn" else part.targets) for part in parts]
    names = [str(digit) for digit in range(10)] if kind == "svhn" else parts[0].classes
    return ImageData(
        images=np.concatenate(images),
        labels=np.concatenate(labels).astype(np.int64),
        split=np.repeat(
            np.array([SPLITS.index("train"), SPLITS.index("test")], dtype=np.uint8),
            [len(part) for part in labels],
        ),
        class_names=tuple(names),
    )


def _place(kind: str, path: Path, folder: Path, name: str) -> None:
    """Put a file where torchvision's reader looks for what is in it."""
    if kind == "svhn":
        (folder / name).symlink_to(path.absolute())
    elif kind == "fashion_mnist":
        raw = folder / CLASSES[kind].__name__ / "raw"
        raw.mkdir(parents=True, exist_ok=True)
        # copied: the name may be a link to one without the suffix that torchvision goes by
        shutil.copyfile(path, raw / name)
        extract_archive(str(raw / name), str(raw))
    else:
        extract_archive(str(path), str(folder))


def _channels_first(kind: str, images: np.ndarray) -> np.ndarray:
    """(n, channels, height, width) from what torchvision has of a data set."""
    if kind == "svhn":
        return images
    if kind == "fashion_mnist":
        return images[:, None]
    return images.transpose(0, 3, 1, 2)
