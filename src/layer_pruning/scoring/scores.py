"""The score table: every metric of one criterion for every candidate block."""

import os
from collections.abc import Mapping, Sequence

import numpy as np

from layer_pruning.models.header import NetworkHeader
from layer_pruning.runtime.record_files import write_table
from layer_pruning.scoring.kinds import Given, kind_of
from layer_pruning.scoring.probe import Probe
from layer_pruning.scoring.savings import Savings

Scores = dict[str, dict[str, float]]
"""Metric name to block name to distance; the smallest distance goes first."""


def score(
    metrics: Sequence[str],
    probe: Probe,
    *,
    header: NetworkHeader,
    tensors: Mapping[str, np.ndarray],
    draw: str,
    savings: Savings | None = None,
) -> Scores:
    """Score the candidate blocks of ``probe`` by every metric of a criterion.

    A metric is a name of ``catalog.METRIC_NAMES``, or ``my_package.my_module:function``.
    All metrics see the same images. ``draw`` identifies the draw of ``random``. ``savings`` are
    what the removal of each block saves; only the metrics of that name need them.

    Raises ValueError for an unknown metric, or where a metric needs more images or savings.
    """
    given = Given(probe, header, tensors, draw, savings or {})
    scores: Scores = {}
    for metric in metrics:
        values = kind_of(metric).scores(metric, given)
        if isinstance(values, np.ndarray):
            values = dict(zip(given.blocks, values.tolist(), strict=True))
        scores[metric] = dict(values)
    return scores


def write_scores(path: str | os.PathLike[str], scores: Scores) -> None:
    """Write a score table, whole: one row a block, one column a metric.

    The last column is a checksum (:mod:`layer_pruning.runtime.record_files`); rows may yet be found
    in any order.
    """
    blocks = list(next(iter(scores.values())))
    rows = [[block, *(repr(values[block]) for values in scores.values())] for block in blocks]
    write_table(path, ["block", *scores], rows)
