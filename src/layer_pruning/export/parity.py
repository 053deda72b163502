"""Whether an exported file computes what the network does."""

from typing import Any

import numpy as np

from layer_pruning.export.formats import Run

TOLERANCE = 1e-3
"""Largest difference of a logit that passes, as a share of the largest logit of the network."""


def in_two_batches(run: Run, images: np.ndarray) -> np.ndarray:
    """Logits (n, classes) of ``images``: the first passes alone and the others together.

    A file has to take any number of images, not only as many as it was traced with.
    """
    return np.concatenate([run(part) for part in (images[:1], images[1:]) if len(part)])


def parity(file: str, run: Run, images: np.ndarray, expected: np.ndarray) -> dict[str, Any]:
    """How far the logits of ``run`` lie from those ``expected`` of the network itself.

    ``images`` (n, channels, height, width) are in [0, 1], and ``expected`` is (n, classes), both
    of :func:`in_two_batches`.

    Raises ValueError in one line, naming ``file``, where a logit differs by more than
    ``TOLERANCE``, or an image is given another class.
    """
    logits = in_two_batches(run, images)
    if logits.shape != expected.shape:
        raise ValueError(f"{file} gives logits {logits.shape}, and the network {expected.shape}")
    difference = float(np.abs(logits - expected).max())
    scale = float(np.abs(expected).max())
    others = int((logits.argmax(axis=1) != expected.argmax(axis=1)).sum())
    # the comparison is false for NaN as well
    if not difference <= TOLERANCE * scale:
        raise ValueError(
            f"{file} does not compute what the network does: a logit differs by {difference:.3g} "
            f"where the largest is {scale:.3g}, more than {TOLERANCE:g} of it"
        )
    if others:
        raise ValueError(
            f"{file} does not compute what the network does: it gives {others} of {len(images)} "
            f"images another class, with logits that differ by {difference:.3g} at most"
        )
    return {
        "largest_logit_difference": difference,
        "largest_logit": scale,
        "same_predictions": True,
    }
