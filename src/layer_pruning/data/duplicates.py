"""Images that are there twice: in two splits no test is one, in two classes there is no truth."""

import hashlib
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from pathlib import Path

import numpy as np

from layer_pruning.data.image_file import ImageData
from layer_pruning.data.manifest import ImageManifest
from layer_pruning.data.splits import SPLITS


def duplicate_warnings(data: ImageData | ImageManifest) -> list[str]:
    """One line for each kind of images that are there twice; none for a data set without any.

    In memory images are the same whose pixels are, streamed ones whose files are byte for byte.
    """
    groups = _groups(data)
    across = {
        "splits": [group for group in groups if len(set(data.split[group])) > 1],
        "classes": [group for group in groups if len(set(data.labels[group])) > 1],
    }
    said = {
        "splits": "so that accuracy is measured on images that were trained on",
        "classes": "so that no network can be right about them",
    }
    return [
        f"{len(found)} images are there in two or more {kind}, {said[kind]}; the first: "
        f"{' and '.join(_described(data, index) for index in found[0][:2])}"
        for kind, found in across.items()
        if found
    ]


def _described(data: ImageData | ImageManifest, index: int) -> str:
    split, name = SPLITS[data.split[index]], data.class_names[data.labels[index]]
    if isinstance(data, ImageManifest):
        return f"{data.names[index]} ({split})"
    return f"image {index} ({name}, {split})"


def _groups(data: ImageData | ImageManifest) -> list[list[int]]:
    """Indices of images that are the same, for every image that is there more than once."""
    if isinstance(data, ImageManifest):
        root = Path(data.root)
        # files of different sizes are never the same, and most sizes are there once
        sizes = _alike(
            range(len(data.names)), [(root / name).stat().st_size for name in data.names]
        )
        chosen = sorted(index for group in sizes for index in group)
        return _alike(
            chosen, [_digest((root / data.names[index]).read_bytes()) for index in chosen]
        )
    return _alike(
        range(len(data.images)),
        [_digest(np.ascontiguousarray(image).data) for image in data.images],
    )


def _alike(indices: Iterable[int], keys: Sequence[Hashable]) -> list[list[int]]:
    groups: dict[Hashable, list[int]] = defaultdict(list)
    for index, key in zip(indices, keys, strict=True):
        groups[key].append(index)
    return [group for group in groups.values() if len(group) > 1]


def _digest(content: bytes | memoryview) -> bytes:
    return hashlib.blake2b(content, digest_size=16).digest()
