"""Figures of corrupted images and of calibration, in the style of :mod:`.figures`."""

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from layer_pruning.report.figures import (
    BLACK,
    FEW,
    GREY,
    PALE,
    SEQUENCE,
    criteria_of,
    criterion_styles,
    named,
    only_pair,
    seed_points,
    sentence,
    styled,
)
from layer_pruning.report.records import BASELINE

MEAN = "mean"


@styled
def corruptions(frame: pd.DataFrame) -> Figure:
    """Accuracy on each corruption and newly collected test set, the baseline beside the criteria.

    ``frame`` as made by :func:`layer_pruning.report.shift.corruption_accuracies`; of every
    criterion the deepest networks are shown. Bars are means over severities and seeds, points
    single seeds. For more than a few criteria the figure is a map of the same means.
    """
    if frame.empty:
        return sentence("No network was tested on corrupted images.")
    title, note = only_pair(frame), next((n for n in frame["note"] if n), "")
    deepest = frame.groupby(["criterion", "seed"])["removed"].transform("max")
    frame = frame[frame["removed"] == deepest]
    frame = pd.concat([frame, _means(frame)])
    names = [BASELINE, *criteria_of(frame)]
    corrupted = list(dict.fromkeys(frame.loc[~frame["collected"], "test"]))
    tests = [*corrupted, *dict.fromkeys(frame.loc[frame["collected"], "test"])]
    draw = _map if len(names) - 1 > FEW else _bars
    figure = draw(frame, names, tests)
    lines = [f"{title}: accuracy on other images, mean over severities", note]
    figure.suptitle("\n".join(filter(None, lines)), x=0.01, ha="left", fontsize=10)
    return figure


def _means(frame: pd.DataFrame) -> pd.DataFrame:
    """A row more for each network: the plain mean over its corruptions."""
    keys = ["dataset", "architecture", "seed", "criterion", "removed", "collected"]
    means = frame[~frame["collected"]].groupby(keys, as_index=False)["accuracy"].mean()
    return means.assign(test=MEAN, note="")


def _bars(frame: pd.DataFrame, names: list[str], tests: list[str]) -> Figure:
    styles = criterion_styles(names)
    height = 0.8 / len(names)
    tall = 1.4 + len(tests) * (0.14 + 0.1 * len(names))
    figure = Figure(figsize=(7.6, tall), layout="constrained")
    axis = figure.subplots()
    keys: list[Artist] = []
    for place, name in enumerate(names):
        own = frame[frame["criterion"] == name]
        colour = "#595959" if name == BASELINE else styles[name]["color"]
        keys.append(Patch(color=colour, label=named(name, own)))
        for row, test in enumerate(tests):
            values = 100 * own.loc[own["test"] == test, "accuracy"]
            where = row + (place - (len(names) - 1) / 2) * height
            axis.barh(where, values.mean(), color=colour, height=0.9 * height)
            if len(values) > 1:
                seed_points(axis, where, values)
    if frame["seed"].nunique() > 1:
        keys.append(
            Line2D(
                [], [], color=BLACK, marker="o", markersize=3, linestyle="none", label="one seed"
            )
        )
    _test_axis(axis, tests)
    axis.set_ylim(len(tests) - 0.45, -0.55)
    axis.set_xlim(0, 100)
    axis.set_xlabel("Accuracy (%)")
    axis.grid(axis="x", color=PALE, linewidth=0.5)
    figure.legend(
        handles=keys, loc="outside right center", title="(blocks removed)", title_fontsize=8
    )
    return figure


def _map(frame: pd.DataFrame, names: list[str], tests: list[str]) -> Figure:
    means = frame.pivot_table(index="test", columns="criterion", values="accuracy")
    values = 100 * means.reindex(index=tests, columns=names).to_numpy()
    wide, tall = 3.2 + 0.34 * len(names), 2.6 + 0.2 * len(tests)
    figure = Figure(figsize=(wide, tall), layout="constrained")
    axis = figure.subplots()
    palette = colormaps[SEQUENCE].with_extremes(bad=PALE)
    image = axis.imshow(np.ma.masked_invalid(values), cmap=palette, aspect="auto")
    labels = [named(name, frame[frame["criterion"] == name]) for name in names]
    axis.set_xticks(range(len(names)), labels, rotation=90)
    _test_axis(axis, tests)
    figure.colorbar(image, ax=axis, label="Accuracy (%)")
    return figure


