"""The front page of the report: every question that a reader asks first, on one screen."""

import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from layer_pruning.report.answers.accuracy import (
    accuracy_kept,
    from_new_weights,
    what_was_done,
    winner,
)
from layer_pruning.report.answers.answer import Answer
from layer_pruning.report.answers.cost import is_faster, takes_less_energy, what_it_cost
from layer_pruning.report.answers.notes import Notes, warnings_of
from layer_pruning.report.answers.robustness import (
    is_more_robust,
    on_other_images,
    relies_on_the_cue,
)
from layer_pruning.report.findings.robustness import compared_robustness
from layer_pruning.report.findings.shift import compared_shift
from layer_pruning.report.findings.shortcut import compared_shortcuts
from layer_pruning.report.html_page import rendered
from layer_pruning.report.html_table import table
from layer_pruning.report.pages.overview_tables import criteria_table, selected_by
from layer_pruning.report.pages.sources import Sources, titles
from layer_pruning.report.records import BASELINE, attack_results
from layer_pruning.report.selection import counted, on_the_way
from layer_pruning.report.statistics.over_seeds import (
    MARGIN,
    aggregate,
    common_removals,
    compare_criteria,
)
from layer_pruning.report.statistics.paired import beside_each
from layer_pruning.runtime.record_files import read_record_file, write_record_file

PAIR = ["dataset", "architecture"]


@dataclass(frozen=True)
class Tables:
    """What the front page is made of, besides the summary; each as of ``paired.beside_each``."""

    robustness: pd.DataFrame | None = None
    shift: pd.DataFrame | None = None
    shortcuts: pd.DataFrame | None = None
    attacks: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """The names of the records of attacks, by attack and norm; a configuration may choose them."""

    def of(self, names: Mapping[str, str]) -> "Tables":
        """The rows of one data set and architecture."""
        return self._where(lambda frame: (frame[PAIR] == pd.Series(names)).all(axis=1))

    def of_verdicts(self, summary: pd.DataFrame) -> "Tables":
        """The rows without those of networks on the way to a last phase."""
        passed, columns = on_the_way(summary), [*PAIR, "criterion", "removed"]
        return self._where(lambda frame: ~pd.MultiIndex.from_frame(frame[columns]).isin(passed))

    def _where(self, kept: Callable[[pd.DataFrame], Any]) -> "Tables":
        frames = {name: getattr(self, name) for name in ("robustness", "shift", "shortcuts")}
        there = {name: frame for name, frame in frames.items() if frame is not None}
        return replace(self, **{name: frame[kept(frame)] for name, frame in there.items()})


def tables_of(
    summary: pd.DataFrame,
    attacks: Iterable[str | Path] = (),
    corruptions: Iterable[str | Path] = (),
    shortcuts: Iterable[str | Path] = (),
) -> Tables:
    """The tables from their files, beside the baseline and what was trained as long as pruned."""
    attacks = list(attacks)
    return Tables(
        beside_each(compared_robustness, attacks, summary),
        beside_each(compared_shift, corruptions, summary),
        beside_each(compared_shortcuts, shortcuts, summary),
        {(one["attack"], one["norm"]): path.name for _, one, path in attack_results(attacks)},
    )


@dataclass(frozen=True)
class Pair:
    """All answers on one data set and architecture."""

    dataset: str
    architecture: str
    level: int
    """After so many removals criteria are compared."""
    answers: tuple[Answer, ...]
    warnings: tuple[str, ...]
    margin: float
    summary: pd.DataFrame
    tables: Tables

    def record(self) -> dict[str, Any]:
        """The pair as it is written to ``answers.json``."""
        return {
            "dataset": self.dataset,
            "architecture": self.architecture,
            "removed": self.level,
            "margin_points": 100 * self.margin,
            "warnings": list(self.warnings),
            "answers": [answer.record() for answer in self.answers],
        }


def pairs(
    summary: pd.DataFrame,
    tables: Tables | None = None,
    controls: Collection[str] = (),
    margin: float = MARGIN,
) -> list[Pair]:
    """The answers on every data set and architecture of which something was pruned.

    ``summary`` as made by :func:`layer_pruning.report.summary.summarise`. Criteria are compared at
    the largest number of removals at which the networks of all of them count, with every seed.
    ``controls`` are the criteria that look at no similarity, and accuracy is kept if no more than
    the fraction ``margin`` is lost.
    """
    found = []
    for (dataset, architecture), group in summary.groupby(PAIR, sort=True):
        names = {"dataset": str(dataset), "architecture": str(architecture)}
        own, told = (tables or Tables()).of(names), tuple(warnings_of(group))
        level, answers = 0, list[Answer]()
        if not counted(group).empty:
            level = common_removals(group)
            answers = _answers(group, level, own, controls, margin)
        made = Pair(
            str(dataset), str(architecture), level, tuple(answers), told, margin, group, own
        )
        found.append(made)
    return found


