"""What accuracy costs: the Pareto fronts in multiply-accumulates, time and energy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from layer_pruning.report.figures.networks import criteria_of, only_pair
from layer_pruning.report.figures.style import (
    BLACK,
    GREY,
    PALE,
    criterion_styles,
    faint,
    headline,
    styled,
)
from layer_pruning.report.findings.cost import WHOLE
from layer_pruning.report.records import BASELINE, NOT_MEASURED
from layer_pruning.report.selection import pruned
from layer_pruning.report.statistics.over_seeds import difference_to_baseline

NETWORK = ["seed", "criterion", "removed"]
FRONT: dict[str, Any] = {"color": GREY, "alpha": 0.35, "linewidth": 4, "solid_capstyle": "butt"}
DARK = "#404040"
CHANGE = "Test accuracy minus the baseline's (points)"
PUBLISHED_MARKERS = {"layers": "s", "filters": "^", "both": "D"}


@dataclass(frozen=True)
class Saving:
    """One panel: what is saved, in percent of the baseline's, by network."""

    title: str
    label: str
    percent: pd.Series
    """One number for each row of the summary, NaN where nothing was measured."""


@styled
def pareto_figure(
    summary: pd.DataFrame,
    latencies: pd.DataFrame,
    published: pd.DataFrame | None = None,
    same_images: bool = True,
) -> Figure:
    """Change of test accuracy against multiply-accumulates, time and energy of inference saved.

    ``summary`` as made by :func:`layer_pruning.report.summary.summarise`, ``latencies`` by
    ``cost.latency_table``, of which the first mode and the largest batch
    count. Changes are against the baseline of the same seed, which is at (0, 0). Points are means
    over seeds, bars one standard deviation, faint points single seeds. The broad grey line joins
    the means that no other surpasses in both. Networks without a measurement are left out, and the
    axis says how many.

    ``published`` as read by :func:`layer_pruning.report.published.published_points`: points beside
    ours in the first panel, hollow unless they are about the ``same_images``.

    Raises ValueError without a baseline.
    """
    title = only_pair(summary)
    summary = summary.assign(change=100 * difference_to_baseline(summary))
    published = pd.DataFrame() if published is None else published
    styles = criterion_styles(summary["criterion"])
    if published.empty:
        figure = Figure(figsize=(10.4, 4.3), layout="constrained")
        panels = list(figure.subplots(1, 3, sharey=True))
    else:
        figure = Figure(figsize=(8.6, 8.4), layout="constrained")
        panels = list(figure.subplot_mosaic("AA;BC", height_ratios=[1.3, 1]).values())
        panels[2].sharey(panels[1])
        panels[1].set_ylabel(CHANGE)
    panels[0].set_ylabel(CHANGE)
    for axis, saving in zip(panels, _savings(summary, latencies), strict=True):
        _panel(axis, summary.assign(saved=saving.percent), saving, styles)
    if not published.empty:
        _published(panels[0], published, same_images)
    keys = _keys(summary, styles)
    figure.legend(handles=keys, loc="outside lower center", ncols=min(6, len(keys)))
    seeds = summary["seed"].nunique()
    about = "one seed, no spread" if seeds == 1 else f"mean ± standard deviation, {seeds} seeds"
    headline(figure, f"{title}: what accuracy costs, {about}")
    return figure


def on_front(saved: np.ndarray, change: np.ndarray) -> np.ndarray:
    """Which of n points no other surpasses in one coordinate without falling behind in the other.

    ``saved`` and ``change`` are (n,), larger is better; the answer is (n,), True on the front.
    """
    no_worse = (saved >= saved[:, None]) & (change >= change[:, None])
    better = (saved > saved[:, None]) | (change > change[:, None])
    return ~np.any(no_worse & better, axis=1)


def _savings(summary: pd.DataFrame, latencies: pd.DataFrame) -> list[Saving]:
    """The three panels: what is counted, and what was measured beside the baseline."""
    bases = sorted(set(summary["inference_energy_basis"]) - {"", NOT_MEASURED})
    note = f"; {', '.join(bases)}" if bases else ""
    macs, energy = summary["macs_reduction_percent"], summary["energy_reduction_percent"]
    return [
        Saving("Multiply-accumulates", "MACs removed (% of the baseline)", macs),
        _time(summary, latencies),
        Saving("Energy of inference", f"Energy saved (% of the baseline{note})", energy),
    ]


def _time(summary: pd.DataFrame, latencies: pd.DataFrame) -> Saving:
    """Time saved in the first mode, by the largest batch, as elsewhere in the report."""
    title = "Time of inference"
    if latencies.empty:
        label = "Time saved (% of the baseline)"
        return Saving(title, label, pd.Series(np.nan, index=summary.index))
    rows = latencies[latencies["part"] == WHOLE]
    rows = rows[rows["mode"] == rows["mode"].iloc[0]]
    batch = rows["batch_size"].max()
    rows = rows[rows["batch_size"] == batch].set_index(NETWORK)
    percent = rows["time_percent"].reindex(pd.MultiIndex.from_frame(summary[NETWORK])).to_numpy()
    device = ", ".join(sorted(set(rows["device"])))
    label = f"Time saved (% of the baseline; {device}, batch of {batch})"
    return Saving(title, label, pd.Series(100 - percent, index=summary.index))


