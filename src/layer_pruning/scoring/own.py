"""Metrics of the user's own, which a criterion names ``my_package.my_module:function``."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from layer_pruning.runtime.named_function import named_function, one_line, users_code
from layer_pruning.scoring.catalog import OWN_METRIC_TAKES

OwnMetric = Callable[[np.ndarray, np.ndarray, np.ndarray], Any]
"""Called as ``metric(F, G, labels)``, see :func:`own_distances`."""


def own_metric(name: str) -> OwnMetric:
    """The metric called ``name``. Raises ValueError in one line where there is none."""
    return named_function(name, takes=OWN_METRIC_TAKES)


def own_distances(
    name: str,
    metric: OwnMetric,
    reference: np.ndarray,
    candidates: np.ndarray,
    labels: np.ndarray,
    blocks: Sequence[str],
) -> np.ndarray:
    """The distance (c,) of every candidate to the reference by a user's own metric.

    ``metric`` is called once for each of the ``blocks`` with ``reference`` (n, d) and one of
    ``candidates`` (c, n, d), both float64 and not to be written to, and ``labels`` (n,). The block
    with the smallest number changes least and goes first. ``name`` is for messages.

    Raises ValueError in one line, naming metric and block, where it fails or returns anything but
    one finite number.
    """
    reference = reference.astype(np.float64)
    candidates = candidates.astype(np.float64)
    labels = labels.copy()
    for values in (reference, candidates, labels):
        values.setflags(write=False)
    distances = np.empty(len(candidates))
    for place, (block, candidate) in enumerate(zip(blocks, candidates, strict=True)):
        try:
            with users_code():
                distances[place] = float(metric(reference, candidate, labels))
        except Exception as error:
            raise ValueError(f"{name} failed on {block}: {one_line(error)}") from error
        if not math.isfinite(distances[place]):
            raise ValueError(
                f"{name} gave {distances[place]} for {block}; it should give a finite number"
            )
    return distances
