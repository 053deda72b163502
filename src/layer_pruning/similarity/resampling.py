"""Distances on resamples of the images, from the features of one sweep."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from layer_pruning.similarity.batch import distances
from layer_pruning.similarity.catalog import CATALOG
from layer_pruning.similarity.features import Array, Labels

# The optimum on a resample lies near the one on all images, and a rank needs no more digits.
_TOLERANCE = 1e-4
_ALPHA = {"stochastic": 1.0, "stochastic_covariances": 0.0}


def different_images(samples: Labels) -> NDArray[np.int64]:
    """How many different images each of the samples (r, n) holds, (r,)."""
    ordered = np.sort(samples, axis=1)
    different: NDArray[np.int64] = 1 + (np.diff(ordered, axis=1) != 0).sum(axis=1)
    return different


def resampled_distances(
    name: str, reference: ArrayLike, candidates: ArrayLike, labels: ArrayLike, samples: Labels
) -> Array:
    """Return the distances of ``batch.distances`` on every resample of the images, (r, c).

    ``samples`` (r, n) holds indices of images, as often as they are drawn. The two alternating
    metrics start each resample from the rotations found on all images and stop at a relative
    change of 1e-4. Raises as ``batch.distances``, and ValueError for a resample of fewer different
    images than the metric needs: images that are repeated add rows, and nothing to tell.
    """
    first = np.asarray(reference, dtype=np.float64)
    others = np.asarray(candidates, dtype=np.float64)
    classes = np.asarray(labels)
    needed = CATALOG[name].minimum_different(first.shape[-1], len(np.unique(classes)))
    fewest = int(different_images(samples).min(initial=needed))
    if fewest < needed:
        raise ValueError(
            f"{name} of {first.shape[-1]} features needs at least {needed} different images in a "
            f"resample, got {fewest}"
        )
    if name not in _ALPHA:
        return np.stack([distances(name, first[s], others[:, s], classes[s]) for s in samples])
    from layer_pruning.similarity.stochastic import align

    alpha = _ALPHA[name]
    rotations = align(first, others, classes, alpha=alpha, keep_rotations=True).rotations
    assert rotations is not None
    rows = [
        align(
            first[s], others[:, s], classes[s], alpha=alpha, init=rotations, tolerance=_TOLERANCE
        ).distances
        for s in samples
    ]
    return np.stack(rows)
