"""Families of metrics that say nearly the same thing, so that each opinion has one vote.

CKA, Procrustes, CCA and permutation order the blocks of a ResNet-56 with Kendall's tau of 0.87 to
0.95 among themselves: in a plain sum of ranks that one opinion votes four times.
"""

from collections.abc import Sequence

import numpy as np

from layer_pruning.consensus.correlation import kendall_tau
from layer_pruning.consensus.ranks import RankTable

Families = tuple[tuple[str, ...], ...]

FAMILY_DISTANCE = 0.2
"""Families are joined up to this mean of 1 - tau between their members, so from tau = 0.8 up."""


def complete_families(metrics: Sequence[str], families: Sequence[Sequence[str]]) -> Families:
    """Return the named ``families``, and every metric in none of them as a family of its own."""
    named = {metric for family in families for metric in family}
    alone = [(metric,) for metric in metrics if metric not in named]
    return _sorted_by_first([*(tuple(family) for family in families), *alone], metrics)


def find_families(table: RankTable, threshold: float = FAMILY_DISTANCE) -> Families:
    """Find families by average-linkage clustering of 1 - Kendall's tau-b.

    The two clusters with the smallest mean distance between their members are joined, again and
    again, while that mean is at most ``threshold``. Of equal distances (to nine decimals) the pair
    whose metrics come first in the alphabet is joined, so the order of the columns of a score
    table has no say. A metric that ranks all blocks equal has no opinion and stays alone.

    The families are those of this one table: they may differ from one removal to the next.
    """
    names = sorted(table.metrics)
    rows = [table.metrics.index(name) for name in names]
    distance = 1 - np.nan_to_num(kendall_tau(table.ranks[rows]), nan=0.0)
    clusters = [[number] for number in range(len(names))]
    while len(clusters) > 1:
        between, first, second = min(
            (round(float(distance[np.ix_(clusters[i], clusters[j])].mean()), 9), i, j)
            for i in range(len(clusters))
            for j in range(i + 1, len(clusters))
        )
        if between > threshold:
            break
        clusters[first] = sorted(clusters[first] + clusters.pop(second))
    return _sorted_by_first(
        [tuple(names[number] for number in cluster) for cluster in clusters], table.metrics
    )


def _sorted_by_first(families: Sequence[tuple[str, ...]], metrics: Sequence[str]) -> Families:
    """Put members, and then families by their first member, in the order of ``metrics``."""
    place = {metric: number for number, metric in enumerate(metrics)}
    inside = [tuple(sorted(family, key=place.__getitem__)) for family in families]
    return tuple(sorted(inside, key=lambda family: place[family[0]]))
