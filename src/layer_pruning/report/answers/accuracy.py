"""What the front page says of the networks, their accuracy, and the choice of the blocks.

Everything is about one data set and architecture. ``level`` is the number of removals at which
criteria are compared, and ``shown`` are the pruned networks there.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from layer_pruning.report.answers.answer import (
    Answer,
    Ends,
    answered,
    ends,
    epochs_of,
    file_of,
    known,
)
from layer_pruning.report.records import BASELINE
from layer_pruning.report.selection import counted, equally_trained
from layer_pruning.report.statistics.over_seeds import (
    UNKNOWN,
    Choice,
    accuracy_verdict,
    best_criterion,
    changes,
)
from layer_pruning.report.statistics.repeated import Contrast, seeds_needed
from layer_pruning.report.statistics.significance import Kind
from layer_pruning.report.wording import plural

DUNNETT = "repeated measures over seeds, Dunnett"
TUKEY = "repeated measures over seeds, Tukey"
NEWCOMBE = "over test images, Newcombe"


@dataclass(frozen=True)
class Done:
    """What was pruned, how far, and by whom."""

    level: int
    blocks: int
    at_a_time: dict[int, list[str]]
    """How many blocks go between two fine-tunings, and for which criteria."""
    macs: float
    macs_saved: Ends
    """In percent."""
    parameters: float
    parameters_saved: Ends
    criteria: list[str]
    controls: list[str]
    seeds: int
    deeper: dict[str, int]
    """The criteria that went further than ``level``, and how far."""
    shorter: dict[str, int]
    """Those that ended before."""
    on_the_way: bool
    """Whether all of them did: networks at ``level`` are those that count."""
    last_phase: bool


@dataclass(frozen=True)
class Power:
    """What the seeds could have shown."""

    n: str
    detectable: float | None
    """A true difference that would have been shown in four of five runs, if that is known."""
    margin: float
    needed: int | None
    """So many seeds would show a change of the margin."""


@dataclass(frozen=True)
class Kept:
    """The test accuracy of a criterion, and its change."""

    accuracy: float
    change: Contrast
    said: str


@dataclass(frozen=True)
class Beside:
    """Changes against networks that were trained as long without being pruned."""

    other: str
    way: str
    changes: Mapping[str, Contrast]


@dataclass(frozen=True)
class Accuracy:
    """What pruning did to test accuracy."""

    before: float
    criteria: dict[str, Kept]
    """The best first."""
    beside: list[Beside]
    power: Power
    counts: dict[str, int]
    """How many criteria have which verdict."""
    unknown: str = UNKNOWN


@dataclass(frozen=True)
class Best:
    """The criterion that validation chose, beside the others on test."""

    chosen: str
    accuracy: float
    leads: Mapping[str, Contrast]
    shown: bool
    better: list[str]
    tied_controls: list[str]
    """Controls that are not told apart from criteria that look at similarity."""
    same: list[str]
    """Criteria that left the same blocks in every seed."""
    power: Power | None


@dataclass(frozen=True)
class NewWeights:
    """What pruning left, beside the same trained from new weights."""

    criterion: str
    source: str
    removed: int
    elsewhere: bool
    """Whether criteria are compared after another number of removals."""
    epochs: Ends | None
    accuracy: float
    change: Contrast
    helps: str | None
    detectable: float | None


def what_was_done(summary: pd.DataFrame, level: int, controls: Collection[str] = ()) -> Answer:
    """What was pruned, how far, and by whom."""
    baseline, path = (summary[summary["made_by"] == way] for way in ("baseline", "pruned"))
    first, shown = baseline.iloc[0], path[path["removed"] == level]
    criteria = sorted(shown["criterion"].unique())
    reached = path.groupby("criterion")["removed"].max()
    at_a_time: dict[int, list[str]] = {}
    for name, blocks in shown.groupby("criterion")["blocks_at_a_time"].max().items():
        at_a_time.setdefault(int(blocks), []).append(str(name))
    facts = Done(
        level=level,
        blocks=len(first["blocks"].split()),
        at_a_time=dict(sorted(at_a_time.items())),
        macs=first["macs"],
        macs_saved=ends(shown["macs_reduction_percent"]),
        parameters=first["parameters"],
        parameters_saved=ends(shown["parameters_reduction_percent"]),
        criteria=criteria,
        controls=[name for name in criteria if name in controls],
        seeds=baseline["seed"].nunique(),
        deeper={str(name): most for name, most in reached[reached > level].items()},
        shorter={str(name): most for name, most in reached[reached < level].items()},
        on_the_way=bool((reached > level).all()),
        last_phase=bool((summary.loc[summary["removed"] == level, "made_by"] == "final").any()),
    )
    return answered(
        "done",
        facts,
        number=float(shown["macs_reduction_percent"].mean()),
        unit="% of multiply-accumulates",
        file=file_of(criteria[0], level, "complexity.json"),
    )


def accuracy_kept(summary: pd.DataFrame, level: int, margin: float) -> Answer:
    """What pruning did to test accuracy, and what as much training without it would have done."""
    base = summary[summary["criterion"] == BASELINE]
    step = counted(summary[summary["removed"] == level])
    means = step.groupby("criterion")["accuracy_test"].mean().sort_values(ascending=False)
    by_name = changes(summary, level, BASELINE)
    found = {str(name): by_name[str(name)] for name in means.index}
    said = {name: accuracy_verdict(c.low, c.high, margin) for name, c in found.items()}
    seeds, chosen = _seeds(step), best_criterion(summary, level).name
    beside = [
        Beside(other, way, {n: c for n, c in changes(summary, level, other).items() if n in found})
        for other, way in equally_trained(summary).items()
    ]
    verdicts = list(said.values())
    facts = Accuracy(
        before=base["accuracy_test"].mean(),
        criteria={name: Kept(means[name], c, said[name]) for name, c in found.items()},
        beside=[one for one in beside if one.changes],
        power=_power(list(found.values()), summary, seeds, margin),
        counts={verdict: verdicts.count(verdict) for verdict in verdicts},
    )
    return answered(
        "accuracy",
        facts,
        seeds=seeds,
        **_number(found[chosen], DUNNETT, summary, seeds),
        **_of(chosen, chosen, level),
    )


def winner(
    summary: pd.DataFrame, level: int, controls: Collection[str] = (), margin: float = 0.005
) -> Answer:
    """Whether one criterion is better than the others, and than the controls among them."""
    choice = best_criterion(summary, level)
    step = counted(summary[summary["removed"] == level])
    leads = list(choice.leads.values())
    facts = Best(
        chosen=choice.name,
        accuracy=step.loc[step["criterion"] == choice.name, "accuracy_test"].mean(),
        leads=choice.leads,
        shown=choice.shown,
        better=choice.better,
        tied_controls=_tied_controls(choice, set(controls)),
        same=_of_same_blocks(step, choice.name),
        power=_power(leads, summary, choice.seeds, margin, tukey=True) if leads else None,
    )
    if not leads:
        return answered("best", facts)
    nearest = min(leads, key=lambda lead: lead.low if lead.low == lead.low else lead.mean)
    return answered(
        "best",
        facts,
        seeds=choice.seeds,
        **_number(nearest, TUKEY, summary, choice.seeds),
        **_of(choice.name, choice.name, level),
    )


def from_new_weights(summary: pd.DataFrame, level: int) -> list[Answer]:
    """For each criterion that trained from new weights: how it compares with those that pruned.

    It does so where its own networks are, if there are none at ``level``.
    """
    answers = []
    for name, way in equally_trained(summary).items():
        if way != "scratch":
            continue
        own = summary[summary["criterion"] == name]
        removed = level if level in set(own["removed"]) else int(own["removed"].max())
        group, step = own[own["removed"] == removed], summary[summary["removed"] == removed]
        pruned = counted(step)
        source = group.iloc[0]["beside"]
        followed = pruned["beside"].where(pruned["made_by"] == "final", pruned["criterion"])
        if source not in set(followed):
            continue
        source = str(pruned.loc[followed == source, "criterion"].iloc[0])
        change, seeds = changes(summary, removed, name).get(source), _seeds(group)
        if change is None:
            continue
        facts = NewWeights(
            criterion=name,
            source=source,
            removed=removed,
            elsewhere=removed != level,
            epochs=epochs_of(group["training_epochs"]),
            accuracy=group["accuracy_test"].mean(),
            change=change,
            helps=change.verdict("yes", "no", "not shown", "") or None,
            detectable=known(change.detectable),
        )
        number = _number(change, DUNNETT, summary, seeds) | _of(source, name, removed)
        answers.append(answered("weights", facts, seeds=seeds, **number))
    return answers


def n_text(summary: pd.DataFrame, seeds: int) -> str:
    """How many seeds and test images stand behind a statement on accuracy."""
    images = summary["test_images"].min()
    counted_images = "" if np.isnan(images) else f", {plural(int(images), 'image', 'test images')}"
    return f"{plural(seeds, 'seed', 'seeds')}{counted_images}"


def _tied_controls(choice: Choice, controls: set[str]) -> list[str]:
    """The controls among the best, where criteria that look at similarity are among them too."""
    beside = {choice.name, *choice.tied, *choice.same}
    return [] if choice.better or beside <= controls else sorted(beside & controls)


def _of_same_blocks(step: pd.DataFrame, chosen: str) -> list[str]:
    """The other criteria whose networks have the blocks of the chosen one's, seed by seed."""
    kept = step.set_index("seed").groupby("criterion")["blocks"]
    blocks = {str(name): of_seeds.to_dict() for name, of_seeds in kept}
    own = blocks.pop(chosen)
    return sorted(name for name, others in blocks.items() if others == own)


