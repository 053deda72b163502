"""How far the metrics agree on the block that goes, and how firm that decision is.

This module owns ``ranking/{criterion}.json``, the sidecar of a ranking. A number that is not
defined, such as an agreement with nobody, is null there and never NaN.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Any, TypedDict

from layer_pruning.consensus.aggregation import families_of
from layer_pruning.consensus.catalog import BORDA, Aggregation
from layer_pruning.consensus.correlation import kendall_tau, kendall_w
from layer_pruning.consensus.ranking import PathLike, rank_blocks
from layer_pruning.consensus.ranks import ScoreTable, rank_table
from layer_pruning.runtime.record_files import read_record_file, write_record_file


class TauMatrix(TypedDict):
    """Kendall's tau-b between every two metrics; null where one of them ranks all blocks equal."""

    metrics: list[str]
    matrix: list[list[float | None]]


class Bootstrap(TypedDict):
    """Share of the resamples of the probe images in which each block would be removed."""

    resamples: int
    probability: dict[str, float]
    removed_probability: float


class Agreement(TypedDict):
    """The sidecar; weights are null but for ``weighted``, families but for ``borda_by_family``."""

    metrics: list[str]
    aggregation: str
    weights: dict[str, float] | None
    families: list[list[str]] | None
    kendall_tau: TauMatrix
    kendall_w: float | None
    bootstrap: Bootstrap | None
    removed_block: str
    tie: bool
    tied_blocks: list[str]


def bootstrap_removal(
    resampled_scores: Iterable[ScoreTable],
    network_order: Sequence[str],
    how: Aggregation = BORDA,
) -> dict[str, float]:
    """Return the share of ``resampled_scores`` in which each block would be removed.

    One score table is one resample of the probe images. The whole decision is repeated on it:
    ranks, families where they are found, and the tie rule. Every block of ``network_order`` is
    there, in that order, and the shares add up to 1. Raises ``ValueError`` without any table.
    """
    removed = [rank_blocks(scores, network_order, how).removed_block for scores in resampled_scores]
    if not removed:
        raise ValueError("no resampled scores; a bootstrap needs at least one table")
    return {block: removed.count(block) / len(removed) for block in network_order}


def describe_agreement(
    scores: ScoreTable,
    network_order: Sequence[str],
    how: Aggregation = BORDA,
    *,
    resampled_scores: Iterable[ScoreTable] | None = None,
) -> Agreement:
    """Describe the decision of `ranking.rank_blocks` on the same arguments.

    ``resampled_scores`` are score tables of resampled probe images; without them, and for a
    criterion that uses no images, the bootstrap is null. Raises as `ranking.rank_blocks`.
    """
    ranking = rank_blocks(scores, network_order, how)
    table = rank_table(scores, network_order)
    bootstrap: Bootstrap | None = None
    if resampled_scores is not None:
        resamples = list(resampled_scores)
        probability = bootstrap_removal(resamples, network_order, how)
        bootstrap = {
            "resamples": len(resamples),
            "probability": probability,
            "removed_probability": probability[ranking.removed_block],
        }
    by_family = how.aggregation == "borda_by_family"
    voting = families_of(table, how.families) if by_family else None
    weights = how.weights
    return {
        "metrics": list(table.metrics),
        "aggregation": how.aggregation,
        "weights": None if weights is None else {m: float(weights[m]) for m in table.metrics},
        "families": None if voting is None else [list(family) for family in voting],
        "kendall_tau": {
            "metrics": list(table.metrics),
            "matrix": [[_or_null(tau) for tau in row] for row in kendall_tau(table.ranks).tolist()],
        },
        "kendall_w": _or_null(kendall_w(table.ranks)),
        "bootstrap": bootstrap,
        "removed_block": ranking.removed_block,
        "tie": bool(ranking.tied_blocks),
        "tied_blocks": list(ranking.tied_blocks),
    }


def write_agreement(agreement: Agreement, path: PathLike) -> None:
    """Write the sidecar as JSON, whole or not at all; raises ``ValueError`` for NaN or infinity."""
    write_record_file(path, agreement)


def read_agreement(path: PathLike) -> dict[str, Any]:
    """Read a sidecar; correlations lie in -1 … 1 and shares add up to 1, or it is not whole.

    Raises as :func:`layer_pruning.runtime.record_files.read_record_file`.
    """
    return read_record_file(path, _check)


def _check(record: dict[str, Any]) -> None:
    for row in record["kendall_tau"]["matrix"]:
        if not all(tau is None or -1 - 1e-9 <= tau <= 1 + 1e-9 for tau in row):
            raise ValueError("kendall_tau.matrix should lie in -1 … 1")
    concordance = record.get("kendall_w")
    if concordance is not None and not -1e-9 <= concordance <= 1 + 1e-9:
        raise ValueError(f"kendall_w is {concordance}, expected 0 … 1")
    if record["bootstrap"] is None:
        return
    probability = record["bootstrap"]["probability"]
    if not math.isclose(sum(probability.values()), 1, abs_tol=1e-6):
        raise ValueError(f"bootstrap.probability adds up to {sum(probability.values())}, not 1")
    said = record["bootstrap"]["removed_probability"]
    if not math.isclose(said, probability[record["removed_block"]], abs_tol=1e-9):
        raise ValueError(f"bootstrap.removed_probability is {said}, not that of the block")


def _or_null(number: float) -> float | None:
    return None if math.isnan(number) else number
