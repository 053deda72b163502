"""What a reader of the front page has to bear in mind."""

from html import escape

import pandas as pd

from layer_pruning.report.records import BASELINE
from layer_pruning.report.selection import pruned
from layer_pruning.report.wording import epochs_text, plural


def notes(
    summary: pd.DataFrame, shown: pd.DataFrame, level: int, given_weights: bool = False
) -> str:
    """A list of HTML; ``given_weights`` where the baseline started from weights that were given."""
    training = epochs_text(summary.loc[summary["criterion"] == BASELINE, "training_epochs"])
    tuning = epochs_text(shown["finetuning_epochs"])
    epochs = (
        f": {training} epochs for the baseline, {tuning} more for "
        f"{plural(level, 'removal', 'removals')}"
        if training and tuning
        else ""
    )
    notes = [
        "Pruned networks were trained for longer than the baseline, since fine-tuning comes on "
        f"top of its training{epochs}. Part of any gain may be that extra training. Fair is to "
        "compare criteria with each other at the same number of removals, where they were "
        "fine-tuned equally often.",
        "Changes are paired within a seed; brackets are 95 % t-intervals over seeds. “Highest” is "
        "called a win only if it holds against each other criterion after Holm's correction for "
        "all pairs; anything else is a tie. A tie is not evidence that two criteria are equal.",
    ]
    if alone := sorted(set(summary["criterion"]) - {BASELINE} - set(pruned(summary)["criterion"])):
        names = escape(", ".join(alone))
        notes.append(
            f"{names}: trained from new weights, with the settings of the baseline, for as many "
            "epochs as the baseline and all fine-tunings together."
            + (
                " The baseline started from given weights, though, and what went into them is not "
                "among these epochs: pruning had the larger budget by that."
                if given_weights
                else ""
            )
        )
    missing = sorted({note for text in summary["notes"] for note in text.split("; ") if note})
    if missing:
        more = f" (and {len(missing) - 3} more)" if len(missing) > 3 else ""
        notes.append("; ".join(missing[:3]) + more + ". What was not measured is left out, not 0.")
    items = "".join(f"<li>{escape(note)}</li>" for note in notes)
    return f'<ul class="sources">{items}</ul>'
