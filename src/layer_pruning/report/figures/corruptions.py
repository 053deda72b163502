"""Accuracy on corrupted and on newly collected images."""

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from layer_pruning.report.figures.marks import heat_map, seed_points
from layer_pruning.report.figures.networks import criteria_of, deepest, named, only_pair
from layer_pruning.report.figures.style import (
    BLACK,
    FEW,
    PALE,
    bar_styles,
    headline,
    sentence,
    styled,
)
from layer_pruning.report.records import BASELINE, KEYS

MEAN = "mean"


@styled
def corruptions_figure(frame: pd.DataFrame) -> Figure:
    """Accuracy on each corruption and newly collected test set, the baseline beside the criteria.

    ``frame`` as made by ``shift.corruption_accuracies``; of every
    criterion the deepest networks are shown. Bars are means over severities and seeds, points
    single seeds. For more than a few criteria the figure is a map of the same means.
    """
    if frame.empty:
        return sentence("No network was tested on corrupted images.")
    title, note = only_pair(frame), next((n for n in frame["note"] if n), "")
    frame = deepest(frame)
    frame = pd.concat([frame, _means(frame)])
    names = [BASELINE, *criteria_of(frame)]
    corrupted = list(dict.fromkeys(frame.loc[~frame["collected"], "test"]))
    tests = [*corrupted, *dict.fromkeys(frame.loc[frame["collected"], "test"])]
    draw = _map if len(names) - 1 > FEW else _bars
    figure = draw(frame, names, tests)
    headline(figure, f"{title}: accuracy on other images, mean over severities", note)
    return figure


def _means(frame: pd.DataFrame) -> pd.DataFrame:
    """A row more for each network: the plain mean over its corruptions."""
    keys = [*KEYS, "collected"]
    means = frame[~frame["collected"]].groupby(keys, as_index=False)["accuracy"].mean()
    return means.assign(test=MEAN, note="")


def _bars(frame: pd.DataFrame, names: list[str], tests: list[str]) -> Figure:
    styles = bar_styles(names)
    height = 0.8 / len(names)
    tall = 1.4 + len(tests) * (0.14 + 0.1 * len(names))
    figure = Figure(figsize=(7.6, tall), layout="constrained")
    axis = figure.subplots()
    keys: list[Artist] = []
    for place, name in enumerate(names):
        own = frame[frame["criterion"] == name]
        keys.append(Patch(**styles[name], label=named(name, own)))
        for row, test in enumerate(tests):
            values = 100 * own.loc[own["test"] == test, "accuracy"]
            where = row + (place - (len(names) - 1) / 2) * height
            axis.barh(where, values.mean(), height=0.9 * height, **styles[name])
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
    labels = [named(name, frame[frame["criterion"] == name]) for name in names]
    image = heat_map(axis, values, columns=labels)
    _test_axis(axis, tests)
    figure.colorbar(image, ax=axis, label="Accuracy (%)")
    return figure


def _test_axis(axis: Axes, tests: list[str]) -> None:
    axis.set_yticks(range(len(tests)), [test.replace("_", " ") for test in tests])
    if MEAN in tests:
        axis.get_yticklabels()[tests.index(MEAN)].set_fontweight("bold")
    axis.tick_params(axis="y", length=0)
