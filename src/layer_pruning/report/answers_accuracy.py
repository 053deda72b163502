"""What the front page says of the networks, their accuracy, and the choice of the blocks.

Everything is about one data set and architecture. ``level`` is the number of removals at which
criteria are compared, and ``shown`` are the pruned networks there.
"""

from collections.abc import Collection
from html import escape

import pandas as pd

from layer_pruning.report.answers import Answer, listed
from layer_pruning.report.over_seeds import best_criterion
from layer_pruning.report.records import BASELINE
from layer_pruning.report.selection import counted
from layer_pruning.report.significance import NO_DIFFERENCE, NO_SPREAD, ONE_SEED, Mean
from layer_pruning.report.wording import (
    change_text,
    count_text,
    epochs_text,
    named,
    percent,
    plural,
    range_text,
)

KEPT = {
    "higher": "Yes: it is higher.",
    "lower": "No: it is lower.",
    NO_DIFFERENCE: "No change shown.",
    ONE_SEED: "One seed cannot tell.",
    NO_SPREAD: "It cannot be told.",
}


def what_was_done(
    baseline: pd.DataFrame, path: pd.DataFrame, level: int, controls: Collection[str] = ()
) -> Answer:
    """What was pruned, how far, and by whom; ``path`` holds all networks that were pruned."""
    first, shown = baseline.iloc[0], path[path["removed"] == level]
    seeds, criteria = baseline["seed"].nunique(), sorted(path["criterion"].unique())
    at_a_time = int(path["removed"].min())
    pace = "one at a time" if at_a_time == 1 else f"{at_a_time} at a time"
    blocks = len(first["blocks"].split())
    cut = range_text(shown["macs_reduction_percent"], ".1f")
    weights = range_text(shown["parameters_reduction_percent"], ".1f")
    text = (
        f"were removed from a trained network, {pace}, with fine-tuning after each. That takes "
        f"away {cut} % of its {count_text(first['macs'])} multiply-accumulates an image and "
        f"{weights} % of its {count_text(first['parameters'])} parameters. Which blocks go was "
        f"chosen by {plural(len(criteria), 'criterion', 'criteria')} "
        f"({escape(', '.join(criteria))}), in "
        f"{plural(seeds, 'training (seed)', 'independent trainings (seeds)')} each."
    )
    if there := [name for name in criteria if name in controls]:
        text += f" {named(there)} looks at no similarity and serves as the control."
    deeper = path.groupby("criterion")["removed"].max()
    deeper = deeper[deeper > level]
    if len(deeper):
        beyond = ", ".join(f"{escape(str(name))} to {most}" for name, most in deeper.items())
        text += f" Some went further ({beyond}); compared is what all reached."
    return Answer("What was done?", f"{level} of {blocks} residual blocks", text)


def accuracy_kept(rows: pd.DataFrame, criteria: Collection[str]) -> Answer:
    """What that did to test accuracy.

    ``rows`` are the baseline and the criteria over seeds, see
    :func:`layer_pruning.report.over_seeds.aggregate`; those of ``criteria`` pruned.
    """
    base = rows[rows["criterion"] == BASELINE].iloc[0]
    others = rows[rows["criterion"].isin(criteria)].sort_values(
        "accuracy_mean", ascending=False, kind="stable"
    )
    verdicts = set(others["verdict"])
    alike = len(verdicts) == 1
    verdict = KEPT[verdicts.pop()] if alike else "It depends on the criterion."
    changes = {
        str(
            row["criterion"]
        ): f"{percent(row['accuracy_mean'])}, {change_text(row, verdict=not alike)}"
        for _, row in others.iterrows()
    }
    text = (
        f"Test accuracy: {percent(base['accuracy_mean'])} before; after pruning and fine-tuning "
        f"{listed(changes)}."
    )
    worst = others.loc[others["verdict"] == NO_DIFFERENCE, "difference_interval_low"].min()
    if worst < 0:
        text += (
            " Not significant is not the same as none: the intervals do not rule out a "
            f"loss of {-100 * worst:.2f} points."
        )
    return Answer("Is accuracy kept?", verdict, text)


def winner(summary: pd.DataFrame, level: int, controls: Collection[str] = ()) -> Answer:
    """Whether one criterion is better than the others, and than the controls among them."""
    question = "Which criterion is best?"
    best, tied, seeds = best_criterion(summary, level)
    step = counted(summary[summary["removed"] == level])
    others = step["criterion"].nunique() - 1
    mean = step.loc[step["criterion"] == best, "accuracy_test"].mean()
    if others == 0:
        return Answer(question, f"{best} is alone.", "There is no other to compare it with.")
    highest = f"The highest mean is that of {escape(best)}, {percent(mean)}"
    if seeds == 1:
        text = f"{highest}, but with one seed the order may be luck."
        return Answer(question, "One seed cannot tell.", text)
    if not tied:
        text = (
            f"{highest}. It beats {_all_others(others)}, significantly over {seeds} seeds "
            "(corrected for the number of comparisons)."
        )
        return Answer(question, f"{best}.", text)
    text = (
        f"{highest}; over {seeds} seeds it does not differ significantly from "
        f"{escape(', '.join(tied))}"
    )
    text += (
        f"; the other {others - len(tied)} are significantly lower." if others > len(tied) else "."
    )
    beside = {best, *tied}
    if controls and beside & set(controls) and beside - set(controls):
        at_par = sorted(beside & set(controls))
        text += (
            f" {named(at_par)} being a control, it is not shown that the choice of the blocks "
            "matters."
        )
    return Answer(question, "It is a tie.", text)


def from_new_weights(summary: pd.DataFrame, level: int) -> list[Answer]:
    """For each criterion that trained from new weights: how it compares with the one it follows."""
    step, answers = summary[summary["removed"] == level], []
    pruned = counted(step)
    for name, group in step[step["made_by"] == "scratch"].groupby("criterion", sort=True):
        followed = pruned[
            group.iloc[0]["beside"]
            == pruned["beside"].where(pruned["made_by"] == "final", pruned["criterion"])
        ]
        source = followed.iloc[0]["criterion"]
        own, other = (
            step[step["criterion"] == criterion].set_index("seed")["accuracy_test"]
            for criterion in (name, source)
        )
        change, epochs = Mean.of(own - other), epochs_text(group["training_epochs"])
        row = pd.Series(
            {
                "difference_mean": change.mean,
                "difference_interval_low": change.low,
                "difference_interval_high": change.high,
                "verdict": change.verdict("higher", "lower"),
            }
        )
        told = {"higher": "No.", "lower": "Yes."}.get(row["verdict"], "Not shown.")
        text = (
            f"What {escape(source)} left, trained from new weights"
            f"{f' for {epochs} epochs' if epochs else ''} ({escape(str(name))}): "
            f"{percent(own.mean())}, {change_text(row, str(source))}."
        )
        answers.append(Answer("Do the old weights help?", told, text))
    return answers


def _all_others(count: int) -> str:
    return "the other one" if count == 1 else f"each of the other {count}"
