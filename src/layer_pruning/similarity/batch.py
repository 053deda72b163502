"""Every metric behind one call: a batch of candidates in, one distance for each out."""

from collections.abc import Callable
from functools import partial
from importlib import import_module

import numpy as np
from numpy.typing import ArrayLike

from layer_pruning.similarity.catalog import CATALOG, PAPER_METRICS, VARIANT_METRICS
from layer_pruning.similarity.features import Array, checked

Metric = Callable[[ArrayLike, ArrayLike, ArrayLike], float]

# numbers held in one batch: 128 MiB, which keeps 16 candidates of 2,048 features within reach
_BATCH_NUMBERS = 2**24


def distances(name: str, reference: ArrayLike, candidates: ArrayLike, labels: ArrayLike) -> Array:
    """Return the distance of every candidate to the reference, 0 = identical.

    Args:
        name: a metric of ``catalog.CATALOG``.
        reference: features of the intact network, (n, d): one row an image.
        candidates: features of the c candidates on the same images, (c, n, d).
        labels: the classes of the images, (n,).

    Returns:
        (c,) float64, in the order of the candidates.

    Raises:
        ValueError: unknown metric, shapes that do not fit, values that are not finite, or fewer
            images than the metric needs.

    """
    if name not in CATALOG:
        raise ValueError(f"unknown metric {name!r}, expected one of: {', '.join(CATALOG)}")
    reference, candidates, labels = checked(name, reference, candidates, labels)
    # imported when one of its metrics is first used: scipy.optimize takes half a second
    metric = getattr(import_module(f"layer_pruning.similarity.{CATALOG[name].module}"), name)
    size = max(1, _BATCH_NUMBERS // reference.size)
    parts = [
        metric(reference, candidates[first : first + size], labels)
        for first in range(0, len(candidates), size)
    ]
    return np.concatenate(parts) if parts else np.empty(0)


def _distance(name: str, reference: ArrayLike, candidate: ArrayLike, labels: ArrayLike) -> float:
    """Return the distance of one candidate (n, d): a batch of one."""
    return float(distances(name, reference, np.asarray(candidate)[np.newaxis], labels)[0])


METRICS: dict[str, Metric] = {name: partial(_distance, name) for name in PAPER_METRICS}
VARIANTS: dict[str, Metric] = {name: partial(_distance, name) for name in VARIANT_METRICS}
