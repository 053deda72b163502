"""What a reader of the front page has to bear in mind."""

from dataclasses import dataclass

import pandas as pd

from layer_pruning.report.answers.answer import Ends, epochs_of
from layer_pruning.report.records import BASELINE
from layer_pruning.report.selection import counted, equally_trained
from layer_pruning.report.wording import percent

NEAR_CHANCE = 0.1
"""A baseline that comes so little of the way from chance to being always right says nothing."""
FAR_ABOVE = 0.02
"""Validation so far above test, and beyond what the test images explain, is no validation."""


def warnings_of(summary: pd.DataFrame) -> list[str]:
    """What speaks against reading anything into a data set and architecture, in a sentence each."""
    base, told = summary[summary["criterion"] == BASELINE], []
    for _, row in base.iterrows():
        name, test = f"The baseline of seed {row['seed']}", row["accuracy_test"]
        chance = row["chance_accuracy"]
        little = test - chance < NEAR_CHANCE * (1 - chance)
        if little or row["accuracy_test_interval_low"] <= chance:
            told.append(
                f"{name} is right on {percent(test)} of the test images, near the "
                f"{percent(chance)} of chance: what pruning changes there says nothing."
            )
        above = row["accuracy_validation"] - row["accuracy_test_interval_high"]
        if above > FAR_ABOVE:
            told.append(
                f"{name} has {percent(row['accuracy_validation'])} on validation and "
                f"{percent(test)} on test: were validation images among those it was trained on? "
                "What validation chooses is then in doubt."
            )
    return told


@dataclass(frozen=True)
class Notes:
    """On the networks that were compared at ``level`` removals."""

    level: int
    training_epochs: Ends | None
    finetuning_epochs: Ends | None
    """From how many to how many, if that is known of all."""
    from_new_weights: list[str]
    """The criteria that trained what pruning left from new weights."""
    trained_on: list[str]
    """The criteria that trained the baseline for longer."""
    given_weights: bool
    """Whether the baseline started from weights that were given."""
    missing: list[str]

    @classmethod
    def of(cls, summary: pd.DataFrame, level: int, given_weights: bool = False) -> "Notes":
        """Those on one data set and architecture."""
        path, base = counted(summary), summary[summary["criterion"] == BASELINE]
        alone = equally_trained(summary)
        missing = {note for text in summary["notes"] for note in text.split("; ") if note}
        return cls(
            level,
            epochs_of(base["training_epochs"]),
            epochs_of(path.loc[path["removed"] == level, "finetuning_epochs"]),
            [name for name, way in alone.items() if way == "scratch"],
            [name for name, way in alone.items() if way == "continued"],
            given_weights,
            sorted(missing),
        )
