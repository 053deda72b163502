"""Shortcut learning: how far a network relies on a cue that was planted on its training images.

*Shortcut reliance* is the accuracy on clean test images minus that on the same images with the cue
of another class. It is 1 for a network that sees nothing but the cue and 0 for one that ignores it.
Part of it may be what the patch covers; so the accuracy with the right cue is there as well, and
the share of images that are taken for the class of the wrong cue.
"""

from typing import Any

import numpy as np
import torch
from torch import nn

from layer_pruning.data.image_file import ImageData
from layer_pruning.data.loading import Split
from layer_pruning.data.manifest import ImageManifest
from layer_pruning.evaluation.accuracy import outputs_of_split
from layer_pruning.intervals import INTERVAL, wilson_interval


def shortcut_record(
    network: nn.Module, data: ImageData | ImageManifest, device: torch.device
) -> dict[str, Any]:
    """The content of ``shortcut.json``: predictions for every test image and what they amount to.

    Four tests: the images as they are (``clean``), with the cue of their own class
    (``congruent``), with that of another (``swapped``, the same for every network), and
    ``cue_alone``: the cue of each class on an image without a class, the mean of all classes.

    Raises ValueError for data without a cue.
    """
    cue = data.cue if isinstance(data, ImageData) else None
    if cue is None or not isinstance(data, ImageData):
        raise ValueError("there is no cue on these images; give the data set one, 'cue: {}'")
    images, labels = data.stored("test")
    wrong = cue.swapped(labels)
    tests = {
        "clean": images,
        "congruent": cue.planted(images, labels),
        "swapped": cue.planted(images, wrong),
    }
    predictions = {
        name: predicted(network, test, data.levels, device) for name, test in tests.items()
    }
    classes = np.arange(len(data.class_names))
    background = np.repeat(classless_image(data)[None], len(classes), axis=0)
    alone = predicted(network, cue.planted(background, classes), data.levels, device)
    accuracy = {name: _share(found == labels) for name, found in predictions.items()}
    return {
        "cue": {
            "share": cue.share,
            "rate": cue.rate,
            "size_pixels": cue.patterns.shape[-1],
            "margin_pixels": cue.margin_pixels,
        },
        "interval": INTERVAL,
        "accuracy": accuracy,
        "shortcut_reliance": accuracy["clean"]["share"] - accuracy["swapped"]["share"],
        "follows_cue": _share(predictions["swapped"] == wrong),
        "cue_alone": _share(alone == classes),
        "labels": labels.tolist(),
        "swapped_cue_classes": wrong.tolist(),
        "predictions": {name: found.tolist() for name, found in predictions.items()},
        "cue_alone_predictions": alone.tolist(),
    }


def classless_image(data: ImageData) -> np.ndarray:
    """The mean of the classes' mean training images (channels, height, width), as stored."""
    images, labels = data.stored("train")
    means = [images[labels == label].mean(axis=0) for label in np.unique(labels)]
    return np.rint(np.mean(means, axis=0)).astype(np.uint8)


def predicted(
    network: nn.Module, images: np.ndarray, levels: int, device: torch.device
) -> np.ndarray:
    """Classes (n,) that a network gives to stored images (n, c, h, w)."""
    stored = torch.from_numpy(images).to(device)
    split = Split(stored, torch.zeros(len(stored), dtype=torch.int64, device=device), levels)
    return outputs_of_split(network, split)[0].argmax(dim=1).numpy()


def _share(hits: np.ndarray) -> dict[str, float]:
    count, total = int(hits.sum()), len(hits)
    low, high = wilson_interval(count, total)
    return {
        "of": total,
        "count": count,
        "share": count / total,
        "interval_low": low,
        "interval_high": high,
    }
