"""The history of a training run: one row an epoch."""

import csv
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields

from layer_pruning.atomic import written_whole


@dataclass(frozen=True)
class Epoch:
    """One finished epoch."""

    epoch: int
    learning_rate: float
    """At the last step."""
    train_loss: float
    validation_accuracy: float
    seconds: float


def write_history(path: str | os.PathLike[str], history: Sequence[Epoch]) -> None:
    """Write a history as CSV, whole."""
    with written_whole(path) as temporary, temporary.open("w", newline="") as file:
        names = [field.name for field in fields(Epoch)]
        writer = csv.DictWriter(file, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(epoch) for epoch in history)
