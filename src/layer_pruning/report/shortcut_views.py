"""How shortcut learning is shown: a figure and a page of tables."""

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from layer_pruning.report.figures import BLACK, GREY, PALE, STYLE, criterion_styles
from layer_pruning.report.html_page import page
from layer_pruning.report.html_table import table
from layer_pruning.report.records import BASELINE
from layer_pruning.report.shortcut import compared, outcomes
from layer_pruning.report.significance import Mean
from layer_pruning.report.sources import titles_of_one

TESTS = {
    "accuracy_congruent_cue": ("^", "cue of the own class"),
    "accuracy_clean": ("o", "no cue"),
    "accuracy_swapped_cue": ("s", "cue of another class"),
}


def shortcut_figure(frame: pd.DataFrame) -> Figure:
    """The baseline and the deepest networks of each criterion: accuracy by test, and reliance.

    ``frame`` as made by :func:`layer_pruning.report.shortcut.outcomes`, of one data set and
    architecture. Large marks are means over seeds, small ones single seeds. Bars are 95 %
    t-intervals over seeds; for one seed those of its images.

    Raises ValueError without a baseline.
    """
    if BASELINE not in set(frame["criterion"]):
        raise ValueError("no shortcut test of the baseline: it is part of every figure")
    deepest = frame.groupby(["criterion", "seed"])["removed"].transform("max")
    frame = frame[frame["removed"] == deepest]
    names = [BASELINE, *sorted(set(frame["criterion"]) - {BASELINE})]
    styles = criterion_styles(names)
    with rc_context(STYLE):
        figure = Figure(figsize=(9.8, 1.7 + 0.34 * len(names)), layout="constrained")
        tests, reliance, follows = figure.subplots(1, 3, sharey=True, width_ratios=[1.3, 1, 1])
        for row, name in enumerate(names):
            group = frame[frame["criterion"] == name]
            colour = styles[name]["color"]
            _tests(tests, row, group, colour)
            _measured(reliance, row, group, "shortcut_reliance", colour)
            _measured(follows, row, group, "follows_cue", colour)
        tests.set_xlabel("Test accuracy (%)")
        reliance.set_xlabel("Shortcut reliance (points)")
        follows.set_xlabel("Wrong cue followed (% of images)")
        reliance.axvline(0, color=BLACK, linewidth=0.8)
        follows.set_xlim(left=min(0.0, follows.get_xlim()[0]))
        for axis in (tests, reliance, follows):
            axis.grid(axis="x", color=PALE, linewidth=0.5)
        removed = frame.groupby("criterion")["removed"].max()
        labels = [name if name == BASELINE else f"{name} (−{removed[name]})" for name in names]
        tests.set_yticks(range(len(names)), labels)
        tests.set_ylim(len(names) - 0.5, -0.5)
        keys = [
            Line2D([], [], color=GREY, marker=marker, linestyle="none", label=label)
            for marker, label in TESTS.values()
        ]
        keys.append(Line2D([], [], color=GREY, marker="D", label="mean, 95 % interval"))
        figure.legend(handles=keys, loc="outside lower center", ncols=len(keys))
        title = f"{frame.iloc[0]['dataset']}, {frame.iloc[0]['architecture']}: "
        title += "shortcut learning; blocks removed in brackets"
        figure.suptitle(title, x=0.01, ha="left", fontsize=10)
    return figure


def _tests(axis: Axes, row: int, group: pd.DataFrame, colour: str) -> None:
    means = 100 * group[list(TESTS)].mean()
    axis.hlines(row, means.min(), means.max(), color=colour, linewidth=1)
    for name, (marker, _) in TESTS.items():
        axis.plot(100 * group[name], [row] * len(group), marker, **_single(colour))
        axis.plot(means[name], row, marker, color=colour)


def _measured(axis: Axes, row: int, group: pd.DataFrame, column: str, colour: str) -> None:
    values = Mean.of(group[column])
    low, high = values.low, values.high
    if len(group) == 1:
        low, high = group[f"{column}_interval_low"].item(), group[f"{column}_interval_high"].item()
    if column == "follows_cue":
        low, high = max(0.0, low), min(1.0, high)
    axis.hlines(row, 100 * low, 100 * high, color=colour, linewidth=1.2)
    axis.plot(100 * group[column], [row] * len(group), "o", **_single(colour))
    axis.plot(100 * values.mean, row, "D", color=colour)


def _single(colour: str) -> dict[str, Any]:
    """How single seeds are drawn."""
    return {"color": colour, "alpha": 0.35, "markersize": 3.5, "markeredgewidth": 0}


def shortcut_page(paths: Sequence[str | Path]) -> str:
    """A page about one data set and architecture: comparisons with the baseline, all networks.

    ``paths`` are files ``{network}/shortcut.json``.
    """
    frame = outcomes(paths)
    title = f"{frame.iloc[0]['dataset']}, {frame.iloc[0]['architecture']}: shortcut learning"
    parts = [f"<h1>{escape(title)}</h1>"]
    sections = {
        "Beside the baseline, all seeds": compared(paths, pooled=True),
        "Beside the baseline, seed by seed": compared(paths, pooled=False),
        "Every network": frame.drop(columns=["dataset", "architecture"]),
    }
    for heading, rows in sections.items():
        known = rows.dropna(axis=1, how="all")
        sources = titles_of_one(known, "shortcut.json")
        parts += [f"<h2>{escape(heading)}</h2>", table(known, titles=sources)]
    return page(title, "\n".join(parts))
