"""What a reader of the front page has to bear in mind."""

from collections.abc import Sequence
from html import escape

import pandas as pd

from layer_pruning.report.records import BASELINE
from layer_pruning.report.selection import pruned
from layer_pruning.report.wording import epochs_text, percent, plural

TERMS = (
    "Brackets are 95 % intervals; points are percentage points. Intervals of accuracy are over "
    "seeds, paired within a seed; those under attack and on other images are over seeds and "
    "images; with one seed both are over images, and speak of that network alone. Those of a "
    "question hold at once for all criteria, and a verdict says what its interval says: that a "
    "difference is not shown is no evidence that there is none. Multiply-accumulates (MACs) are "
    "counted, time and energy are not. docs/explanation/statistics.md explains each test."
)
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


def notes(summary: pd.DataFrame, level: int, given_weights: bool = False) -> str:
    """A list of HTML on the networks that were compared at ``level`` removals.

    ``given_weights`` where the baseline started from weights that were given.
    """
    path = pruned(summary)
    lines = [_longer_training(summary, path[path["removed"] == level], level), TERMS]
    if alone := sorted(set(summary["criterion"]) - {BASELINE} - set(path["criterion"])):
        lines.append(_new_weights(alone, given_weights))
    missing = sorted({note for text in summary["notes"] for note in text.split("; ") if note})
    if missing:
        more = f" (and {len(missing) - 3} more)" if len(missing) > 3 else ""
        told = "; ".join(missing[:3])
        lines.append(f"Missing: {told}{more}. What is missing is left out, and never a zero.")
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f'<ul class="sources">{items}</ul>'


def _longer_training(summary: pd.DataFrame, shown: pd.DataFrame, level: int) -> str:
    training = epochs_text(summary.loc[summary["criterion"] == BASELINE, "training_epochs"])
    tuning = epochs_text(shown["finetuning_epochs"])
    epochs = (
        f": {training} epochs for the baseline, {tuning} more for "
        f"{plural(level, 'removal', 'removals')}"
        if training and tuning
        else ""
    )
    return (
        "Pruned networks were trained for longer than the baseline, since fine-tuning comes on "
        f"top of its training{epochs}. Part of any gain may be that extra training. Fair is to "
        "compare criteria with each other at the same number of removals, where they were "
        "fine-tuned equally often."
    )


def _new_weights(names: Sequence[str], given_weights: bool) -> str:
    text = (
        f"{', '.join(names)}: trained from new weights, with the settings of the baseline, for as "
        "many epochs as the baseline and all fine-tunings together."
    )
    if given_weights:
        text += (
            " The baseline started from given weights, though, and what went into them is not "
            "among these epochs: pruning had the larger budget by that."
        )
    return text
