"""The decision: which block goes next, and the table that shows why.

This module owns ``ranking/{criterion}.csv``, one row a candidate block in network order:

    block,<metric>,<metric>_rank,...,rank_sum[,aggregate],order,removed,tied

``rank_sum`` is always the plain sum of the ranks. Where another aggregation than ``borda`` decided,
``aggregate`` holds the number it decided by. ``order`` counts from 1, the first to go; ``removed``
and ``tied`` are true or false, and ``tied`` marks the blocks that share the smallest number.

Blocks are found by name in every table, never by position: the reference code of the paper reads
positions, and so removes the first prunable block whatever the scores say.
"""

import csv
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from layer_pruning.atomic import written_whole
from layer_pruning.checksums import text_checksum
from layer_pruning.consensus.aggregation import aggregate, borda
from layer_pruning.consensus.ranks import ScoreTable, rank_table

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
    scores: ScoreTable,
    network_order: Sequence[str],
    *,
    aggregation: str = "borda",
    weights: Mapping[str, float] | None = None,
    families: Sequence[Sequence[str]] | None = None,
) -> Ranking:
    """Rank the blocks within every metric, join the ranks, and choose the block to remove.

    ``scores`` maps metric -> block -> score, and ``network_order`` names the candidates in the
    order in which an image meets them. The smallest joined number goes first; of equal ones the
    block named first in ``network_order``. Raises ``ValueError`` for a score that is missing or
    not finite and for options that do not fit, see `ranks.rank_table` and
    `catalog.check_aggregation`.
    """
    table = rank_table(scores, network_order)
    decides = aggregate(table, aggregation, weights, families).tolist()
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
            aggregate=None if aggregation == "borda" else decides[column],
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
    for column in columns:
        if columns.count(column) > 1:
            raise ValueError(f"{path}: two columns would be called {column}; rename the metric")
    with (
        written_whole(path) as temporary,
        temporary.open("w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        for row in ranking.rows:
            cells: list[str] = [row.block]
            for metric in ranking.metrics:
                cells += [repr(row.scores[metric]), repr(row.ranks[metric])]
            cells.append(repr(row.rank_sum))
            if with_aggregate:
                cells.append(repr(row.aggregate))
            cells += [str(row.order), str(row.removed).lower(), str(row.tied).lower()]
            writer.writerow(cells)


def read_ranking(path: PathLike) -> Ranking:
    """Read a table that `write_ranking` wrote.

    Raises ``FileNotFoundError``, or ``ValueError`` with one line that names the file, for a table
    of another shape, one with cells that do not parse, or one that does not remove exactly one
    block, the first in its own order.
    """
    header, lines = _read_table(path)
    with_aggregate = header[-4:-3] == ["aggregate"]
    metrics = tuple(header[1 : -5 if with_aggregate else -4 : 2])
    if not metrics or header != _columns(metrics, with_aggregate):
        raise ValueError(
            f"{path}: not the header of a ranking; it reads block, <metric>, <metric>_rank, ..., "
            "rank_sum, order, removed, tied"
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
        raise ValueError(f"{path}: {len(removed)} blocks are marked removed; it must be one")
    if sorted(row.order for row in rows) != list(range(1, len(rows) + 1)):
        raise ValueError(f"{path}: the column order must count the blocks from 1 to {len(rows)}")
    if removed[0].order != 1:
        raise ValueError(f"{path}: {removed[0].block} is marked removed but is not first in order")
    return Ranking(metrics, rows)


def removal_order(path: PathLike) -> tuple[str, ...]:
    """Return all blocks of the ranking in ``path``, the first to go first; see `read_ranking`."""
    return read_ranking(path).order


def read_scores(path: PathLike, network_order: Sequence[str]) -> dict[str, dict[str, float]]:
    """Read ``scores/{criterion}.csv`` as metric -> block -> score, blocks in network order.

    The file has the header ``block,<metric>,...`` and one row a candidate block, in any order.
    Where the last column is ``checksum``, every row has to have that of itself and the header.
    ``network_order`` names the candidates; it has to come from the network, since the rows of the
    file may be sorted. Raises ``FileNotFoundError``, or ``ValueError`` with one line that names
    the file, for another header, a block that is missing, unknown or there twice, or a score that
    is not a finite number.
    """
    header, lines = _read_table(path)
    if header[-1] == "checksum":
        header = header[:-1]
        for block, cells in lines.items():
            if cells["checksum"] != text_checksum([*header, *(cells[name] for name in header)]):
                raise ValueError(
                    f"{path}: the row of {block} does not have its checksum; delete the file and "
                    "run the workflow again"
                )
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


def _read_table(path: PathLike) -> tuple[list[str], dict[str, dict[str, str]]]:
    """Read the header, and the cells by block and column, of a table with a row a block."""
    try:
        with Path(path).open(newline="", encoding="utf-8") as file:
            lines = list(csv.reader(file, strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path}: not a CSV table ({error})") from error
    if not lines or lines[0][:1] != ["block"]:
        raise ValueError(f"{path}: no header; the first column must be called block")
    header = lines[0]
    if "" in header or len(set(header)) < len(header):
        raise ValueError(f"{path}: every column needs a name of its own, not {','.join(header)}")
    table: dict[str, dict[str, str]] = {}
    for number, cells in enumerate(lines[1:], start=2):
        if len(cells) != len(header):
            raise ValueError(f"{path}: row {number} has {len(cells)} cells, not {len(header)}")
        if cells[0] in table:
            raise ValueError(f"{path}: block {cells[0]} has two rows; it must have one")
        table[cells[0]] = dict(zip(header, cells, strict=True))
    if not table:
        raise ValueError(f"{path}: no rows; there must be one for every candidate block")
    return header, table


def _number(path: PathLike, block: str, column: str, cell: str) -> float:
    try:
        number = float(cell)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{path}: {column} of {block} is {cell!r}; it must be a finite number")
    return number


def _count(path: PathLike, block: str, column: str, cell: str) -> int:
    if not cell.isdecimal():
        raise ValueError(f"{path}: {column} of {block} is {cell!r}; it must be a whole number")
    return int(cell)


def _truth(path: PathLike, block: str, column: str, cell: str) -> bool:
    if cell not in ("true", "false"):
        raise ValueError(f"{path}: {column} of {block} is {cell!r}; it must be true or false")
    return cell == "true"