def _power(
    contrasts: Sequence[Contrast],
    summary: pd.DataFrame,
    seeds: int,
    margin: float,
    tukey: bool = False,
) -> Power:
    """What these seeds could have shown, and how many would show a change of the margin."""
    kind: Kind = "tukey" if tukey else "dunnett"
    widest = max(contrasts, key=lambda contrast: contrast.deviation)
    return Power(
        n=n_text(summary, seeds),
        detectable=known(max(contrast.detectable for contrast in contrasts)),
        margin=margin,
        # networks that several criteria made are one
        needed=seeds_needed(
            widest.deviation, margin, len(set(contrasts)) + 1, kind, widest.freedom
        ),
    )


def _number(
    contrast: Contrast, over_seeds: str, summary: pd.DataFrame, seeds: int
) -> dict[str, Any]:
    """The number of an answer, in points, and what it rests on."""
    ends = {"number": contrast.mean, "low": contrast.low, "high": contrast.high}
    found: dict[str, Any] = {name: 100 * value for name, value in ends.items()}
    found |= {"unit": "points", "n": n_text(summary, seeds)}
    return found | {"test": over_seeds if seeds > 1 else NEWCOMBE}


def _of(criterion: str, folder: str, level: int) -> dict[str, str]:
    """Whom the number is of, and in which folder it is."""
    return {"of": criterion, "file": file_of(folder, level, "accuracy.json")}


def _seeds(rows: pd.DataFrame) -> int:
    return int(rows["seed"].nunique())
