"""Time against multiply-accumulates."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from layer_pruning.report.figures.marks import beside_each_other, row_axis, with_interval
from layer_pruning.report.figures.networks import only_pair
from layer_pruning.report.figures.style import (
    BLACK,
    DASHED,
    GREY,
    PALE,
    criterion_styles,
    headline,
    sentence,
    styled,
)
from layer_pruning.report.findings.cost import WHOLE


@styled
def latency_figure(table: pd.DataFrame) -> Figure:
    """Time against multiply-accumulates above, the quotient of the two below; a column a batch.

    ``table`` as made by ``cost.latency_table``. Filled points are pruned
    networks, hollow ones the baseline without the blocks removed from one stage alone. On the
    diagonal, time falls as multiply-accumulates do; there the quotient is 1.
    """
    if table.empty:
        return sentence("No latency was measured.")
    title, styles = only_pair(table), criterion_styles(table["criterion"])
    batches = sorted(set(table["batch_size"]))
    modes = list(dict.fromkeys(table["mode"]))
    parts = [WHOLE, *sorted(set(table["part"]) - {WHOLE})]
    wide = 2.0 + 2.3 * len(batches)
    figure = Figure(
        figsize=(wide, 0.9 + len(modes) * (2.6 + 0.35 * len(parts))),
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
    keys.append(Line2D([], [], color=BLACK, marker="o", label="baseline", **dot))
    keys.append(Line2D([], [], color=BLACK, linestyle=DASHED, label="time falls as MACs do"))
    figure.legend(handles=keys, loc="outside lower center", ncols=min(int(wide / 1.5), len(keys)))
    devices = ", ".join(sorted(set(table["device"])))
    headline(figure, f"{title}: time against MACs, {devices}, 95 % intervals")
    return figure


def _time_against_macs(
    axis: Axes, table: pd.DataFrame, everywhere: pd.DataFrame, styles: dict[str, Any]
) -> None:
    """One batch size; ``everywhere`` is all of a mode, so that its panels share their limits."""
    ends = [max(0.0, min(everywhere["macs_percent"].min(), 90.0) - 8), 105.0]
    axis.plot(ends, ends, color=BLACK, linestyle=DASHED, linewidth=1, zorder=1)
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
    axis.axvline(1, color=BLACK, linestyle=DASHED, linewidth=1, zorder=1)
    networks = sorted(set(zip(table["criterion"], table["seed"], strict=True)))
    for _, row in table.iterrows():
        style, whole = styles[row["criterion"]], row["part"] == WHOLE
        turn = networks.index((row["criterion"], row["seed"]))
        # networks lie side by side within the row of their part
        height = beside_each_other(parts.index(row["part"]), len(networks), 0.6)[turn]
        ends = [row[f"speed_up_over_macs_ratio_interval_{end}"] for end in ("low", "high")]
        filled = style["color"] if whole else "white"
        quotient, look = row["speed_up_over_macs_ratio"], {"markerfacecolor": filled}
        with_interval(axis, [height], [quotient], (ends[0], ends[1]), style, markersize=4, **look)
    row_axis(axis, ["whole network", *parts[1:]])
    axis.set_xlim(*_around([*everywhere["speed_up_over_macs_ratio"], 0.9, 1.1]))
    axis.set_xlabel("Speed-up over MACs ratio")


def _around(values: list[float]) -> tuple[float, float]:
    """Ends of an axis around all values, with room for intervals, and not below 0."""
    room = 0.3 * (max(values) - min(values))
    return max(0.0, min(values) - room), max(values) + room
