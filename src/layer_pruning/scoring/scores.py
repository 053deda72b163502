"""The score table: every metric of one criterion for every candidate block."""

import os
from collections.abc import Mapping, Sequence

import numpy as np

from layer_pruning.models.network_file import NetworkHeader
from layer_pruning.record_files import write_table
from layer_pruning.scoring.catalog import FUNCTIONAL_METRICS, METRIC_NAMES, SAVINGS
from layer_pruning.scoring.controls import depth_scores, random_score
from layer_pruning.scoring.functional import FUNCTIONAL
from layer_pruning.scoring.magnitude import mean_absolute_weights
from layer_pruning.scoring.own import own_distances, own_metric
from layer_pruning.scoring.probe import Probe
from layer_pruning.scoring.savings import Savings, saving_scores
from layer_pruning.similarity.catalog import CATALOG

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
    blocks = probe.blocks.tolist()
    scores: Scores = {}
    for metric in metrics:
        if metric in CATALOG:
            # scipy takes half a second to import, and most criteria of comparison need none
            from layer_pruning.similarity import distances

            values = distances(metric, probe.features, probe.features_bypassed, probe.labels)
            scores[metric] = dict(zip(blocks, values.tolist(), strict=True))
        elif metric in FUNCTIONAL_METRICS:
            intact = probe.logits.astype(np.float64)
            values = FUNCTIONAL[metric](
                intact, probe.logits_bypassed.astype(np.float64), probe.labels
            )
            scores[metric] = dict(zip(blocks, values.tolist(), strict=True))
        elif metric == "magnitude":
            scores[metric] = mean_absolute_weights(tensors, blocks)
        elif metric in SAVINGS:
            scores[metric] = saving_scores(metric, savings or {}, blocks)
        elif metric == "random":
            scores[metric] = {block: random_score(block, draw) for block in blocks}
        elif metric == "shallowest":
            scores[metric] = depth_scores([block.name for block in header.blocks], blocks)
        elif ":" in metric:
            given = (probe.features, probe.features_bypassed, probe.labels, blocks)
            values = own_distances(metric, own_metric(metric), *given)
            scores[metric] = dict(zip(blocks, values.tolist(), strict=True))
        else:
            raise ValueError(
                f"'{metric}' is no metric: known are {', '.join(METRIC_NAMES)}, and functions of "
                "your own as my_module:my_metric"
            )
    return scores


def write_scores(path: str | os.PathLike[str], scores: Scores) -> None:
    """Write a score table, whole: one row a block, one column a metric.

    The last column is a checksum (:mod:`layer_pruning.record_files`); rows may yet be found in any
    order.
    """
    blocks = list(next(iter(scores.values())))
    rows = [[block, *(repr(values[block]) for values in scores.values())] for block in blocks]
    write_table(path, ["block", *scores], rows)
