"""Wasserstein-1 distance between all feature values, seen as two samples of numbers."""

import numpy as np

from layer_pruning.similarity.features import Array, Labels


def wasserstein(reference: Array, candidates: Array, labels: Labels) -> Array:
    """Return the mean absolute difference of the sorted entries, shape (c,), in feature units.

    Both samples have n d numbers, so that the optimal transport pairs them in order. Which image
    or feature a number belongs to plays no part: any reordering of the entries leaves the
    distance as it is. The labels are not used.
    """
    first = np.sort(reference, axis=None)
    second = np.sort(candidates.reshape(len(candidates), -1), axis=-1)
    result: Array = np.abs(second - first).mean(axis=-1)
    return result
