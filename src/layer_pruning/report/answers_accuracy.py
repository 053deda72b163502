"""What the front page says of the networks, their accuracy, and the choice of the blocks.

Everything is about one data set and architecture. ``level`` is the number of removals at which
criteria are compared, and ``shown`` are the pruned networks there.
"""

from collections.abc import Collection
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from layer_pruning.report.answers import Answer, listed, sentence
from layer_pruning.report.over_seeds import (
    HIGHER,
    LOST,
    UNKNOWN,
    accuracy_verdict,
    best_criterion,
    changes,
)
from layer_pruning.report.records import BASELINE
from layer_pruning.report.repeated import Contrast, seeds_needed
from layer_pruning.report.selection import counted, equally_trained
from layer_pruning.report.wording import (
    change_text,
    count_text,
    epochs_text,
    named,
    percent,
    plural,
    points,
    range_text,
)

DUNNETT = "repeated measures over seeds, Dunnett"
TUKEY = "repeated measures over seeds, Tukey"
NEWCOMBE = "over test images, Newcombe"


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
        f"away {cut} % of its {count_text(first['macs'])} multiply-accumulates per image and "
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
    return Answer(
        "done",
        "What was done?",
        f"{level} of {blocks} residual blocks",
        text,
        number=float(shown["macs_reduction_percent"].mean()),
        unit="% of multiply-accumulates",
        file=f"{criteria[0]}/removed-{level:02d}/complexity.json",
    )


def accuracy_kept(summary: pd.DataFrame, level: int, margin: float) -> Answer:
    """What pruning did to test accuracy, and what as much training without it would have done."""
    base = summary[summary["criterion"] == BASELINE]
    step = counted(summary[summary["removed"] == level])
    means = step.groupby("criterion")["accuracy_test"].mean().sort_values(ascending=False)
    found = changes(summary, level, BASELINE)
    found = {str(name): found[str(name)] for name in means.index}
    said = {name: accuracy_verdict(c.low, c.high, margin) for name, c in found.items()}
    seeds, (chosen, *_) = _seeds(step), [best_criterion(summary, level).name]
    texts = {
        name: f"{percent(means[name])}, {change_text(c, said[name])}" for name, c in found.items()
    }
    text = (
        f"Test accuracy: {percent(base['accuracy_test'].mean())} before; after pruning and "
        f"fine-tuning {listed(texts)}."
    )
    for other, way in equally_trained(summary).items():
        beside = {
            name: change_text(c)
            for name, c in changes(summary, level, other).items()
            if name in found
        }
        if beside:
            text += f" Against {_WAYS[way]} ({escape(other)}): {listed(beside)}."
    text += _power(list(found.values()), summary, seeds, len(found) + 1, margin)
    return Answer(
        "accuracy",
        "Is accuracy kept?",
        sentence(_kept(list(said.values())), seeds),
        text,
        of=chosen,
        **_number(found[chosen]),
        test=DUNNETT if seeds > 1 else NEWCOMBE,
        n=n_text(summary, seeds),
        file=f"{chosen}/removed-{level:02d}/accuracy.json",
    )


def winner(
    summary: pd.DataFrame, level: int, controls: Collection[str] = (), margin: float = 0.005
) -> Answer:
    """Whether one criterion is better than the others, and than the controls among them."""
    name, question = "best", "Which criterion is best?"
    choice = best_criterion(summary, level)
    step = counted(summary[summary["removed"] == level])
    mean = step.loc[step["criterion"] == choice.name, "accuracy_test"].mean()
    if not choice.leads:
        return Answer(name, question, f"{choice.name} is alone.", "There is no other to compare.")
    text = f"Chosen on the validation split: {escape(choice.name)}, with {percent(mean)} on test. "
    text += f"Its lead on test: {listed({n: change_text(c) for n, c in choice.leads.items()})}."
    others = list(choice.leads.values())
    if choice.shown:
        verdict = f"{choice.name}: shown to be better than {_all_others(len(others))}."
    elif choice.better:
        verdict = f"Not {choice.name}, which validation chose."
        text += f" Shown to be better on test: {escape(', '.join(choice.better))}."
    else:
        verdict = f"No best shown{_would_have(others)}."
    beside = {choice.name, *choice.tied}
    if controls and not choice.better and beside & set(controls) and beside - set(controls):
        text += (
            f" {named(sorted(beside & set(controls)))} being a control, it is not shown that the "
            "choice of the blocks matters."
        )
    text += _power(others, summary, choice.seeds, len(others) + 1, margin, tukey=True)
    nearest = min(others, key=lambda lead: lead.low if lead.low == lead.low else lead.mean)
    return Answer(
        name,
        question,
        sentence(verdict, choice.seeds),
        text,
        of=choice.name,
        **_number(nearest),
        test=TUKEY if choice.seeds > 1 else NEWCOMBE,
        n=n_text(summary, choice.seeds),
        file=f"{choice.name}/removed-{level:02d}/accuracy.json",
    )