def write_answers(found: Sequence[Pair], path: str | Path) -> None:
    """Write ``answers.json``, one record an answer, and say the warnings in the terminal."""
    write_record_file(path, {"families": [pair.record() for pair in found]})
    for pair in found:
        for text in pair.warnings:
            name = f"{pair.architecture} on {pair.dataset}"
            print(f"warning: {name}: {text}", file=sys.stderr)


def read_answers(path: str | Path) -> dict[str, Any]:
    """Read ``answers.json``; raises as ``runtime.record_files.read_record_file``."""
    return read_record_file(path)


def overview(
    found: Sequence[Pair],
    target: Mapping[str, float] | None = None,
    given_weights: Collection[str] = (),
    title: str = "Layer pruning: what came out",
) -> str:
    """The front page: what was pruned, how far, and what that changed.

    ``found`` are the :func:`pairs`. ``target`` is what networks were selected by, if anything,
    and ``given_weights`` names the architectures whose baselines started from weights that were
    given.
    """
    verdicts = pd.DataFrame(
        {"dataset": pair.dataset, "architecture": pair.architecture}
        | {answer.question: answer.verdict for answer in pair.answers}
        for pair in found
        if pair.answers
    )
    return rendered(
        "overview.html",
        title=title,
        at_a_glance=table(verdicts.fillna("")) if len(verdicts) > 1 else "",
        sections=[
            {"pair": pair} | (_section(pair, target or {}, given_weights) if pair.answers else {})
            for pair in found
        ],
    )


def _section(
    pair: Pair, target: Mapping[str, float], given_weights: Collection[str]
) -> dict[str, Any]:
    """What stands below the answers on one data set and architecture."""
    group, level = pair.summary, pair.level
    over_seeds = aggregate(group, pair.margin)
    is_baseline = over_seeds["criterion"] == BASELINE
    rows = over_seeds[is_baseline | (over_seeds["removed"] == level)]
    tuned = set(counted(group)["criterion"])
    return {
        "criteria": criteria_table(rows, pair.tables.robustness, level, tuned),
        "target": selected_by(group, target, pair.margin),
        "notes": Notes.of(group, level, pair.architecture in given_weights),
        "further": _further_tables(group, over_seeds, pair.tables),
        "sources": Sources.of(group),
    }


def _answers(
    summary: pd.DataFrame,
    level: int,
    tables: Tables,
    controls: Collection[str],
    margin: float,
) -> list[Answer]:
    """All answers on one data set and architecture, in the order in which one would ask."""
    baseline, path = summary[summary["criterion"] == BASELINE], counted(summary)
    shown = path[path["removed"] == level]
    tables = tables.of_verdicts(summary)
    return [
        what_was_done(summary, level, controls),
        accuracy_kept(summary, level, margin),
        winner(summary, level, controls, margin),
        *from_new_weights(summary, level),
        is_faster(shown),
        takes_less_energy(shown),
        is_more_robust(tables.robustness, level, tables.attacks),
        *on_other_images(tables.shift, level),
        *relies_on_the_cue(tables.shortcuts, level),
        what_it_cost(baseline, shown),
    ]


def _further_tables(
    summary: pd.DataFrame, over_seeds: pd.DataFrame, tables: Tables
) -> dict[str, Markup]:
    """Everything that the answers rest on, by heading."""
    # a verdict is corrected for the criteria at one number of removals, not for all of a path
    path = over_seeds.drop(columns="verdict")
    found = {
        "Robustness, every comparison": (tables.robustness, "attacks/{attack}.json"),
        "Accuracy, every number of removals": (path, "accuracy.json"),
        "Criteria, pair by pair": (compare_criteria(summary), "accuracy.json"),
    }
    return {
        heading: table(frame.drop(columns=PAIR), titles=titles(frame, file))
        for heading, (frame, file) in found.items()
        if frame is not None and len(frame)
    }
