"""Figures of cost: time against multiply-accumulates, and the energy ledger."""

import math
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import EngFormatter, LogLocator, NullFormatter

from layer_pruning.report.cost import COSTS, JOULES_PER_KWH, WHOLE
from layer_pruning.report.figures import (
    BLACK,
    GREY,
    PALE,
    criterion_styles,
    only_pair,
    sentence,
    styled,
)
from layer_pruning.report.records import NOT_MEASURED

COST_COLOURS = {"training": "#595959", "scoring": "#0072B2", "finetuning": "#E69F00"}
COST_COLOURS |= {"attacks": "#d9d9d9"}
COST_LABELS = {
    "training": "training the baseline",
    "scoring": "scoring the blocks",
    "finetuning": "fine-tuning",
    "attacks": "attacks, on it and the baseline",
}
PREFIXES = ((1e9, "GJ"), (1e6, "MJ"), (1e3, "kJ"), (1.0, "J"))


@styled
def latency(table: pd.DataFrame) -> Figure:
    """Time against multiply-accumulates above, the quotient of the two below; a column a batch.

    ``table`` as made by :func:`layer_pruning.report.cost.latency_table`. Filled points are pruned
    networks, hollow ones the baseline without the blocks removed from one stage alone. On the
    diagonal, time falls as multiply-accumulates do; there the quotient is 1.
    """
    if table.empty:
        return sentence("No latency was measured.")
    title, styles = only_pair(table), criterion_styles(table["criterion"])
    batches = sorted(set(table["batch_size"]))
    modes = list(dict.fromkeys(table["mode"]))
    parts = [WHOLE, *sorted(set(table["part"]) - {WHOLE})]
    figure = Figure(
        figsize=(2.0 + 2.3 * len(batches), 0.9 + len(modes) * (2.6 + 0.35 * len(parts))),
        layout="constrained",
    )
    heights = [2.3, 0.5 + 0.35 * len(parts)] * len(modes)
    axes = figure.subplots(
        2 * len(modes), len(batches), squeeze=False, height_ratios=heights, sharey="row"
    )
    for place, mode in enumerate(modes):
        of_mode = table[table["mode"] == mode]
        for column, batch in enumerate(batches):
            here = of_mode[of_mode["batch_size"] == batch]
            above, below = axes[2 * place][column], axes[2 * place + 1][column]
            _time_against_macs(above, here, of_mode, styles)
            _quotients(below, here, of_mode, styles, parts)
            name = "" if modes == ["eager"] else f", {mode}"
            above.set_title(f"batch of {batch}{name}")
            if column == 0:
                above.set_ylabel("Time (% of the baseline)")
    dot: dict[str, Any] = {"linestyle": "none", "markersize": 5}
    keys = [
        Line2D([], [], color=style["color"], marker=style["marker"], label=name, **dot)
        for name, style in styles.items()
        if name in set(table["criterion"])
    ]
    hollow: dict[str, Any] = {"color": GREY, "marker": "o", "markerfacecolor": "white"}
    keys.append(Line2D([], [], label="blocks of one stage alone", **hollow, **dot))
    keys.append(Line2D([], [], color=BLACK, linestyle=(0, (4, 2)), label="time falls as MACs do"))
    figure.legend(handles=keys, loc="outside lower center", ncols=min(5, len(keys)))
    devices = ", ".join(sorted(set(table["device"])))
    figure.suptitle(
        f"{title}: time against MACs, {devices}, 95 % intervals", x=0.01, ha="left", fontsize=10
    )
    return figure


def _time_against_macs(
    axis: Axes, table: pd.DataFrame, everywhere: pd.DataFrame, styles: dict[str, Any]
) -> None:
    """One batch size; ``everywhere`` is all of a mode, so that its panels share their limits."""
    ends = [max(0.0, min(everywhere["macs_percent"].min(), 90.0) - 8), 105.0]
    axis.plot(ends, ends, color=BLACK, linestyle=(0, (4, 2)), linewidth=1, zorder=1)
    axis.plot([100], [100], "o", color=BLACK, markersize=4)
    for _, row in table.iterrows():
        style, whole = styles[row["criterion"]], row["part"] == WHOLE
        axis.vlines(
            row["macs_percent"],
            row["time_percent_interval_low"],
            row["time_percent_interval_high"],
            color=style["color"],
            linewidth=1,
            alpha=1 if whole else 0.5,
        )
        axis.plot(
            [row["macs_percent"]],
            [row["time_percent"]],
            color=style["color"],
            marker=style["marker"],
            markerfacecolor=style["color"] if whole else "white",
            markersize=5 if whole else 3.5,
            linestyle="none",
        )
    axis.set_xlim(*ends)
    # by the points: an interval on a busy machine may be far wider than all of them
    axis.set_ylim(*_around([*everywhere["time_percent"], *ends]))
    axis.grid(color=PALE, linewidth=0.5)
    axis.set_xlabel("MACs (% of the baseline)")


