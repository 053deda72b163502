"""What a reader of the front page has to bear in mind."""

from collections.abc import Sequence
from html import escape

import pandas as pd

from layer_pruning.report.records import BASELINE
from layer_pruning.report.selection import pruned
from layer_pruning.report.wording import epochs_text, plural

TERMS = (
    "Brackets are 95 % t-intervals over seeds, of changes paired within a seed; points are "
    "percentage points. A criterion is best only if it beats each other one after Holm's "
    "correction for all pairs; anything else is a tie, which is no evidence that two are equal. "
    "Significance under attack and on other images is over images and speaks of these networks; "
    "what other trainings would give, the interval over seeds says. Multiply-accumulates (MACs) "
    "are counted, time and energy are not."
)


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
