"""Test accuracy against the multiply-accumulates that are gone."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.transforms import offset_copy

from layer_pruning.report.figures.marks import baseline_interval
from layer_pruning.report.figures.networks import criteria_of, only_pair
from layer_pruning.report.figures.style import (
    BLACK,
    FEW,
    PALE,
    criterion_styles,
    faint,
    headline,
    styled,
)
from layer_pruning.report.records import BASELINE
from layer_pruning.report.statistics.significance import Mean


@styled
def accuracy_figure(summary: pd.DataFrame) -> Figure:
    """Test accuracy against the reduction in multiply-accumulates, one curve a criterion.

    ``summary`` as made by :func:`layer_pruning.report.summary.summarise`. Curves are means over
    seeds, bars one standard deviation up and down, faint points single seeds. The baseline is a
    horizontal line at its mean with its 95 % interval: over seeds, or Wilson's for a single seed.
    Networks beside the paths (a last phase, new weights, the baseline trained for
    longer) are points: no line leads to them from the baseline.

    Raises ValueError without a baseline.
    """
    title = only_pair(summary)
    criteria = criteria_of(summary)
    styles = criterion_styles(criteria)
    panels = [[name] for name in criteria] if len(criteria) > FEW else [criteria]
    across = min(4, len(panels))
    down = math.ceil(len(panels) / across)
    size = (7.2, 4.4) if len(panels) == 1 else (1.2 + 2.5 * across, 0.9 + 2.0 * down)
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False).ravel()
    curves = {name: _over_seeds(summary, name) for name in criteria}
    for axis, names in zip(axes, panels, strict=False):
        _baseline_band(axis, summary)
        for other in sorted(set(criteria) - set(names)):
            axis.plot(*_curve(curves[other]), color=PALE, linewidth=0.8, zorder=1)
        _criteria(axis, summary, names, curves, styles)
        if len(panels) > 1:
            axis.set_title(names[0])
        axis.grid(axis="y", color=PALE, linewidth=0.5)
    for axis in axes[len(panels) :]:
        axis.set_visible(False)
    for place, axis in enumerate(axes[: len(panels)]):
        if place + across >= len(panels):
            axis.tick_params(labelbottom=True)
    if len(panels) == 1:
        axes[0].legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
        axes[0].set_xlabel("MACs removed (% of the baseline)")
    else:
        handles, _ = axes[0].get_legend_handles_labels()
        others = Line2D([], [], color=PALE, label="the other criteria")
        figure.legend(handles=[handles[0], others], loc="outside upper right", ncols=2, fontsize=8)
        figure.supxlabel("MACs removed (% of the baseline)", fontsize=9)
    figure.supylabel("Test accuracy (%)", fontsize=9)
    seeds = summary["seed"].nunique()
    about = "one seed, no spread" if seeds == 1 else f"mean ± standard deviation, {seeds} seeds"
    headline(figure, f"{title}: accuracy, {about}")
    return figure


def _criteria(
    axis: Axes,
    summary: pd.DataFrame,
    names: Sequence[str],
    curves: Mapping[str, pd.DataFrame],
    styles: Mapping[str, dict[str, Any]],
) -> None:
    """Curves with their spread, and single seeds, of the criteria of one panel."""
    dense = max((len(curve) for curve in curves.values()), default=0) > 12
    for place, name in enumerate(names):
        style, curve = styles[name], curves[name]
        # Drawn beside each other, by points of paper: the data stay where they are.
        beside = 5 * (place - (len(names) - 1) / 2)
        shift = offset_copy(axis.transData, axis.get_figure(root=True), x=beside, units="points")
        points = summary[summary["criterion"] == name]
        axis.plot(
            points["macs_reduction_percent"],
            100 * points["accuracy_test"],
            transform=shift,
            **faint(style, 2.5 if dense else 3.5),
        )
        spread = curve[curve.index > 0].dropna(subset=["sd"])
        ends = [spread["mean"] - spread["sd"], spread["mean"] + spread["sd"]]
        axis.vlines(
            spread["macs"],
            100 * ends[0],
            100 * ends[1],
            color=style["color"],
            linewidth=1,
            transform=shift,
        )
        smaller: dict[str, Any] = {"markersize": 3.5} if dense else {}
        alone: dict[str, Any] = {} if (points["made_by"] == "pruned").all() else {"linestyle": ""}
        axis.plot(*_curve(curve), **(style | smaller | alone), label=name, transform=shift)
        # Shifted artists do not count when the limits are found.
        heights = [points["accuracy_test"], curve["mean"], *ends]
        across = [points["macs_reduction_percent"], curve["macs"], *[spread["macs"]] * 2]
        axis.update_datalim(
            np.column_stack([np.concatenate(across), 100 * np.concatenate(heights)])
        )
    axis.autoscale_view()


def _over_seeds(summary: pd.DataFrame, criterion: str) -> pd.DataFrame:
    """macs, mean and sd by number of removals, starting at the baseline of the same seeds.

    What stands beside the paths does not start there.
    """
    own = summary[summary["criterion"] == criterion]
    start = summary[(summary["criterion"] == BASELINE) & summary["seed"].isin(own["seed"])]
    parts = [start, own] if (own["made_by"] == "pruned").all() else [own]
    groups = pd.concat(parts).groupby("removed")
    return pd.DataFrame(
        {
            "macs": groups["macs_reduction_percent"].mean(),
            "mean": groups["accuracy_test"].mean(),
            "sd": groups["accuracy_test"].std(),
        }
    )


def _curve(curve: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    return curve["macs"].to_numpy(), 100 * curve["mean"].to_numpy()


def _baseline_band(axis: Axes, summary: pd.DataFrame) -> None:
    baseline = summary[summary["criterion"] == BASELINE]
    if baseline.empty:
        raise ValueError("no baseline in the summary: it is part of every figure")
    values = Mean.of(baseline["accuracy_test"], (0, 1))
    first = baseline.iloc[0]
    ends = (first["accuracy_test_interval_low"], first["accuracy_test_interval_high"])
    low, high = baseline_interval(values, ends)
    axis.axhspan(100 * low, 100 * high, color=BLACK, alpha=0.08, linewidth=0)
    axis.axhline(100 * values.mean, color=BLACK, linewidth=1.2, label="baseline, 95 % interval")