def from_new_weights(summary: pd.DataFrame, level: int) -> list[Answer]:
    """For each criterion that trained from new weights: how it compares with those that pruned."""
    answers = []
    step = summary[summary["removed"] == level]
    for name, way in equally_trained(summary).items():
        group = step[step["criterion"] == name]
        if way != "scratch" or group.empty:
            continue
        pruned = counted(step)
        source = group.iloc[0]["beside"]
        followed = pruned["beside"].where(pruned["made_by"] == "final", pruned["criterion"])
        if source not in set(followed):
            continue
        source = str(pruned.loc[followed == source, "criterion"].iloc[0])
        change, seeds = changes(summary, level, name).get(source), _seeds(group)
        if change is None:
            continue
        verdict = change.verdict("Yes.", "No.", f"Not shown{_would_have([change])}.", "Not shown.")
        epochs = epochs_text(group["training_epochs"])
        text = (
            f"What {escape(source)} left, trained from new weights"
            f"{f' for {epochs} epochs' if epochs else ''} ({escape(name)}): "
            f"{percent(group['accuracy_test'].mean())}; {escape(source)} beside it: "
            f"{change_text(change)}."
        )
        answers.append(
            Answer(
                "weights",
                "Do the old weights help?",
                sentence(verdict, seeds),
                text,
                of=source,
                **_number(change),
                test=DUNNETT if seeds > 1 else NEWCOMBE,
                n=n_text(summary, seeds),
                file=f"{name}/removed-{level:02d}/accuracy.json",
            )
        )
    return answers


_WAYS = {
    "scratch": "the same architecture from new weights",
    "continued": "the unpruned network trained for as many epochs more",
}


def n_text(summary: pd.DataFrame, seeds: int) -> str:
    """How many seeds and test images stand behind a statement on accuracy."""
    images = summary["test_images"].min()
    counted_images = "" if np.isnan(images) else f", {plural(int(images), 'image', 'test images')}"
    return f"{plural(seeds, 'seed', 'seeds')}{counted_images}"


def _kept(said: list[str]) -> str:
    if len(set(said)) > 1:
        counts = ", ".join(f"{said.count(word)} {word}" for word in dict.fromkeys(said))
        return f"It depends on the criterion: {counts}."
    verdict = said[0]
    if verdict == HIGHER:
        return "Accuracy is higher."
    if verdict == LOST:
        return "Accuracy is lost."
    return f"It {UNKNOWN}." if verdict == UNKNOWN else f"Accuracy is {verdict}."


def _would_have(contrasts: Collection[Contrast]) -> str:
    """What would have been shown, where nothing was."""
    size = max(contrast.detectable for contrast in contrasts)
    return "" if np.isnan(size) else f" (a lead of {points(size)} would have been seen)"


def _power(
    contrasts: Collection[Contrast],
    summary: pd.DataFrame,
    seeds: int,
    groups: int,
    margin: float,
    tukey: bool = False,
) -> str:
    """What these seeds could have shown, and how many would show a change of the margin."""
    size = max(contrast.detectable for contrast in contrasts)
    if np.isnan(size):
        return " What these seeds could have shown is not known."
    text = f" With {n_text(summary, seeds)}, a true difference of {points(size)} would have been "
    text += "shown in four of five runs"
    deviation = max(contrast.deviation for contrast in contrasts)
    needed = seeds_needed(deviation, margin, groups, "tukey" if tukey else "dunnett")
    return f"{text}{f'; {points(margin)} take {needed} seeds' if needed else ''}."


def _number(contrast: Contrast) -> dict[str, Any]:
    ends = {"number": contrast.mean, "low": contrast.low, "high": contrast.high}
    return {**{name: 100 * value for name, value in ends.items()}, "unit": "points"}


def _seeds(rows: pd.DataFrame) -> int:
    return int(rows["seed"].nunique())


def _all_others(count: int) -> str:
    return "the other one" if count == 1 else f"each of the other {count}"
