"""Whether probabilities mean what they say."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from layer_pruning.report.figures.marks import row_axis, seed_points, word
from layer_pruning.report.figures.networks import criteria_of, deepest, named, only_pair
from layer_pruning.report.figures.style import (
    BASELINE_BAR,
    BLACK,
    DASHED,
    GREY,
    PALE,
    criterion_styles,
    headline,
    sentence,
    styled,
)
from layer_pruning.report.findings.calibration import EXPECTED
from layer_pruning.report.records import BASELINE
from layer_pruning.report.statistics.significance import Mean

BINS = 15


@styled
def calibration_figure(frame: pd.DataFrame) -> Figure:
    """A reliability diagram of the baseline and the deepest networks, and their errors.

    ``frame`` as made by ``calibration.reliability``. Left: accuracy
    against the mean highest probability of each bin, the images of all seeds together, as trained;
    larger points hold more images, and a calibrated network is on the diagonal. Right: the expected
    calibration error as trained and after temperature scaling, means over seeds; points are seeds.
    """
    if frame.empty:
        return sentence("No network was evaluated.")
    title = only_pair(frame)
    frame = deepest(frame)
    names = [BASELINE, *criteria_of(frame)]
    styles = criterion_styles(names)
    figure = Figure(figsize=(9.6, max(4.0, 1.6 + 0.4 * len(names))), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=[1, 1.1])
    left.plot([0, 100], [0, 100], color=GREY, linewidth=1, linestyle=DASHED)
    for name in names:
        style = styles[name]
        bins = _pooled(frame[(frame["criterion"] == name) & ~frame["scaled"]])
        # a line across a bin without images would say something of it
        apart = 100 * bins[["confidence", "accuracy"]].reindex(range(1, BINS + 1))
        sizes = 6 + 90 * np.sqrt(bins["images"] / bins["images"].sum())
        places = 100 * bins["confidence"], 100 * bins["accuracy"]
        left.plot(
            apart["confidence"],
            apart["accuracy"],
            color=style["color"],
            linestyle=style["linestyle"],
            linewidth=1,
        )
        left.scatter(
            *places,
            s=sizes,
            marker=style["marker"],
            facecolor=style.get("markerfacecolor", style["color"]),
            edgecolor=style["color"],
            zorder=3,
        )
    left.set_xlabel("Highest probability, mean of a bin (%)")
    left.set_ylabel("Accuracy (%)")
    left.set_title("Reliability as trained (below the diagonal: too sure)")
    left.grid(color=PALE, linewidth=0.5)
    _errors(right, frame, names)
    lines = [
        Line2D([], [], **{**styles[name], "label": named(name, frame[frame["criterion"] == name])})
        for name in names
    ]
    keys = [
        Patch(color=GREY, label="as trained"),
        Patch(facecolor="white", edgecolor=GREY, hatch="////", label="after temperature scaling"),
    ]
    figure.legend(handles=[*lines, *keys], loc="outside lower center", ncols=4)
    headline(figure, f"{title}: calibration on the test split; blocks removed in brackets")
    return figure


def _pooled(rows: pd.DataFrame) -> pd.DataFrame:
    """The bins of several seeds as one: they have the same edges."""
    place = (rows["confidence"] * BINS).apply(np.ceil)
    sums = rows.assign(
        accuracy=rows["accuracy"] * rows["images"], confidence=rows["confidence"] * rows["images"]
    )
    bins = sums.groupby(place)[["images", "accuracy", "confidence"]].sum()
    return bins.assign(
        accuracy=bins["accuracy"] / bins["images"], confidence=bins["confidence"] / bins["images"]
    )


def _over_seeds(found: pd.Series) -> tuple[float, float]:
    """Ends of the t-interval over seeds, as fractions; NaN where all are equal."""
    values = Mean.of(found / 100, (0, 1))
    return values.low, values.high


def _errors(axis: Axes, frame: pd.DataFrame, names: list[str]) -> None:
    styles = criterion_styles(names)
    for row, name in enumerate(names):
        colour = BASELINE_BAR if name == BASELINE else styles[name]["color"]
        own = frame[frame["criterion"] == name]
        for scaled in (False, True):
            values = own[own["scaled"] == scaled].groupby("seed")["expected_calibration_error"]
            where = row + (0.2 if scaled else -0.2)
            end = 0.0
            if len(values):
                found = 100 * values.first()
                (bar,) = axis.barh(where, found.mean(), height=0.36, color=colour)
                if scaled:
                    bar.set(facecolor="white", edgecolor=colour, hatch="////")
                if len(found) > 1:
                    seed_points(axis, where, found)
                    low, high = (100 * end for end in _over_seeds(found))
                else:
                    row_of = own[own["scaled"] == scaled].iloc[0]
                    low, high = (100 * row_of[name] for name in EXPECTED[1:])
                axis.hlines(where, low, high, color=BLACK, linewidth=0.8)
                end = np.fmax(found.max(), high)
            if missing := own["seed"].nunique() - len(values):
                text = f"no temperature fits for {missing} of {missing + len(values)} seeds"
                word(axis, end, where, text, gap=6)
    row_axis(axis, names)
    axis.set_xlim(left=0)
    axis.set_xlabel("Expected calibration error (points)")
    axis.set_title("15 bins of equal width; points are seeds, lines 95 % intervals")