def _test_axis(axis: Axes, tests: list[str]) -> None:
    axis.set_yticks(range(len(tests)), [test.replace("_", " ") for test in tests])
    if MEAN in tests:
        axis.get_yticklabels()[tests.index(MEAN)].set_fontweight("bold")
    axis.tick_params(axis="y", length=0)


@styled
def calibration(frame: pd.DataFrame) -> Figure:
    """A reliability diagram of the baseline and the deepest networks, and their errors.

    ``frame`` as made by :func:`layer_pruning.report.calibration.reliability`. Left: accuracy
    against the mean highest probability of each bin, the images of all seeds together, as trained;
    larger points hold more images, and a calibrated network is on the diagonal. Right: the expected
    calibration error as trained and after temperature scaling, means over seeds; points are seeds.
    """
    if frame.empty:
        return sentence("No network was evaluated.")
    title = only_pair(frame)
    deepest = frame.groupby(["criterion", "seed"])["removed"].transform("max")
    frame = frame[frame["removed"] == deepest]
    names = [BASELINE, *criteria_of(frame)]
    styles = criterion_styles(names)
    figure = Figure(figsize=(9.6, max(4.0, 1.6 + 0.4 * len(names))), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=[1, 1.1])
    left.plot([0, 100], [0, 100], color=GREY, linewidth=1, linestyle=(0, (4, 2)))
    for name in names:
        style = styles[name]
        bins = _pooled(frame[(frame["criterion"] == name) & ~frame["scaled"]])
        sizes = 6 + 90 * np.sqrt(bins["images"] / bins["images"].sum())
        places = 100 * bins["confidence"], 100 * bins["accuracy"]
        left.plot(*places, color=style["color"], linestyle=style["linestyle"], linewidth=1)
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
    figure.suptitle(
        f"{title}: calibration on the test split; blocks removed in brackets",
        x=0.01,
        ha="left",
        fontsize=10,
    )
    return figure


def _pooled(rows: pd.DataFrame) -> pd.DataFrame:
    """The bins of several seeds as one: they have the same edges."""
    place = (rows["confidence"] * 15).apply(np.ceil)
    sums = rows.assign(
        accuracy=rows["accuracy"] * rows["images"], confidence=rows["confidence"] * rows["images"]
    )
    bins = sums.groupby(place)[["images", "accuracy", "confidence"]].sum()
    return bins.assign(
        accuracy=bins["accuracy"] / bins["images"], confidence=bins["confidence"] / bins["images"]
    )


def _note(axis: Axes, end: float, row: float, text: str) -> None:
    """A word after the end of a bar, or in place of one."""
    axis.annotate(
        text,
        (end, row),
        (6, 0),
        textcoords="offset points",
        va="center",
        color=GREY,
        style="italic",
        fontsize=8,
    )


def _errors(axis: Axes, frame: pd.DataFrame, names: list[str]) -> None:
    styles = criterion_styles(names)
    for row, name in enumerate(names):
        colour = "#595959" if name == BASELINE else styles[name]["color"]
        own = frame[frame["criterion"] == name]
        for scaled in (False, True):
            values = own[own["scaled"] == scaled].groupby("seed")["expected_calibration_error"]
            where = row + (0.2 if scaled else -0.2)
            missing = own["seed"].nunique() - len(values)
            if missing:
                end = 100 * values.first().mean() if len(values) else 0
                text = f"no temperature fits for {missing} of {missing + len(values)} seeds"
                _note(axis, end, where, text)
            if not len(values):
                continue
            found = 100 * values.first()
            (bar,) = axis.barh(where, found.mean(), height=0.36, color=colour)
            if scaled:
                bar.set(facecolor="white", edgecolor=colour, hatch="////")
            if len(found) > 1:
                seed_points(axis, where, found)
    axis.set_yticks(range(len(names)), names)
    axis.set_ylim(len(names) - 0.5, -0.5)
    axis.set_xlim(left=0)
    axis.set_xlabel("Expected calibration error (points)")
    axis.set_title("15 bins of equal width; points are seeds")
    axis.grid(axis="x", color=PALE, linewidth=0.5)
