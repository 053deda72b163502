"""Energy to make each network, and to run it."""

import math

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from layer_pruning.report.figures.marks import seed_points
from layer_pruning.report.figures.networks import criteria_of, deepest, named, only_pair
from layer_pruning.report.figures.style import (
    BASELINE_BAR,
    BLACK,
    GREY,
    PALE,
    criterion_styles,
    headline,
    styled,
)
from layer_pruning.report.records import BASELINE, NOT_MEASURED
from layer_pruning.report.selection import pruned
from layer_pruning.report.wording import energy_unit

DASHED = (0, (4, 2))


@styled
def energy_figure(summary: pd.DataFrame) -> Figure:
    """Energy to make the deepest network of each criterion, and to run it.

    ``summary`` as made by :func:`layer_pruning.report.summary.summarise`. Left: the
    baseline's training and of all fine-tunings on the way, stacked. Right: millijoules per image
    of inference beside the baseline measured in the same session. Bars are means over seeds, points
    single seeds. Without a measurement there is no bar but a word. A network trained from new
    weights has its own training on the left and no fine-tuning.
    """
    title = only_pair(summary)
    criteria = criteria_of(summary)
    styles = criterion_styles(criteria)
    last = deepest(summary)
    names = [BASELINE, *criteria]
    figure = Figure(figsize=(9.4, 1.7 + 0.32 * len(names)), layout="constrained")
    making, running = figure.subplots(1, 2, sharey=True)
    labels = []
    unit, per_kwh = energy_unit((last["training_energy_kwh"] + last["finetuning_energy_kwh"]).max())
    for row, name in enumerate(names):
        group = last[last["criterion"] == name]
        labels.append(named(name, group))
        colour = styles[name]["color"]
        _making(making, row, group, colour, per_kwh)
        millijoules = 1000 * group["inference_joules_per_image"]
        if name == BASELINE and millijoules.isna().all():
            millijoules = 1000 * last["baseline_inference_joules_per_image"].dropna()
        _running(running, row, millijoules, BASELINE_BAR if name == BASELINE else colour)
    reference = 1000 * last["baseline_inference_joules_per_image"].dropna()
    if len(reference):
        running.axvline(reference.mean(), color=BLACK, linestyle=DASHED, linewidth=1)
    for axis, what, column in (
        (making, f"Energy of making it ({unit}", "training_energy_basis"),
        (running, "Energy of inference (mJ per image", "inference_energy_basis"),
    ):
        bases = sorted(set(last[column]) - {"", NOT_MEASURED})
        axis.set_xlabel(f"{what}{'; ' if bases else ''}{', '.join(bases)})")
        axis.set_xlim(left=0)
        axis.grid(axis="x", color=PALE, linewidth=0.5)
        axis.xaxis.set_major_locator(MaxNLocator(5))
    making.set_yticks(range(len(names)), labels)
    making.invert_yaxis()
    _legend(figure, summary)
    headline(figure, f"{title}: energy; blocks removed in brackets")
    return figure


def _making(axis: Axes, row: int, group: pd.DataFrame, colour: str, per_kwh: float) -> None:
    training = per_kwh * group["training_energy_kwh"].mean(skipna=False)
    tuning = per_kwh * group["finetuning_energy_kwh"].mean(skipna=False)
    if math.isnan(training + tuning):
        _missing(axis, row)
        return
    axis.barh(row, training, color=BASELINE_BAR, height=0.65)
    axis.barh(
        row,
        tuning,
        left=training,
        color=colour,
        hatch="///",
        edgecolor="white",
        height=0.65,
    )
    spent = group["training_energy_kwh"] + group["finetuning_energy_kwh"]
    seed_points(axis, row, per_kwh * spent)


def _running(axis: Axes, row: int, values: pd.Series, colour: str) -> None:
    if values.empty or values.isna().any():
        _missing(axis, row)
        return
    axis.barh(row, values.mean(), color=colour, height=0.65)
    seed_points(axis, row, values)


def _legend(figure: Figure, summary: pd.DataFrame) -> None:
    alone = sorted(set(summary["criterion"]) - {BASELINE} - set(pruned(summary)["criterion"]))
    whose = f" ({', '.join(alone)}: itself)" if alone else ""
    keys = [
        Patch(color=BASELINE_BAR, label=f"training the baseline{whose}"),
        Patch(facecolor=GREY, hatch="///", edgecolor="white", label="fine-tuning, all steps"),
        Line2D([], [], color=BLACK, linestyle=DASHED, linewidth=1, label="baseline, inference"),
        Line2D([], [], color=BLACK, marker="o", markersize=3, linestyle="none", label="one seed"),
    ]
    figure.legend(handles=keys, loc="outside lower center", ncols=4)


def _missing(axis: Axes, row: int) -> None:
    axis.annotate(
        NOT_MEASURED,
        (0, row),
        (4, 0),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        va="center",
        color=GREY,
        style="italic",
        fontsize=8,
    )
