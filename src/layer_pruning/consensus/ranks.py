"""Scores into ranks: within each metric, 1 is the smallest distance and ties share a rank."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ScoreTable = Mapping[str, Mapping[str, float]]
"""metric -> block -> score. The block with the smallest score changes the network least."""


@dataclass(frozen=True, eq=False)
class RankTable:
    """Ranks of the candidate blocks, a row a metric.

    ``ranks`` is (metrics, blocks) in float64; average ranks are whole or half numbers, so sums of
    them are exact. The columns are in network order, whatever the order of the scores was.
    """

    metrics: tuple[str, ...]
    blocks: tuple[str, ...]
    ranks: NDArray[np.float64]


def average_ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rank ``values`` (n,) from 1, the smallest, to n; equal values get the mean of their ranks."""
    _, group, size = np.unique(values, return_inverse=True, return_counts=True)
    mean_rank: NDArray[np.float64] = np.cumsum(size) - (size - 1) / 2
    return mean_rank[group]


def rank_table(scores: ScoreTable, network_order: Sequence[str]) -> RankTable:
    """Rank the blocks within every metric.

    ``network_order`` names the candidate blocks in the order in which an image meets them. Every
    metric must score exactly those blocks, in any order. Raises ``ValueError`` for a block that is
    missing, unknown or named twice, and for a score that is NaN or infinite.
    """
    blocks = tuple(network_order)
    if not blocks:
        raise ValueError("no candidate block to rank; the network order is empty")
    if len(set(blocks)) < len(blocks):
        twice = next(block for block in blocks if blocks.count(block) > 1)
        raise ValueError(f"block {twice} is twice in the network order; name each block once")
    if not scores:
        raise ValueError("no metric to rank by; a score table needs at least one")
    ranks = np.empty((len(scores), len(blocks)))
    for row, (metric, column) in enumerate(scores.items()):
        for block in column:
            if block not in blocks:
                raise ValueError(f"{metric} scores unknown block {block}; it is no candidate")
        for block in blocks:
            if block not in column:
                raise ValueError(f"{metric} has no score for {block}; every candidate needs one")
            if not math.isfinite(column[block]):
                raise ValueError(f"{metric} of {block} is {column[block]}; a score must be finite")
        ranks[row] = average_ranks(np.array([column[block] for block in blocks], dtype=np.float64))
    return RankTable(tuple(scores), blocks, ranks)
