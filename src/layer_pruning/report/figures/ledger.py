"""The energy ledger: spent, saved, and earned back."""

import math
from typing import Any

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import EngFormatter, LogLocator, MaxNLocator, NullFormatter

from layer_pruning.report.columns import with_ends
from layer_pruning.report.figures.marks import beside_each_other, row_axis, with_interval, word
from layer_pruning.report.figures.networks import only_pair
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
from layer_pruning.report.findings.cost import COSTS, JOULES_PER_KWH
from layer_pruning.report.records import NOT_MEASURED

# hatches tell in grey what colours tell otherwise
COST_STYLES: dict[str, dict[str, Any]] = {
    "training": {"facecolor": BASELINE_BAR},
    "scoring": {"facecolor": "#0072B2", "hatch": "xxxx", "edgecolor": "white"},
    "finetuning": {"facecolor": "#E69F00", "hatch": "///", "edgecolor": "white"},
    "attacks": {"facecolor": PALE},
}
COST_LABELS = {
    "training": "training the baseline",
    "scoring": "scoring the blocks",
    "finetuning": "fine-tuning",
    "attacks": "attacks, on it and the baseline",
}
PREFIXES = ((1e9, "GJ"), (1e6, "MJ"), (1e3, "kJ"), (1.0, "J"))


@styled
def ledger_figure(table: pd.DataFrame) -> Figure:
    """What each criterion's network cost in energy, what an image saves, and the break-even.

    ``table`` as made by ``cost.ledger_table``. Left: stacked costs, means
    over seeds. Middle: joules that an image saves. Right: images after which the saving has earned
    scoring and fine-tuning. Points are single seeds with 95 % intervals. What is unknown is a word.
    """
    if table.empty:
        return sentence("No energy was measured.")
    title, styles = only_pair(table), criterion_styles(table["criterion"])
    names = sorted(set(table["criterion"]))
    figure = Figure(figsize=(10.4, 1.9 + 0.42 * len(names)), layout="constrained")
    costs, saving, even = figure.subplots(1, 3, sharey=True, width_ratios=[1.5, 1, 1])
    _stacked_costs(costs, table, names)
    _savings(saving, table, names, styles)
    _break_even(even, table, names, styles)
    labels = []
    for name in names:
        removed = table.loc[table["criterion"] == name, "removed"]
        labels.append(f"{name} (−{removed.max()})")
    for axis in (costs, saving, even):
        row_axis(axis, labels)
    keys: list[Artist] = [Patch(**COST_STYLES[cost], label=COST_LABELS[cost]) for cost in COSTS]
    keys.append(Line2D([], [], color=BLACK, linestyle=DASHED, linewidth=1, label="as the baseline"))
    figure.legend(handles=keys, loc="outside lower center", ncols=len(keys))
    headline(figure, f"{title}: energy spent, saved and earned back; blocks removed in brackets")
    return figure


def _stacked_costs(axis: Axes, table: pd.DataFrame, names: list[str]) -> None:
    columns = [f"{cost}_joules" for cost in COSTS]
    means = table.groupby("criterion")[columns].mean().reindex(names)
    largest = means.sum(axis=1).max()
    size, unit = next((p for p in PREFIXES if largest >= p[0]), PREFIXES[-1])
    for row, name in enumerate(names):
        left, missing = 0.0, []
        for cost in COSTS:
            joules = table.loc[table["criterion"] == name, f"{cost}_joules"].mean(skipna=False)
            if math.isnan(joules):
                missing.append(cost)
                continue
            axis.barh(row, joules / size, left=left, height=0.6, **COST_STYLES[cost])
            left += joules / size
        if missing:
            word(axis, left, row, f"{', '.join(missing)}: {NOT_MEASURED}")
    axis.set_xlim(left=0)
    bases = {base for cost in COSTS for base in table[f"{cost}_basis"]} - {NOT_MEASURED}
    axis.set_xlabel(f"Energy spent ({unit}; {', '.join(sorted(bases)) or NOT_MEASURED})")
    axis.set_title(f"costs, 1 {unit} = {size / JOULES_PER_KWH:.2g} kWh")


def _savings(axis: Axes, table: pd.DataFrame, names: list[str], styles: dict[str, Any]) -> None:
    axis.axvline(0, color=BLACK, linestyle=DASHED, linewidth=1)
    for row, name in enumerate(names):
        if not _with_intervals(axis, row, table, name, "saving_joules_per_image", styles):
            word(axis, 0, row, NOT_MEASURED)
    # values of a small network need many digits: few ticks, and units of their size
    axis.locator_params(axis="x", nbins=4)
    axis.xaxis.set_major_formatter(EngFormatter(unit="J"))
    axis.set_xlabel(f"per image ({', '.join(sorted(set(table['saving_basis'])))})")
    axis.set_title("saved per image")


def _break_even(axis: Axes, table: pd.DataFrame, names: list[str], styles: dict[str, Any]) -> None:
    known = table[with_ends("break_even_images")].to_numpy(dtype=float)
    known = known[known > 0]
    if len(known):
        _images_axis(axis, known.min(), known.max())
    for row, name in enumerate(names):
        drawn = _with_intervals(axis, row, table, name, "break_even_images", styles)
        group = table[table["criterion"] == name]
        verdicts = group.loc[group["break_even_images"].isna(), "break_even"].value_counts()
        text = ", ".join(f"{verdict} ({count})" for verdict, count in verdicts.items())
        if text:
            axis.annotate(
                text,
                (0.02, row + (0.38 if drawn else 0.0)),
                xycoords=("axes fraction", "data"),
                va="center",
                color=GREY,
                style="italic",
                fontsize=7.5,
            )
    axis.set_xlabel("Images, for scoring and fine-tuning")
    axis.set_title("earned back after")


def _images_axis(axis: Axes, low: float, high: float) -> None:
    """A linear axis for numbers of one magnitude, else a logarithmic one."""
    if high < 10 * low:
        axis.xaxis.set_major_locator(MaxNLocator(4))
    else:
        axis.set_xscale("log")
        axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 300 * low else (1,)))
        axis.xaxis.set_minor_formatter(NullFormatter())
    axis.xaxis.set_major_formatter(EngFormatter())


def _with_intervals(
    axis: Axes,
    row: int,
    table: pd.DataFrame,
    name: str,
    key: str,
    styles: dict[str, Any],
) -> bool:
    """Points of single seeds, one below the other, with their intervals; whether there are any."""
    group = table[table["criterion"] == name].dropna(subset=[key])
    ends = (group[f"{key}_interval_low"], group[f"{key}_interval_high"])
    with_interval(axis, beside_each_other(row, len(group)), group[key], ends, styles[name])
    return len(group) > 0
