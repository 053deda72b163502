"""What networks learnt of a planted cue."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from layer_pruning.report.figures.marks import row_axis, with_interval
from layer_pruning.report.figures.networks import criteria_of, deepest
from layer_pruning.report.figures.style import (
    BLACK,
    GREY,
    criterion_styles,
    headline,
    styled,
)
from layer_pruning.report.records import BASELINE
from layer_pruning.report.statistics.significance import Mean

TESTS = {
    "accuracy_congruent_cue": ("^", "cue of the own class"),
    "accuracy_clean": ("o", "no cue"),
    "accuracy_swapped_cue": ("s", "cue of another class"),
}


@styled
def shortcut_figure(frame: pd.DataFrame) -> Figure:
    """The baseline and the deepest networks of each criterion: accuracy by test, and reliance.

    ``frame`` as made by ``shortcut.outcomes``, of one data set and
    architecture. Large marks are means over seeds, small ones single seeds. Bars are 95 %
    t-intervals over seeds; for one seed those of its images.

    Raises ValueError without a baseline.
    """
    if BASELINE not in set(frame["criterion"]):
        raise ValueError("no shortcut test of the baseline: it is part of every figure")
    frame = deepest(frame)
    names = [BASELINE, *criteria_of(frame)]
    styles = criterion_styles(names)
    figure = Figure(figsize=(9.8, 1.7 + 0.34 * len(names)), layout="constrained")
    tests, reliance, follows = figure.subplots(1, 3, sharey=True, width_ratios=[1.3, 1, 1])
    for row, name in enumerate(names):
        group = frame[frame["criterion"] == name]
        _tests(tests, row, group, styles[name]["color"])
        _measured(reliance, row, group, "shortcut_reliance", styles[name])
        _measured(follows, row, group, "follows_cue", styles[name])
    tests.set_xlabel("Test accuracy (%)")
    reliance.set_xlabel("Shortcut reliance (points)")
    follows.set_xlabel("Wrong cue followed (% of images)")
    reliance.axvline(0, color=BLACK, linewidth=0.8)
    follows.set_xlim(left=min(0.0, follows.get_xlim()[0]))
    removed = frame.groupby("criterion")["removed"].max()
    labels = [name if name == BASELINE else f"{name} (−{removed[name]})" for name in names]
    for axis in (tests, reliance, follows):
        row_axis(axis, labels)
    keys = [
        Line2D([], [], color=GREY, marker=marker, linestyle="none", label=label)
        for marker, label in TESTS.values()
    ]
    keys.append(Line2D([], [], color=GREY, marker="D", label="mean, 95 % interval"))
    figure.legend(handles=keys, loc="outside lower center", ncols=len(keys))
    title = f"{frame.iloc[0]['dataset']}, {frame.iloc[0]['architecture']}: "
    title += "shortcut learning; blocks removed in brackets"
    headline(figure, title)
    return figure


def _tests(axis: Axes, row: int, group: pd.DataFrame, colour: str) -> None:
    means = 100 * group[list(TESTS)].mean()
    axis.hlines(row, means.min(), means.max(), color=colour, linewidth=1)
    for name, (marker, _) in TESTS.items():
        axis.plot(100 * group[name], [row] * len(group), marker, **_single(colour))
        axis.plot(means[name], row, marker, color=colour)


def _measured(
    axis: Axes, row: int, group: pd.DataFrame, column: str, style: Mapping[str, Any]
) -> None:
    values = Mean.of(group[column])
    low, high = values.low, values.high
    if len(group) == 1:
        low, high = group[f"{column}_interval_low"].item(), group[f"{column}_interval_high"].item()
    if column == "follows_cue":
        low, high = max(0.0, low), min(1.0, high)
    axis.plot(100 * group[column], [row] * len(group), "o", **_single(style["color"]))
    ends = (100 * low, 100 * high)
    with_interval(axis, row, 100 * values.mean, ends, style, marker="D", markersize=5)


def _single(colour: str) -> dict[str, Any]:
    """How single seeds are drawn."""
    return {"color": colour, "alpha": 0.35, "markersize": 3.5, "markeredgewidth": 0}
