"""The decision: which block goes next, and the table that shows why.

This module owns ``ranking/{criterion}.csv``, one row a candidate block in network order:

    block,<metric>,<metric>_rank,...,rank_sum[,aggregate],order,removed,tied,checksum

``rank_sum`` is always the plain sum of the ranks. Where another aggregation than ``borda`` decided,
``aggregate`` holds the number it decided by. ``order`` counts from 1, the first to go; ``removed``
and ``tied`` are true or false, and ``tied`` marks the blocks that share the smallest number.

Blocks are found by name in every table, never by position: the reference code of the paper reads
positions, and so removes the first prunable block whatever the scores say.
"""

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from layer_pruning.consensus.aggregation import aggregate, borda
from layer_pruning.consensus.catalog import BORDA, Aggregation
from layer_pruning.consensus.ranks import ScoreTable, rank_table
from layer_pruning.runtime.record_files import damaged, read_table, write_table

PathLike = str | os.PathLike[str]


@dataclass(frozen=True)
class RankedBlock:
    """One candidate block: its score and rank by metric, and what came of them.

    ``aggregate`` is None where the rank sum itself decided.
    """

    block: str
    scores: Mapping[str, float]
    ranks: Mapping[str, float]
    rank_sum: float
    aggregate: float | None
    order: int
    removed: bool
    tied: bool


@dataclass(frozen=True)
class Ranking:
    """The candidate blocks in network order, ranked; exactly one of them is to be removed."""

    metrics: tuple[str, ...]
    rows: tuple[RankedBlock, ...]

    @property
    def removed_block(self) -> str:
        """Name of the block that goes next."""
        return next(row.block for row in self.rows if row.removed)

    @property
    def tied_blocks(self) -> tuple[str, ...]:
        """Blocks that share the smallest number, in network order; empty if one has it alone."""
        return tuple(row.block for row in self.rows if row.tied)

    @property
    def order(self) -> tuple[str, ...]:
        """Names of all candidates, the first to go first."""
        return tuple(row.block for row in sorted(self.rows, key=lambda row: row.order))


def rank_blocks(
    scores: ScoreTable, network_order: Sequence[str], how: Aggregation = BORDA
) -> Ranking:
    """Rank the blocks within every metric, join the ranks, and choose the block to remove.

    ``scores`` maps metric -> block -> score, and ``network_order`` names the candidates in the
    order in which an image meets them. The smallest joined number goes first; of equal ones the
    block named first in ``network_order``. Raises ``ValueError`` for a score that is missing or
    not finite and for options that do not fit, see `ranks.rank_table` and
    `catalog.Aggregation.check`.
    """
    table = rank_table(scores, network_order)
    decides = aggregate(table, how).tolist()
    rank_sums = borda(table).tolist()
    leaving = sorted(range(len(decides)), key=lambda column: (decides[column], column))
    smallest = decides[leaving[0]]
    tie = decides.count(smallest) > 1
    rows = tuple(
        RankedBlock(
            block=block,
            scores={metric: float(scores[metric][block]) for metric in table.metrics},
            ranks=dict(zip(table.metrics, table.ranks[:, column].tolist(), strict=True)),
            rank_sum=rank_sums[column],
            aggregate=None if how.aggregation == "borda" else decides[column],
            order=leaving.index(column) + 1,
            removed=column == leaving[0],
            tied=tie and decides[column] == smallest,
        )
        for column, block in enumerate(table.blocks)
    )
    return Ranking(table.metrics, rows)


def write_ranking(ranking: Ranking, path: PathLike) -> None:
    """Write ``ranking`` as the table described above, whole or not at all.

    Raises ``ValueError`` where the name of a metric is also that of another column.
    """
    with_aggregate = ranking.rows[0].aggregate is not None
    columns = _columns(ranking.metrics, with_aggregate)
    named = [*columns, "checksum"]
    for column in named:
        if named.count(column) > 1:
            raise ValueError(f"{path}: two columns would be called {column}; rename the metric")
    rows = []
    for row in ranking.rows:
        cells: list[str] = [row.block]
        for metric in ranking.metrics:
            cells += [repr(row.scores[metric]), repr(row.ranks[metric])]
        cells.append(repr(row.rank_sum))
        if with_aggregate:
            cells.append(repr(row.aggregate))
        rows.append([*cells, str(row.order), str(row.removed).lower(), str(row.tied).lower()])
    write_table(path, columns, rows)


