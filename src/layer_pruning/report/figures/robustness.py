"""Accuracy under attack against the size of the perturbation."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from layer_pruning.report.figures.marks import baseline_interval
from layer_pruning.report.figures.networks import criteria_of, deepest, named, only_pair
from layer_pruning.report.figures.style import (
    BLACK,
    FEW,
    PALE,
    criterion_styles,
    faint,
    headline,
    sentence,
    styled,
)
from layer_pruning.report.records import BASELINE
from layer_pruning.report.statistics.significance import Mean
from layer_pruning.report.wording import epsilon_labels

NORMS = {"linf": "L∞", "l2": "L2", "l1": "L1"}


@styled
def robustness_figure(frame: pd.DataFrame) -> Figure:
    """Robust accuracy against epsilon, a row an attack: the baseline and the deepest networks.

    ``frame`` as made by ``robustness.robust_accuracy``. Epsilon 0 is the
    clean accuracy on the same images. Left the accuracy, right the same minus that of the seed's
    baseline. Curves are means over seeds, faint points single seeds; the bars of the baseline
    are its 95 % interval: over seeds, or Wilson's for a single seed. Without attacks the figure
    says so.

    Raises ValueError without a baseline.
    """
    if frame.empty:
        return sentence("No network was attacked.")
    title = only_pair(frame)
    criteria = criteria_of(frame)
    styles = criterion_styles(criteria)
    attacks = list(_with_change(deepest(frame)).groupby(["attack", "norm"], sort=True))
    figure = Figure(figsize=(9.8, 0.8 + 2.9 * len(attacks)), layout="constrained")
    rows = figure.subplots(len(attacks), 2, squeeze=False)
    handles: dict[str, Line2D] = {}
    for (left, right), (key, group) in zip(rows, attacks, strict=True):
        attack, norm = map(str, key)
        for name in [*criteria, BASELINE]:
            points = group[group["criterion"] == name]
            if not points.empty:
                handles.setdefault(name, _curves(left, right, name, points, styles))
        norm = NORMS.get(norm, norm)
        for axis in (left, right):
            _epsilon_axis(axis, sorted(group["epsilon"].unique()), norm)
            axis.set_title(" ".join(filter(None, [attack, norm])))
            axis.grid(axis="y", color=PALE, linewidth=0.5)
        left.set_ylim(bottom=0)
        left.set_ylabel("Robust accuracy (%)")
        right.set_ylabel("Minus the baseline (points)")
    figure.legend(
        handles=[handles[name] for name in [BASELINE, *criteria] if name in handles],
        loc="outside right center",
        title="(blocks removed)",
        title_fontsize=8,
    )
    headline(figure, f"{title}: accuracy under attack, on the same images")
    return figure


def _with_change(frame: pd.DataFrame) -> pd.DataFrame:
    """The table with ``change``: robust accuracy minus that of the seed's baseline."""
    same = ["seed", "attack", "norm", "epsilon"]
    before = frame[frame["criterion"] == BASELINE].set_index(same)["robust_accuracy"]
    if before.empty:
        raise ValueError("no attacked baseline: it is part of every figure")
    index = pd.MultiIndex.from_frame(frame[same])
    return frame.assign(change=frame["robust_accuracy"] - before.reindex(index).to_numpy())


def _curves(
    left: Axes,
    right: Axes,
    name: str,
    points: pd.DataFrame,
    styles: Mapping[str, Mapping[str, Any]],
) -> Line2D:
    """One criterion's accuracy, and its change; returns what its legend shows."""
    style = dict(styles[name]) | {"zorder": 4 if name == BASELINE else 3}
    drawn, few = [], len(styles) - 1 <= FEW  # the seeds of many criteria are a cloud
    for axis, column in ((left, "robust_accuracy"), (right, "change")):
        if few and points["seed"].nunique() > 1 and not (name == BASELINE and axis is right):
            axis.plot(points["epsilon"], 100 * points[column], **faint(style))
        means = points.groupby("epsilon")[column].mean()
        drawn += axis.plot(means.index, 100 * means.to_numpy(), **style, label=named(name, points))
    if name == BASELINE:
        _baseline_bars(left, points)
    return drawn[0]


def _baseline_bars(axis: Axes, points: pd.DataFrame) -> None:
    for epsilon in points["epsilon"].unique().tolist():
        group = points[points["epsilon"] == epsilon]
        values, first = Mean.of(group["robust_accuracy"], (0, 1)), group.iloc[0]
        low, high = baseline_interval(values, (first["interval_low"], first["interval_high"]))
        axis.vlines(epsilon, 100 * low, 100 * high, color=BLACK, linewidth=1)


def _epsilon_axis(axis: Axes, epsilons: Sequence[float], norm: str) -> None:
    """Ticks at the epsilons; a square-root scale where they would crowd near 0."""
    positive = [epsilon for epsilon in epsilons if epsilon > 0]
    wide = bool(positive) and positive[-1] / positive[0] > 10
    if wide:
        axis.set_xscale(
            "function",
            functions=(lambda x: np.sign(x) * np.sqrt(np.abs(x)), lambda x: np.sign(x) * x**2),
        )
    axis.xaxis.set_major_locator(FixedLocator(list(epsilons)))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.xaxis.set_major_formatter(FixedFormatter(epsilon_labels(epsilons)))
    if len(epsilons) > 4:
        axis.tick_params(axis="x", labelrotation=60)
    what = f"{norm} distance" if norm else "severity"
    axis.set_xlabel(f"Epsilon ({what}{', square-root scale' if wide else ''})")
