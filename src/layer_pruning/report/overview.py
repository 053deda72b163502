"""The front page of the report."""

from collections.abc import Collection, Iterable, Mapping
from html import escape
from typing import Any

import pandas as pd

from layer_pruning.report import overview_answers as answer
from layer_pruning.report.html_page import folded, page
from layer_pruning.report.html_table import table
from layer_pruning.report.over_seeds import aggregate, common_removals, compare_criteria
from layer_pruning.report.overview_notes import notes
from layer_pruning.report.overview_tables import criteria_table, target_section
from layer_pruning.report.provenance import provenance
from layer_pruning.report.records import BASELINE
from layer_pruning.report.selection import pruned
from layer_pruning.report.shift import shift_answer


def overview(
    summary: pd.DataFrame,
    robustness: pd.DataFrame | None = None,
    sources: Iterable[str] = (),
    shift: pd.DataFrame | None = None,
    title: str = "Layer pruning: what came out",
    target: Mapping[str, float] | None = None,
    given_weights: Collection[str] = (),
) -> str:
    """The front page: what was pruned, how far, and what that changed.

    ``summary`` as made by :func:`layer_pruning.report.summary.summarise`, ``robustness`` by
    :func:`layer_pruning.report.robustness.pooled_robustness`, ``shift`` by
    :func:`layer_pruning.report.shift.paired_shift`, pooled. ``sources`` are further lines on
    where numbers come from. Criteria are compared at the largest number of removals that all of
    them reached with every seed. ``target`` is what networks were selected by, if anything, and
    ``given_weights`` names the architectures whose baselines started from weights that were given.
    """
    aggregated, pairs = aggregate(summary), compare_criteria(summary)
    parts = [f"<h1>{escape(title)}</h1>"]
    for (dataset, architecture), group in summary.groupby(["dataset", "architecture"], sort=True):
        here = {"dataset": dataset, "architecture": architecture}
        parts.append(f"<h2>{escape(f'{dataset}, {architecture}')}</h2>")
        parts.append(
            _section(
                group,
                _where(aggregated, here),
                _where(pairs, here),
                None if robustness is None else _where(robustness, here),
                None if shift is None else _where(shift, here),
                target or {},
                architecture in given_weights,
            )
        )
        parts.append(provenance(group, robustness is not None))
    if sources:
        lines = "".join(f"<li>{escape(line)}</li>" for line in sources)
        parts.append(f'<ul class="sources">{lines}</ul>')
    return page(title, "\n".join(parts))


def _section(
    summary: pd.DataFrame,
    aggregated: pd.DataFrame,
    pairs: pd.DataFrame,
    robustness: pd.DataFrame | None,
    shift: pd.DataFrame | None,
    target: Mapping[str, float],
    given_weights: bool,
) -> str:
    baseline, path = summary[summary["criterion"] == BASELINE], pruned(summary)
    if path.empty:
        return "<p>Only the baseline is here: nothing was removed.</p>"
    level = common_removals(summary)
    shown = path[path["removed"] == level]
    rows = aggregated[(aggregated["criterion"] == BASELINE) | (aggregated["removed"] == level)]
    answers = [
        answer.how_far(baseline, path, shown, level),
        answer.accuracy(summary, rows, level),
        *answer.from_scratch(summary, level),
        answer.robust(robustness, level),
        "" if shift is None else shift_answer(shift, level),
        answer.cheaper(shown),
        answer.energy(baseline, shown, answer.rounds_to(path, level)),
    ]
    if "shortcut_reliance" in summary and summary["shortcut_reliance"].notna().any():
        answers.insert(3, answer.shortcut(baseline, path))
    parts = ['<div class="answers">', *(f"<p>{text}</p>" for text in answers if text), "</div>"]
    parts.append(criteria_table(rows, robustness, level, set(path["criterion"])))
    parts.append(target_section(summary, target))
    parts.append(notes(summary, shown, level, given_weights))
    if robustness is not None and len(robustness):
        keep = [name for name in robustness if name not in ("dataset", "architecture")]
        parts.append(folded("Robustness, every comparison", table(robustness[keep])))
    drop = ["dataset", "architecture"]
    parts.append(folded("Accuracy, every number of removals", table(aggregated.drop(columns=drop))))
    if len(pairs):
        parts.append(folded("Criteria, pair by pair", table(pairs.drop(columns=drop))))
    return "\n".join(parts)


def _where(frame: pd.DataFrame, names: Mapping[str, Any]) -> pd.DataFrame:
    for column, value in names.items():
        frame = frame[frame[column] == value]
    return frame