def read_ranking(path: PathLike) -> Ranking:
    """Read a table that `write_ranking` wrote.

    Raises ``FileNotFoundError``, or ``ValueError`` with one line that names the file, for a table
    of another shape, one with cells that do not parse, or one that does not remove exactly one
    block, the first in its own order.
    """
    header, lines = _by_block(path)
    with_aggregate = header[-4:-3] == ["aggregate"]
    metrics = tuple(header[1 : -5 if with_aggregate else -4 : 2])
    if not metrics or header != _columns(metrics, with_aggregate):
        damaged(
            path,
            "not the header of a ranking; it reads block, <metric>, <metric>_rank, ..., "
            "rank_sum, order, removed, tied",
        )
    rows = tuple(
        RankedBlock(
            block=block,
            scores={metric: _number(path, block, metric, cells[metric]) for metric in metrics},
            ranks={
                metric: _number(path, block, f"{metric}_rank", cells[f"{metric}_rank"])
                for metric in metrics
            },
            rank_sum=_number(path, block, "rank_sum", cells["rank_sum"]),
            aggregate=(
                _number(path, block, "aggregate", cells["aggregate"]) if with_aggregate else None
            ),
            order=_count(path, block, "order", cells["order"]),
            removed=_truth(path, block, "removed", cells["removed"]),
            tied=_truth(path, block, "tied", cells["tied"]),
        )
        for block, cells in lines.items()
    )
    removed = [row for row in rows if row.removed]
    if len(removed) != 1:
        damaged(path, f"{len(removed)} blocks are marked removed; it must be one")
    if sorted(row.order for row in rows) != list(range(1, len(rows) + 1)):
        damaged(path, f"the column order must count the blocks from 1 to {len(rows)}")
    if removed[0].order != 1:
        damaged(path, f"{removed[0].block} is marked removed but is not first in order")
    _check_ranks(path, metrics, rows)
    return Ranking(metrics, rows)


def _check_ranks(path: PathLike, metrics: Sequence[str], rows: Sequence[RankedBlock]) -> None:
    """Ranks are those of the scores, their sums are right, and the smallest number goes first."""
    scores = {metric: {row.block: row.scores[metric] for row in rows} for metric in metrics}
    table = rank_table(scores, [row.block for row in rows])
    for place, row in enumerate(rows):
        for metric, rank in zip(metrics, table.ranks[:, place].tolist(), strict=True):
            if row.ranks[metric] != rank:
                damaged(path, f"{metric}_rank of {row.block} is {row.ranks[metric]}, not {rank}")
        total = math.fsum(row.ranks.values())
        if not math.isclose(row.rank_sum, total, abs_tol=1e-9):
            damaged(
                path, f"rank_sum of {row.block} is {row.rank_sum}, and its ranks add to {total}"
            )
    decides = {row.block: row.rank_sum if row.aggregate is None else row.aggregate for row in rows}
    gone = next(row for row in rows if row.removed)
    smallest = min(decides.values())
    if decides[gone.block] > smallest:
        damaged(path, f"{gone.block} is marked removed, and has not the smallest number")
    for row in rows:
        shares = decides[row.block] == smallest
        if row.tied != (shares and list(decides.values()).count(smallest) > 1):
            damaged(path, f"tied of {row.block} is {str(row.tied).lower()}")


def removal_order(path: PathLike) -> tuple[str, ...]:
    """Return all blocks of the ranking in ``path``, the first to go first; see `read_ranking`.

    A row may also be a set of blocks, with spaces between: those of the first set come first.
    """
    return tuple(" ".join(read_ranking(path).order).split())


def read_scores(path: PathLike, network_order: Sequence[str]) -> dict[str, dict[str, float]]:
    """Read ``scores/{criterion}.csv`` as metric -> block -> score, blocks in network order.

    The file has the header ``block,<metric>,...`` and one row a candidate block, in any order.
    Where the last column is ``checksum``, every row has to have its own.
    ``network_order`` names the candidates; it has to come from the network, since the rows of the
    file may be sorted. Raises ``FileNotFoundError``, or ``ValueError`` with one line that names
    the file, for another header, a block that is missing, unknown or there twice, or a score that
    is not a finite number.
    """
    header, lines = _by_block(path)
    metrics = header[1:]
    if not metrics:
        raise ValueError(f"{path}: no metric in the header; it reads block, <metric>, ...")
    for block in lines:
        if block not in network_order:
            raise ValueError(f"{path}: {block} is no candidate block of the network")
    for block in network_order:
        if block not in lines:
            raise ValueError(f"{path}: no row for block {block}; every candidate needs one")
    return {
        metric: {
            block: _number(path, block, metric, lines[block][metric]) for block in network_order
        }
        for metric in metrics
    }


def _columns(metrics: Sequence[str], with_aggregate: bool) -> list[str]:
    pairs = [column for metric in metrics for column in (metric, f"{metric}_rank")]
    last = ["aggregate"] if with_aggregate else []
    return ["block", *pairs, "rank_sum", *last, "order", "removed", "tied"]


def _by_block(path: PathLike) -> tuple[list[str], dict[str, dict[str, str]]]:
    """The header, and the cells by block and column, of a table with a row a block."""
    header, rows = read_table(path)
    if header[:1] != ["block"]:
        damaged(path, "no header; the first column must be called block")
    table: dict[str, dict[str, str]] = {}
    for cells in rows:
        if cells[0] in table:
            damaged(path, f"block {cells[0]} has two rows; it must have one")
        table[cells[0]] = dict(zip(header, cells, strict=True))
    if not table:
        damaged(path, "no rows; there must be one for every candidate block")
    return header, table


def _number(path: PathLike, block: str, column: str, cell: str) -> float:
    try:
        number = float(cell)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        damaged(path, f"{column} of {block} is {cell!r}; it must be a finite number")
    return number


def _count(path: PathLike, block: str, column: str, cell: str) -> int:
    if not cell.isdecimal():
        damaged(path, f"{column} of {block} is {cell!r}; it must be a whole number")
    return int(cell)


def _truth(path: PathLike, block: str, column: str, cell: str) -> bool:
    if cell not in ("true", "false"):
        damaged(path, f"{column} of {block} is {cell!r}; it must be true or false")
    return cell == "true"
