"""Which files hold corrupted or newly collected test images, and whether they are whole.

Headers alone are read, so that a wrong path is found before any job. No torch, no numpy.
"""

import ast
import math
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from layer_pruning.runtime.whereabouts import right_path

OFFICIAL_CORRUPTIONS = (
    *("gaussian_noise", "shot_noise", "impulse_noise"),
    *("defocus_blur", "glass_blur", "motion_blur", "zoom_blur"),
    *("snow", "frost", "fog", "brightness"),
    *("contrast", "elastic_transform", "pixelate", "jpeg_compression"),
)
"""The fifteen of CIFAR-10-C, CIFAR-100-C and ImageNet-C (arXiv:1903.12261)."""
VALIDATION_CORRUPTIONS = ("speckle_noise", "gaussian_blur", "spatter", "saturate")
"""The four extra ones, which are no part of the published means."""
SEVERITIES = 5


@dataclass(frozen=True)
class ArrayHeader:
    """What the header of a ``.npy`` file says."""

    kind: str
    """The letter of the element type: u and i are integers."""
    item_bytes: int
    shape: tuple[int, ...]


def array_header(path: Path) -> ArrayHeader:
    """The header of a ``.npy`` file. Raises ValueError naming a file that is none, or too short."""
    if not path.is_file():
        right = right_path(path, "put it there, or leave the key out")
        raise FileNotFoundError(f"{path} is missing; {right}")
    with path.open("rb") as file:
        header = _read_header(file, str(path))
        length = path.stat().st_size - file.tell()
    wanted = math.prod(header.shape) * header.item_bytes
    if length < wanted:
        raise ValueError(
            f"{path} is cut short: {length} bytes of data where {wanted} belong; fetch it again"
        )
    return header


def _read_header(file: IO[bytes], name: str) -> ArrayHeader:
    # numpy's format, versions 1 to 3: numpy.lib.format
    start = file.read(8)
    if start[:6] != b"\x93NUMPY":
        raise ValueError(f"{name} is no .npy file; fetch it again")
    length = int.from_bytes(file.read(2 if start[6] == 1 else 4), "little")
    try:
        found = ast.literal_eval(file.read(length).decode("utf-8"))
        kind, size = found["descr"][1], int(found["descr"][2:])
        return ArrayHeader(kind, size, tuple(found["shape"]))
    except (ValueError, SyntaxError, KeyError, TypeError, IndexError) as error:
        raise ValueError(f"{name} has a damaged header; fetch it again") from error


def is_array_folder(folder: Path) -> bool:
    """Whether corruptions lie as in CIFAR-10-C (arrays) rather than ImageNet-C (folders)."""
    return (folder / "labels.npy").exists() or any(folder.glob("*.npy"))


def check_corrupted(
    folder: Path,
    names: Sequence[str],
    *,
    images: int,
    input_shape: tuple[int, int, int],
    class_names: Sequence[str] | None,
) -> list[str]:
    """Check the official corruptions of a data set; return the files that hold them, if arrays.

    ``images`` are those of its test split, of which each array holds five severities;
    ``class_names`` are known where the data set is a folder.

    Raises OSError or ValueError in one line.
    """
    if not folder.is_dir():
        right = right_path(folder, "give that of CIFAR-10-C or ImageNet-C")
        raise FileNotFoundError(f"{folder} is no folder; {right}")
    if is_array_folder(folder):
        for name in names:
            check_images(folder / f"{name}.npy", input_shape, images=SEVERITIES * images)
        _check_labels(folder / "labels.npy", SEVERITIES * images)
        return [str(folder / f"{name}.npy") for name in ("labels", *names)]
    places = [folder / name / str(s) for name in names for s in range(1, SEVERITIES + 1)]
    for place in places:
        if not place.is_dir():
            raise FileNotFoundError(
                f"{place} is missing; ImageNet-C has folders corruption/severity/class, "
                "CIFAR-10-C files corruption.npy"
            )
    # of one severity only: a thousand classes everywhere would take long to look at
    for name in class_names or ():
        if not (places[0] / name).is_dir():
            raise FileNotFoundError(f"{places[0]} has no folder for class '{name}'")
    return []


def check_shifted(path: Path, input_shape: tuple[int, int, int]) -> list[str]:
    """Check a test set that was collected anew; return its files.

    Either ``*_data.npy`` with ``*_labels.npy`` beside it, as CIFAR-10.1 has, or an ``.npz`` that
    holds ``images`` and ``labels``, as CIFAR-10.2 has. Raises OSError or ValueError in one line.
    """
    if path.suffix == ".npz":
        _check_archive(path, input_shape)
        return [str(path)]
    if not path.name.endswith("_data.npy"):
        raise ValueError(f"{path} should be a file *_data.npy (CIFAR-10.1) or *.npz (CIFAR-10.2)")
    images = check_images(path, input_shape)
    labels = labels_beside(path)
    _check_labels(labels, images)
    return [str(path), str(labels)]


def shifted_header(path: Path) -> ArrayHeader:
    """The header of the images of a test set that :func:`check_shifted` found right."""
    if path.suffix != ".npz":
        return array_header(path)
    with zipfile.ZipFile(path) as archive, archive.open("images.npy") as file:
        return _read_header(file, f"{path}: images")


def labels_beside(path: Path) -> Path:
    """The labels that belong to a file ``*_data.npy``."""
    return path.with_name(path.name.removesuffix("_data.npy") + "_labels.npy")


def _check_archive(path: Path, input_shape: tuple[int, int, int]) -> None:
    if not path.is_file():
        right = right_path(path, "put it there, or leave the key out")
        raise FileNotFoundError(f"{path} is missing; {right}")
    try:
        with zipfile.ZipFile(path) as archive:
            headers = {}
            for key in ("images", "labels"):
                with archive.open(f"{key}.npy") as file:
                    headers[key] = _read_header(file, f"{path}: {key}")
    except KeyError as error:
        raise ValueError(f"{path} should hold 'images' and 'labels', as CIFAR-10.2 does") from error
    except zipfile.BadZipFile as error:
        raise ValueError(f"{path} is no .npz file, or cut short; fetch it again") from error
    _check_shape(path, headers["images"], input_shape, None)
    if headers["labels"].shape != headers["images"].shape[:1]:
        raise ValueError(f"{path} has {headers['labels'].shape} labels for its images")


def check_images(path: Path, input_shape: tuple[int, int, int], images: int | None = None) -> int:
    """Check an array of ``images`` images of ``input_shape`` (channels first); return how many."""
    header = array_header(path)
    _check_shape(path, header, input_shape, images)
    return header.shape[0]


def _check_shape(
    path: Path, header: ArrayHeader, input_shape: tuple[int, int, int], images: int | None
) -> None:
    channels, height, width = input_shape
    one = (height, width, channels)
    fits = header.shape[1:] == one or (channels == 1 and header.shape[1:] == one[:2])
    if not fits or (images is not None and header.shape[0] != images) or header.kind != "u":
        n = "n" if images is None else str(images)
        raise ValueError(
            f"{path} holds {header.shape} of type {header.kind}{header.item_bytes}; "
            f"({n}, {height}, {width}, {channels}) of unsigned bytes belong there"
        )


def _check_labels(path: Path, count: int) -> None:
    header = array_header(path)
    if header.shape != (count,) or header.kind not in "iu":
        raise ValueError(f"{path} holds {header.shape}; {count} whole numbers belong there")