def _quotients(
    axis: Axes,
    table: pd.DataFrame,
    everywhere: pd.DataFrame,
    styles: dict[str, Any],
    parts: list[str],
) -> None:
    axis.axvline(1, color=BLACK, linestyle=(0, (4, 2)), linewidth=1, zorder=1)
    networks = list(dict.fromkeys(zip(table["criterion"], table["seed"], strict=True)))
    for _, row in table.iterrows():
        style, whole = styles[row["criterion"]], row["part"] == WHOLE
        turn = networks.index((row["criterion"], row["seed"]))
        # networks lie side by side within the row of their part
        height = parts.index(row["part"]) + 0.6 * ((turn + 0.5) / len(networks) - 0.5)
        ends = [row[f"speed_up_over_macs_ratio_interval_{end}"] for end in ("low", "high")]
        axis.hlines(height, *ends, color=style["color"], linewidth=1)
        axis.plot(
            [row["speed_up_over_macs_ratio"]],
            [height],
            color=style["color"],
            marker=style["marker"],
            markerfacecolor=style["color"] if whole else "white",
            markersize=4,
            linestyle="none",
        )
    axis.set_yticks(range(len(parts)), ["whole network", *parts[1:]])
    axis.set_ylim(len(parts) - 0.5, -0.5)
    axis.set_xlim(*_around([*everywhere["speed_up_over_macs_ratio"], 0.9, 1.1]))
    axis.grid(axis="x", color=PALE, linewidth=0.5)
    axis.set_xlabel("Speed-up over MACs ratio")


def _around(values: list[float]) -> tuple[float, float]:
    """Ends of an axis around all values, with room for intervals, and not below 0."""
    room = 0.3 * (max(values) - min(values))
    return max(0.0, min(values) - room), max(values) + room


@styled
def ledger(table: pd.DataFrame) -> Figure:
    """What each criterion's network cost in energy, what an image saves, and the break-even.

    ``table`` as made by :func:`layer_pruning.report.cost.ledger_table`. Left: stacked costs, means
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
    costs.set_yticks(range(len(names)), labels)
    costs.set_ylim(len(names) - 0.5, -0.5)
    keys = [Patch(color=COST_COLOURS[cost], label=COST_LABELS[cost]) for cost in COSTS]
    figure.legend(handles=keys, loc="outside lower center", ncols=4)
    figure.suptitle(
        f"{title}: energy spent, saved and earned back; blocks removed in brackets",
        x=0.01,
        ha="left",
        fontsize=10,
    )
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
            axis.barh(row, joules / size, left=left, color=COST_COLOURS[cost], height=0.6)
            left += joules / size
        if missing:
            _note(axis, left, row, f"{', '.join(missing)}: {NOT_MEASURED}")
    axis.set_xlim(left=0)
    axis.grid(axis="x", color=PALE, linewidth=0.5)
    bases = {base for cost in COSTS for base in table[f"{cost}_basis"]} - {NOT_MEASURED}
    axis.set_xlabel(f"Energy spent ({unit}; {', '.join(sorted(bases)) or NOT_MEASURED})")
    axis.set_title(f"costs, 1 {unit} = {size / JOULES_PER_KWH:.2g} kWh")


def _savings(axis: Axes, table: pd.DataFrame, names: list[str], styles: dict[str, Any]) -> None:
    axis.axvline(0, color=BLACK, linestyle=(0, (4, 2)), linewidth=1)
    for row, name in enumerate(names):
        if not _with_intervals(axis, row, table, name, "saving_joules_per_image", styles):
            _note(axis, 0, row, NOT_MEASURED)
    axis.grid(axis="x", color=PALE, linewidth=0.5)
    # values of a small network need many digits: few ticks, and a common power of ten
    axis.locator_params(axis="x", nbins=4)
    axis.ticklabel_format(axis="x", style="sci", scilimits=(-2, 3))
    axis.set_xlabel(f"J an image ({', '.join(sorted(set(table['saving_basis'])))})")
    axis.set_title("an image saves")


def _break_even(axis: Axes, table: pd.DataFrame, names: list[str], styles: dict[str, Any]) -> None:
    known = table["break_even_images"].dropna()
    if (known > 0).any():
        axis.set_xscale("log")
        axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.xaxis.set_major_formatter(EngFormatter())
        axis.xaxis.set_minor_formatter(NullFormatter())
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
    axis.grid(axis="x", color=PALE, linewidth=0.5)
    axis.set_xlabel("Images")
    axis.set_title("until scoring and fine-tuning are earned")


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
    heights = row + 0.5 * ((np.arange(len(group)) + 0.5) / max(1, len(group)) - 0.5)
    style = styles[name]
    axis.hlines(
        heights,
        group[f"{key}_interval_low"],
        group[f"{key}_interval_high"],
        color=style["color"],
        linewidth=1.2,
    )
    axis.plot(
        group[key], heights, color=style["color"], marker=style["marker"], linestyle="none",
        markersize=4.5,
    )  # fmt: skip
    return len(group) > 0


def _note(axis: Axes, x: float, row: int, text: str) -> None:
    axis.annotate(
        text, (x, row), (4, 0), textcoords="offset points", va="center", color=GREY,
        style="italic", fontsize=8,
    )  # fmt: skip
