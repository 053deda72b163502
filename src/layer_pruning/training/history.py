"""The history of a training run: one row an epoch."""

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from layer_pruning.runtime.record_files import damaged, read_table, write_table


@dataclass(frozen=True)
class Epoch:
    """One finished epoch."""

    epoch: int
    learning_rate: float
    """At the last step."""
    train_loss: float
    validation_accuracy: float
    seconds: float


_NAMES = [field.name for field in fields(Epoch)]


def write_history(path: str | os.PathLike[str], history: Sequence[Epoch]) -> None:
    """Write a history as CSV, whole, with a checksum a row."""
    rows = [[str(getattr(epoch, name)) for name in _NAMES] for epoch in history]
    write_table(path, _NAMES, rows)


def read_history(path: str | os.PathLike[str]) -> list[Epoch]:
    """Read a history. Epochs count from 1, numbers are finite, accuracy is a fraction.

    Raises FileNotFoundError, or ValueError in one line with file and row.
    """
    header, rows = read_table(path)
    if header != _NAMES:
        damaged(path, f"a history has the columns {', '.join(_NAMES)}, not {', '.join(header)}")
    history: list[Epoch] = []
    for number, row in enumerate(rows, start=1):
        try:
            values: list[Any] = [int(row[0]), *map(float, row[1:])]
        except ValueError:
            damaged(path, f"epoch {number} holds {', '.join(row)}, expected numbers")
        epoch = Epoch(*values)
        if epoch.epoch != number:
            damaged(path, f"epoch is {epoch.epoch} in row {number}; epochs count from 1")
        if not all(map(math.isfinite, values)) or epoch.seconds < 0:
            damaged(path, f"epoch {number} holds {', '.join(row)}, expected finite numbers")
        if not 0 <= epoch.validation_accuracy <= 1:
            damaged(path, f"validation_accuracy of epoch {number} is {row[3]}, not a fraction")
        history.append(epoch)
    return history