def _panel(
    axis: Axes, rows: pd.DataFrame, saving: Saving, styles: Mapping[str, dict[str, Any]]
) -> None:
    """Own networks, the baseline and the front; ``rows`` have ``saved`` and ``change``."""
    networks = rows[rows["criterion"] != BASELINE]
    measured = networks.dropna(subset=["saved"])
    missing = len(networks) - len(measured)
    note = f"\n{missing} of {len(networks)} networks {NOT_MEASURED}, left out" if missing else ""
    axis.set_title(saving.title)
    axis.set_xlabel(saving.label + note)
    axis.grid(color=PALE, linewidth=0.5)
    axis.axhline(0, color=BLACK, linewidth=0.8, zorder=1)
    axis.plot([0], [0], **styles[BASELINE] | {"linestyle": "none", "zorder": 5})
    if measured.empty:
        return
    groups = measured.groupby(["criterion", "removed"])[["saved", "change"]]
    means, deviations = groups.mean(), groups.std()
    for name in criteria_of(measured):
        style, curve, spread = styles[name], means.loc[name], deviations.loc[name]
        seeds = measured[measured["criterion"] == name]
        if seeds["seed"].nunique() > 1:
            axis.plot(seeds["saved"], seeds["change"], **faint(style, 2.5))
        axis.errorbar(
            curve["saved"], curve["change"], spread["change"], spread["saved"],
            fmt="none", ecolor=style["color"], elinewidth=0.8,
        )  # fmt: skip
        # networks from new weights are no steps of one path
        line = {} if len(pruned(seeds)) else {"linestyle": "none"}
        axis.plot(
            curve["saved"], curve["change"], **style | {"markersize": 4, "linewidth": 0.9} | line
        )
    saved = np.append(means["saved"].to_numpy(), 0.0)
    change = np.append(means["change"].to_numpy(), 0.0)
    axis.plot(*_staircase(saved, change), **FRONT)


def _staircase(saved: np.ndarray, change: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The border of what is reached: level from the left, and down at each point of the front."""
    front = on_front(saved, change)
    order = np.argsort(saved[front], kind="stable")
    x, y = saved[front][order], change[front][order]
    return np.append(saved.min(), np.repeat(x, 2)), np.append(np.repeat(y, 2), change.min())


def _keys(summary: pd.DataFrame, styles: Mapping[str, dict[str, Any]]) -> list[Artist]:
    keys: list[Artist] = [
        Line2D([], [], **styles[BASELINE] | {"linestyle": "none"}, label="baseline"),
        Line2D([], [], **FRONT, label="Pareto front of the means"),
    ]
    for name in criteria_of(summary):
        own = pruned(summary[summary["criterion"] == name])
        line = {} if len(own) else {"linestyle": "none"}
        keys.append(Line2D([], [], **styles[name] | line, label=name))
    return keys


def _published(axis: Axes, points: pd.DataFrame, same_images: bool) -> None:
    """Points of others, numbered by method; a list of the numbers stands beside the panel."""
    numbers = {name: place for place, name in enumerate(dict.fromkeys(points["method"]), start=1)}
    look: dict[str, Any] = {"color": GREY, "linestyle": "none", "markersize": 4.5}
    look["markerfacecolor"] = "#bfbfbf" if same_images else "white"
    places = points[["macs_reduction_percent", "accuracy_change_points"]].to_numpy(dtype=float)
    for place, kind in zip(places, points["kind"], strict=True):
        axis.plot(*place, marker=PUBLISHED_MARKERS[kind], zorder=2, **look)
    about = {"table": "", "chart": "≈"}
    texts = [
        f"{about[reading]}{numbers[method]}"
        for reading, method in zip(points["reading"], points["method"], strict=True)
    ]
    _labels(axis, places, texts)
    kinds = [kind for kind in PUBLISHED_MARKERS if kind in set(points["kind"])]
    keys = [
        Line2D([], [], marker=PUBLISHED_MARKERS[kind], label=f"{kind} removed", **look)
        for kind in kinds
    ]
    keys += [
        Line2D(
            [], [], marker=f"${number}$", markersize=5 if number < 10 else 7.5, color=DARK,
            markeredgewidth=0.2, linestyle="none", label=name,
        )
        for name, number in numbers.items()
    ]  # fmt: skip
    lines = ["Published,", "other protocols", *([] if same_images else ["and other images"])]
    if "chart" in set(points["reading"]):
        lines.append("(≈ read off a chart)")
    axis.legend(
        handles=keys, loc="center left", bbox_to_anchor=(1.0, 0.5), title="\n".join(lines),
        title_fontsize=8, alignment="left",
    )  # fmt: skip


def _labels(axis: Axes, places: np.ndarray, texts: Sequence[str]) -> None:
    """Texts beside points (n, 2), each on the side where it covers least of the others."""
    (left, right), (low, high) = axis.get_xlim(), axis.get_ylim()
    # points of paper; that a panel is about so large is enough to find free sides
    ahead = (places - [left, low]) / [right - left, high - low] * [420, 230]
    taken = [(x, y, 6.0, 6.0) for x, y in ahead]
    for place, (x, y), text in zip(places, ahead, texts, strict=True):
        size = 4.2 * len(text), 6.0
        beside = 3.5 + size[0] / 2
        sides = [(dx * beside, dy) for dy in (3.6, -3.6, 7.8, -7.8) for dx in (1, -1)]
        boxes = [(x + dx, y + dy, *size) for dx, dy in sides]
        covered = [sum(_overlap(box, other) for other in taken) for box in boxes]
        best = int(np.argmin(covered))
        taken.append(boxes[best])
        axis.annotate(
            text, place, sides[best], textcoords="offset points", fontsize=6.5, color=DARK,
            ha="center", va="center",
        )  # fmt: skip


def _overlap(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    """The area that two boxes share, each given by its middle, width and height."""
    wide = (one[2] + other[2]) / 2 - abs(one[0] - other[0])
    tall = (one[3] + other[3]) / 2 - abs(one[1] - other[1])
    return max(0.0, wide) * max(0.0, tall)
