"""What a block's removal saves, as a vote: the block that saves most goes first."""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

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
        try:
            blocks = json.loads(Path(path).read_text(encoding="utf-8"))["blocks"]
            for block, values in blocks.items():
                savings.setdefault(block, {}).update(values)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path}: not a readable savings file ({error})") from error
    return savings
