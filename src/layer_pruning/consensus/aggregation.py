"""Ranks of many metrics into one number a block; the block with the smallest number goes first.

The numbers are exact up to one last rounding, so blocks are tied when they are tied on paper:
weights of 0.1 cannot break a tie by the order in which they are added.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from layer_pruning.consensus.catalog import Aggregation
from layer_pruning.consensus.families import Families, complete_families, find_families
from layer_pruning.consensus.ranks import RankTable


def borda(table: RankTable) -> NDArray[np.float64]:
    """Sum of the ranks over the metrics, (blocks,): the consensus of arXiv 2411.14345."""
    total: NDArray[np.float64] = table.ranks.sum(axis=0)
    return total


def median(table: RankTable) -> NDArray[np.float64]:
    """Median rank over the metrics, (blocks,); of an even number, the mean of the middle two."""
    middle: NDArray[np.float64] = np.median(table.ranks, axis=0)
    return middle


def weighted(table: RankTable, weights: Mapping[str, float]) -> NDArray[np.float64]:
    """Sum of the ranks times the weights of their metrics, (blocks,).

    A weight counts as the decimal number that it is written as: 0.1 + 0.2 is 0.3.
    """
    return _weighted_sum(table, {name: Fraction(str(float(weights[name]))) for name in weights})


def borda_by_family(table: RankTable, families: Sequence[Sequence[str]]) -> NDArray[np.float64]:
    """Mean rank within each family, summed over the families, (blocks,).

    A metric in none of ``families`` is a family of its own. Metrics that rank alike, put into one
    family, count as one metric however many they are.
    """
    share = {
        metric: Fraction(1, len(family))
        for family in complete_families(table.metrics, families)
        for metric in family
    }
    return _weighted_sum(table, share)


def lexicographic(table: RankTable) -> NDArray[np.float64]:
    """Place by the first metric, where that ties by the second, and so on, (blocks,).

    Blocks that tie in all metrics share a place; places count from 1 without gaps.
    """
    _, found = np.unique(table.ranks, axis=1, return_inverse=True)
    places: NDArray[np.float64] = found.reshape(-1).astype(np.float64) + 1
    return places


_WAYS: dict[str, Callable[[RankTable, Aggregation], NDArray[np.float64]]] = {
    "borda": lambda table, how: borda(table),
    "median": lambda table, how: median(table),
    "weighted": lambda table, how: weighted(table, how.weights or {}),
    "lexicographic": lambda table, how: lexicographic(table),
    "borda_by_family": lambda table, how: borda_by_family(table, families_of(table, how.families)),
}
"""Every aggregation of the catalogue."""


def aggregate(table: RankTable, how: Aggregation) -> NDArray[np.float64]:
    """Join the ranks; returns (blocks,), smallest goes first.

    Raises ``ValueError`` for options that do not fit, see `catalog.Aggregation.check`.
    """
    how.check(table.metrics)
    return _WAYS[how.aggregation](table, how)


def families_of(table: RankTable, families: Sequence[Sequence[str]] | None) -> Families:
    """Return the families that vote: the named ones completed, or, of None, those found."""
    if families is None:
        return find_families(table)
    return complete_families(table.metrics, families)


def _weighted_sum(table: RankTable, weights: Mapping[str, Fraction]) -> NDArray[np.float64]:
    """Sum in whole numbers (twice the ranks, weights over one denominator) and divide once."""
    denominator = math.lcm(*(weights[metric].denominator for metric in table.metrics))
    whole = [int(weights[metric] * denominator) for metric in table.metrics]
    totals = [
        sum(weight * rank for weight, rank in zip(whole, column, strict=True))
        for column in (2 * table.ranks).astype(np.int64).T.tolist()
    ]
    return np.array([total / (2 * denominator) for total in totals])
