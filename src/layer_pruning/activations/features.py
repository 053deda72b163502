"""The activations file: features and logits of one sweep, one ``.npz``. No torch.

It is written as the images pass by: the members of the ``.npz`` grow on disk, so that what a
sweep of many images, candidates and features holds in memory does not grow with them.
"""

import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from layer_pruning.runtime.access import of_the_system
from layer_pruning.runtime.atomic import written_whole
from layer_pruning.runtime.record_files import REMEDY


@dataclass(frozen=True)
class Activations:
    """Features and logits of n probe images, intact and with each of c candidates bypassed."""

    features: np.ndarray
    """(n, d), float32, after global pooling."""
    features_bypassed: np.ndarray
    """(c, n, d)."""
    logits: np.ndarray
    """(n, k)."""
    logits_bypassed: np.ndarray
    """(c, n, k)."""
    labels: np.ndarray
    """(n,)."""
    blocks: np.ndarray
    """(c,), names of the candidates in network order."""
    probe_indices: np.ndarray
    """(n,), which images of the training split these are."""


class ImageActivations(NamedTuple):
    """What a sweep finds on m images: the first four arrays of ``Activations``, m for n."""

    features: np.ndarray
    features_bypassed: np.ndarray
    logits: np.ndarray
    logits_bypassed: np.ndarray


def check_numbers_of(found: ImageActivations, blocks: Sequence[str]) -> None:
    """Raise ValueError in one line for what no distance can be computed of.

    That is another number of candidates, features that are not finite, and logits that are not:
    logits of −∞, as of classes that are masked, may be among finite ones.
    """
    for name in ("features_bypassed", "logits_bypassed"):
        candidates = len(getattr(found, name))
        if candidates != len(blocks):
            raise ValueError(f"{name} has {candidates} candidates, expected {len(blocks)}")
    pairs = {"": (found.features, found.logits)}
    for name, *pair in zip(blocks, found.features_bypassed, found.logits_bypassed, strict=True):
        pairs[f" without {name}"] = (pair[0], pair[1])
    for gone, (features, logits) in pairs.items():
        if not np.isfinite(features).all():
            raise ValueError(f"the network{gone} gives features that are not finite")
        # NaN and +∞ are the largest of their image
        if not np.isfinite(logits.max(axis=-1)).all():
            raise ValueError(f"the network{gone} gives logits that are not finite")


@contextmanager
def activations_file(
    path: str | os.PathLike[str],
    *,
    labels: np.ndarray,
    blocks: Sequence[str],
    probe_indices: np.ndarray,
    place: tuple[int, int] | None = None,
) -> Iterator[Callable[[ImageActivations], None]]:
    """Yield a function that appends what was found on the next images to an activations file.

    ``labels`` (n,) and ``probe_indices`` (n,) belong to all images, ``blocks`` are the names of
    the c candidates. The file of a shard has a ``place``: that of its first image in the probe
    set, and how many that has. The file appears whole at the end, or not at all. Until then its
    arrays lie in a temporary folder beside it, which takes as much disk again.

    Raises ValueError as :func:`check_numbers_of`, and for other than n images in all.
    """
    count, appended = len(labels), 0
    with (
        written_whole(path) as temporary,
        tempfile.TemporaryDirectory(prefix=f".{Path(path).stem}-", dir=temporary.parent) as folder,
        ExitStack() as closing,
    ):
        members = {
            name: closing.enter_context(_growing(Path(folder, f"{name}.npy"), count))
            for name in ImageActivations._fields
        }

        def append(part: ImageActivations) -> None:
            nonlocal appended
            try:
                check_numbers_of(part, blocks)
            except ValueError as error:
                raise ValueError(f"{path}: {error}") from None
            for name, values in part._asdict().items():
                members[name](appended, values)
            appended += len(part.features)

        yield append
        if appended != count:
            raise ValueError(f"{path}: {appended} images were swept, expected {count}")
        closing.close()
        whole = {
            "labels": labels,
            "blocks": np.array(blocks, dtype=np.str_),
            "probe_indices": probe_indices,
        }
        if place is not None:
            whole["place"] = np.array(place)
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
            for name in members:
                with (
                    Path(folder, f"{name}.npy").open("rb") as source,
                    archive.open(f"{name}.npy", "w", force_zip64=True) as target,
                ):
                    shutil.copyfileobj(source, target, 2**20)
            for name, values in whole.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as target:
                    np.lib.format.write_array(target, values, allow_pickle=False)


@contextmanager
def _growing(path: Path, count: int) -> Iterator[Callable[[int, np.ndarray], None]]:
    """Yield a function that puts rows of images (..., m, width) into a .npy of (..., count, width).

    Plain writes at an offset: pages of a memory map would count as memory of the job.
    """
    with path.open("wb") as file:
        offset = 0

        def put(start: int, values: np.ndarray) -> None:
            nonlocal offset
            *leading, _, width = values.shape
            if offset == 0:
                shape = (*leading, count, width)
                description = {"descr": "<f4", "fortran_order": False, "shape": shape}
                np.lib.format.write_array_header_1_0(file, description)
                offset = file.tell()
            for index, rows in enumerate(values.reshape(-1, *values.shape[-2:])):
                file.seek(offset + (index * count + start) * width * 4)
                file.write(np.ascontiguousarray(rows, dtype="<f4").data)

        yield put


def read_activations(path: str | os.PathLike[str]) -> Activations:
    """Read an activations file. Raises FileNotFoundError, or ValueError naming the file.

    The format compares the CRC-32 of every array, so a damaged one is noticed.
    """
    return Activations(**read_members(path, Activations.__dataclass_fields__))


def read_members(path: str | os.PathLike[str], names: Iterable[str]) -> dict[str, np.ndarray]:
    """Some arrays of an activations file; raises as :func:`read_activations`."""
    if not Path(path).is_file():
        raise FileNotFoundError(f"{path}: there is no such activations file")
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in names}
    except MemoryError as error:
        raise MemoryError(f"{path} cannot be read: {error}") from error
    # a flipped bit can make zipfile and numpy raise nearly anything
    except Exception as error:
        if of_the_system(error):
            raise
        raise ValueError(f"{path}: not a readable activations file ({error}); {REMEDY}") from error
