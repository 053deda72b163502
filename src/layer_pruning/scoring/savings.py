"""What a block's removal saves, as a vote: the block that saves most goes first."""

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from layer_pruning.runtime.record_files import check_numbers, part_of_record, read_record_file

Savings = Mapping[str, Mapping[str, float]]
"""Block name to name of saving (macs, parameters, latency, energy) to number."""


def saving_scores(metric: str, savings: Savings, blocks: Sequence[str]) -> dict[str, float]:
    """The negative saving of each block, by name; ``metric`` is ``saves_`` and what is saved.

    Raises ValueError where a block has no such saving.
    """
    kind = metric.removeprefix("saves_")
    missing = [block for block in blocks if savings.get(block, {}).get(kind) is None]
    if missing:
        raise ValueError(f"{metric}: nothing says how much {kind} {missing[0]} saves")
    return {block: -float(savings[block][kind]) for block in blocks}


def read_savings(paths: Iterable[str | os.PathLike[str]]) -> Savings:
    """The savings in files of ``savings/``, joined by block.

    Raises ValueError naming the file where one is damaged.
    """
    savings: dict[str, dict[str, float]] = {}
    for path in paths:
        for block, values in read_saving(path)["blocks"].items():
            savings.setdefault(block, {}).update(values)
    return savings


def read_saving(path: str | os.PathLike[str]) -> dict[str, Any]:
    """One file of ``savings/`` as it is; raises as :func:`read_record_file`."""
    return read_record_file(path, _check)


def _check(record: dict[str, Any]) -> None:
    for block, values in record["blocks"].items():
        with part_of_record(f"blocks.{block}"):
            check_numbers(values, *values, least=-math.inf)
    if "network" in record:
        with part_of_record("network"):
            check_numbers(record["network"], *record["network"])
