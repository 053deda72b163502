"""From the settings of a data set to its data."""

import logging
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from layer_pruning.data.catalog import IMAGE_FOLDER, DatasetInfo, dataset_info
from layer_pruning.data.cue import Cue, draw_patterns
from layer_pruning.data.duplicates import duplicate_warnings
from layer_pruning.data.image_file import ImageData
from layer_pruning.data.manifest import ImageManifest
from layer_pruning.data.splits import SPLITS, completed_split

logger = logging.getLogger(__name__)


def _load(
    settings: Mapping[str, Any], files: Iterable[str | os.PathLike[str]], workers: int
) -> ImageData:
    """All images with the splits of the data set's own."""
    # a data set imports only what it needs: scikit-learn and torchvision take seconds
    if settings["kind"] == "digits":
        from layer_pruning.data.digits import load_digits

        return load_digits()
    if settings["kind"] == IMAGE_FOLDER:
        from layer_pruning.data.image_folder import load_image_folder

        options = {key: settings[key] for key in ("image_size", "channels")}
        return load_image_folder(settings["path"], workers=workers, **options)
    from layer_pruning.data.downloads import load_downloaded

    return load_downloaded(settings["kind"], {Path(path).name: path for path in files})


def _with_cue(
    data: ImageData, settings: Mapping[str, Any], info: DatasetInfo, seed: int
) -> ImageData:
    """A cue planted on the training and validation images; the test images stay as they are."""
    patterns = draw_patterns(
        len(data.class_names),
        channels=data.images.shape[1],
        size=settings["size_pixels"],
        levels=data.levels,
        mirrored=info.mirrored,
        seed=seed,
    )
    margin = info.cue_margin_pixels(settings)
    cue = Cue(patterns, margin, settings["share"], settings["rate"], seed)
    images = data.images.copy()
    for split in ("train", "validation"):
        chosen = data.split == SPLITS.index(split)
        images[chosen] = cue.planted(images[chosen], cue.correlated(data.labels[chosen], split))
    return replace(data, images=images, cue=cue)


def _warn_of_duplicates(data: ImageData | ImageManifest) -> None:
    for said in duplicate_warnings(data):
        logger.warning("%s", said)
        # a log is seldom opened
        print(f"warning: {said}", file=sys.stderr)


def prepare(
    settings: Mapping[str, Any],
    *,
    validation_fraction: float,
    test_fraction: float,
    seed: int,
    files: Iterable[str | os.PathLike[str]] = (),
    workers: int = 1,
) -> ImageData | ImageManifest:
    """Load a data set, see :func:`layer_pruning.data.catalog.complete_settings`, and split it.

    ``files`` are those that were downloaded; ``workers`` processes decode the images of a folder.
    Where the settings name a cue, it is planted on all images but those of the test split.
    Raises ValueError or OSError in one line for whatever is wrong with the settings or the images.
    """
    info = dataset_info(settings)
    complete_split = partial(
        completed_split,
        validation_fraction=validation_fraction,
        test_fraction=test_fraction,
        seed=seed,
    )
    if settings["stream"]:
        from layer_pruning.data.image_folder import examine_image_folder

        manifest = examine_image_folder(
            settings["path"],
            image_size=settings["image_size"],
            channels=settings["channels"],
            complete_split=complete_split,
            workers=workers,
        )
        _warn_of_duplicates(manifest)
        return manifest
    data = _load(settings, files, workers)
    data = replace(data, split=complete_split(data.labels, data.split))
    if settings["kind"] == IMAGE_FOLDER:
        _warn_of_duplicates(data)
    return _with_cue(data, settings["cue"], info, seed) if settings["cue"] is not None else data
