"""The front page of the report: every question that a reader asks first, on one screen."""

from collections.abc import Collection, Mapping
from html import escape

import pandas as pd

from layer_pruning.report.answers import Answer, answers_html
from layer_pruning.report.answers_accuracy import (
    accuracy_kept,
    from_new_weights,
    what_was_done,
    winner,
)
from layer_pruning.report.answers_cost import is_faster, takes_less_energy, what_it_cost
from layer_pruning.report.answers_robustness import (
    is_more_robust,
    on_other_images,
    relies_on_the_cue,
)
from layer_pruning.report.html_page import folded, page
from layer_pruning.report.html_table import table
from layer_pruning.report.over_seeds import aggregate, common_removals, compare_criteria
from layer_pruning.report.overview_notes import notes
from layer_pruning.report.overview_tables import criteria_table, target_section
from layer_pruning.report.records import BASELINE
from layer_pruning.report.selection import counted, pruned
from layer_pruning.report.sources import sources_line, titles

FAMILY = ["dataset", "architecture"]


def overview(
    summary: pd.DataFrame,
    robustness: pd.DataFrame | None = None,
    shift: pd.DataFrame | None = None,
    *,
    title: str = "Layer pruning: what came out",
    target: Mapping[str, float] | None = None,
    given_weights: Collection[str] = (),
    controls: Collection[str] = (),
) -> str:
    """The front page: what was pruned, how far, and what that changed.

    ``summary`` as made by :func:`layer_pruning.report.summary.summarise`, ``robustness`` by
    :func:`layer_pruning.report.robustness.pooled_robustness`, ``shift`` by
    :func:`layer_pruning.report.shift.paired_shift`, pooled. Criteria are compared at the largest
    number of removals that all of them reached with every seed. ``target`` is what networks were
    selected by, if anything, ``given_weights`` names the architectures whose baselines started from
    weights that were given, and ``controls`` the criteria that look at no similarity.
    """
    sections, verdicts = [], []
    for (dataset, architecture), group in summary.groupby(FAMILY, sort=True):
        names = {"dataset": str(dataset), "architecture": str(architecture)}
        sections.append(f"<h2>{escape(f'{architecture} on {dataset}')}</h2>")
        if pruned(group).empty:
            sections.append("<p>Only the baseline is here: nothing was removed.</p>")
            continue
        attacked, shifted = _of(robustness, names), _of(shift, names)
        level, rows = _compared(group)
        answers = _answers(group, rows, level, attacked, shifted, controls)
        verdicts.append(names | {answer.question: answer.verdict for answer in answers})
        sections.append(answers_html(answers))
        sections.append(criteria_table(rows, attacked, level, set(pruned(group)["criterion"])))
        sections.append(target_section(group, target or {}))
        sections.append(notes(group, level, given_weights=architecture in given_weights))
        sections.append(_further_tables(group, attacked))
        sections.append(sources_line(group))
    parts = [f"<h1>{escape(title)}</h1>"]
    if len(verdicts) > 1:
        parts.append(table(pd.DataFrame(verdicts).fillna("")))
    return page(title, "\n".join([*parts, *sections]))


def _compared(summary: pd.DataFrame) -> tuple[int, pd.DataFrame]:
    """The number of removals at which criteria are compared, and the rows over seeds there."""
    level, over_seeds = common_removals(summary), aggregate(summary)
    is_baseline = over_seeds["criterion"] == BASELINE
    return level, over_seeds[is_baseline | (over_seeds["removed"] == level)]


def _answers(
    summary: pd.DataFrame,
    rows: pd.DataFrame,
    level: int,
    robustness: pd.DataFrame | None,
    shift: pd.DataFrame | None,
    controls: Collection[str],
) -> list[Answer]:
    """All answers on one data set and architecture, in the order in which one would ask."""
    baseline, path = summary[summary["criterion"] == BASELINE], counted(summary)
    shown = path[path["removed"] == level]
    on_path = summary[summary["made_by"] == "pruned"]
    rounds = len({step for step in on_path["removed"] if step <= level})
    return [
        what_was_done(baseline, on_path, level, controls),
        accuracy_kept(rows, set(path["criterion"])),
        winner(summary, level, controls),
        *from_new_weights(summary, level),
        is_faster(shown),
        takes_less_energy(shown),
        is_more_robust(robustness, level),
        *on_other_images(shift, level),
        *relies_on_the_cue(baseline, path),
        what_it_cost(baseline, shown, rounds),
    ]


def _further_tables(summary: pd.DataFrame, robustness: pd.DataFrame | None) -> str:
    """Everything that the answers rest on, on request."""
    tables = {
        "Robustness, every comparison": (robustness, "attacks/{attack}.json"),
        "Accuracy, every number of removals": (aggregate(summary), "accuracy.json"),
        "Criteria, pair by pair": (compare_criteria(summary), "accuracy.json"),
    }
    return "\n".join(
        folded(heading, table(frame.drop(columns=FAMILY), titles=titles(frame, file)))
        for heading, (frame, file) in tables.items()
        if frame is not None and len(frame)
    )


def _of(frame: pd.DataFrame | None, names: Mapping[str, str]) -> pd.DataFrame | None:
    """The rows of one data set and architecture."""
    if frame is None:
        return None
    return frame[(frame[FAMILY] == pd.Series(names)).all(axis=1)]
