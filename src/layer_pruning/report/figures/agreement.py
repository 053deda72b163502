"""How far the metrics agree."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import MaxNLocator

from layer_pruning.intervals import wilson_interval
from layer_pruning.report.figures.marks import cell_borders, heat_map
from layer_pruning.report.figures.networks import only_pair, span
from layer_pruning.report.figures.style import (
    FEW,
    GREY,
    PALE,
    criterion_styles,
    faint,
    headline,
    sentence,
    styled,
)
from layer_pruning.report.wording import range_text


@styled
def agreement_figure(
    rankings: Sequence[Mapping[str, Any]], starts: Sequence[Mapping[str, Any]] = ()
) -> Figure:
    """How far the metrics agree, and how sure the choice of the block is.

    ``rankings`` as read by :func:`layer_pruning.report.records.read_rankings`. Left: Kendall's tau
    between every two metrics, averaged over all rankings that have both. Right: by step, Kendall's
    W of the criteria with several metrics, and the share of bootstrap resamples of the probe set
    that remove the same block, with Wilson's 95 % interval of the resamples of all seeds. At the
    bottom what other starts of the stochastic metrics would have said of the baselines, from
    ``stochastic_starts.json``. Without rankings the figure says so.
    """
    if not rankings:
        return sentence("No criterion has several metrics: there is nothing that could agree.")
    title = only_pair(pd.DataFrame(rankings))
    metrics, tau, counts = _with_company(*mean_tau(rankings))
    styles = criterion_styles(record["criterion"] for record in rankings)
    side = max(2.6, 0.42 * len(metrics))
    tall = side + 2.4 + 0.15 * len({name for record in starts for name in record})
    figure = Figure(figsize=(side + 7.6, tall), layout="constrained")
    left, right = np.ravel(
        figure.subfigures(1, 2, width_ratios=[side + 2.6, 5.0], wspace=0.04, squeeze=False)
    )
    _between_metrics(left, metrics, tau, counts)

    frame = pd.DataFrame(
        {
            "criterion": record["criterion"],
            "step": record["step"],
            "several": len(record["kendall_tau"]["metrics"]) > 1,
            "w": _float(record["kendall_w"]),
            "probability": _float((record["bootstrap"] or {}).get("removed_probability")),
            "resamples": (record["bootstrap"] or {}).get("resamples", 0),
        }
        for record in rankings
    )
    several = frame[frame["several"]]
    top, bottom = right.subplots(2, 1)
    _by_step(top, several, "w", styles, "no criterion with several metrics")
    top.set_title("Kendall's W (1 = all metrics agree)")
    _by_step(bottom, frame, "probability", styles, "no bootstrap was run")
    few = len(frame["criterion"].unique()) <= FEW
    if few:
        _resampling_error(bottom, frame.dropna(subset=["probability"]), styles)
    resamples = frame["resamples"].max()
    told = f"\n({resamples} resamples{'; bars 95 %' if few else ''})" if resamples else ""
    bottom.set_title(f"Bootstrap: share that removes the same block{told}")
    bottom.set_xlabel("Step of removal")
    handles = {h.get_label(): h for a in (top, bottom) for h in a.get_legend_handles_labels()[0]}
    if handles:
        right.legend(
            handles=[handles[name] for name in sorted(handles)],
            loc="outside lower center",
            ncols=FEW,
        )
    if starts:
        figure.supxlabel(starts_text(starts), fontsize=8, color=GREY)
    headline(figure, f"{title}: agreement of the metrics")
    return figure


def starts_text(starts: Sequence[Mapping[str, Any]]) -> str:
    """What other starts of the search would have changed, a line a metric."""
    told = []
    for metric in sorted({name for record in starts for name in record}):
        own = [record[metric] for record in starts if metric in record]
        spread = max(record["spread_percent"] for record in own)
        other = sum(len(set(record["removed_blocks"].values())) > 1 for record in own)
        told.append(
            f"{metric}: from other starts up to {range_text([spread], '.2g')} % more or less, and "
            f"another first block in {other} of {len(own)} baselines"
        )
    return "\n".join(told)


def _resampling_error(axis: Axes, frame: pd.DataFrame, styles: Mapping[str, Any]) -> None:
    """Wilson's interval of the share at each step: a few resamples say little."""
    for (name, step), group in frame.groupby(["criterion", "step"]):
        count = int(group["resamples"].sum())
        if count == 0:
            continue
        same = round(float((group["probability"] * group["resamples"]).sum()))
        low, high = wilson_interval(same, count)
        axis.vlines(
            int(str(step)), low, high, color=styles[str(name)]["color"], linewidth=0.8, alpha=0.6
        )


def mean_tau(
    rankings: Iterable[Mapping[str, Any]],
) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Metrics (m), mean Kendall's tau (m, m) and the number of rankings behind each entry.

    Pairs that no ranking holds together are NaN.
    """
    matrices = [(r["kendall_tau"]["metrics"], r["kendall_tau"]["matrix"]) for r in rankings]
    metrics = list(dict.fromkeys(name for names, _ in matrices for name in names))
    total = np.zeros((len(metrics), len(metrics)))
    counts = np.zeros_like(total, dtype=int)
    for names, matrix in matrices:
        where = np.ix_(*[[metrics.index(name) for name in names]] * 2)
        values = np.array([[_float(value) for value in row] for row in matrix])
        total[where] += np.nan_to_num(values)
        counts[where] += ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return metrics, np.where(counts > 0, total / np.maximum(counts, 1), np.nan), counts


def _with_company(
    metrics: list[str], tau: np.ndarray, counts: np.ndarray
) -> tuple[list[str], np.ndarray, np.ndarray]:
    """The same without metrics that no other was ever compared with, unless that is all of them."""
    with_others = (counts > 0).sum(axis=1) > 1
    if not with_others.any():
        return metrics, tau, counts
    (kept,) = np.nonzero(with_others)
    where = np.ix_(kept, kept)
    return [metrics[place] for place in kept], tau[where], counts[where]


def _between_metrics(
    panel: SubFigure, metrics: Sequence[str], tau: np.ndarray, counts: np.ndarray
) -> None:
    """The heat map of Kendall's tau, with its values."""
    axis = panel.subplots()
    smallest = float(np.nanmin(tau))
    image = heat_map(
        axis,
        tau,
        metrics,
        metrics,
        lambda row, column: f"{tau[row, column]:.2f}",
        vmin=min(0.0, smallest),
        vmax=1,
    )
    cell_borders(axis, *tau.shape)
    pairs = counts[~np.eye(len(metrics), dtype=bool)]
    pairs = pairs[pairs > 0]
    over = "" if pairs.size == 0 else f", mean of {span(pairs.min(), pairs.max())} rankings"
    axis.set_title(f"Kendall's tau (1 = the same order){over}")
    panel.colorbar(image, ax=axis, shrink=0.6)


def _by_step(
    axis: Axes, frame: pd.DataFrame, column: str, styles: Mapping[str, Any], empty: str
) -> None:
    """Curves over the steps for a few criteria, a heat map of the means for many."""
    frame = frame.dropna(subset=[column])
    means = frame.pivot_table(index="criterion", columns="step", values=column, aggfunc="mean")
    if frame.empty:
        axis.text(0.5, 0.5, empty, transform=axis.transAxes, ha="center", color=GREY)
        axis.set_axis_off()
        return
    if len(means) > FEW:
        steps = range(int(means.columns.min()), int(means.columns.max()) + 1)
        image = heat_map(
            axis,
            means.reindex(columns=steps).to_numpy(),
            list(means.index),
            vmin=0,
            vmax=1,
            extent=(steps[0] - 0.5, steps[-1] + 0.5, len(means) - 0.5, -0.5),
        )
        axis.figure.colorbar(image, ax=axis, shrink=0.9)
    else:
        for name, row in means.iterrows():
            points, style = frame[frame["criterion"] == name], styles[str(name)]
            axis.plot(points["step"], points[column], **faint(style))
            row = row.dropna()
            axis.plot(row.index, row.to_numpy(), **style, label=name)
        axis.set_ylim(-0.03, 1.05)
        axis.grid(axis="y", color=PALE, linewidth=0.5)
    axis.xaxis.set_major_locator(MaxNLocator(8, integer=True))


def _float(value: Any) -> float:
    return math.nan if value is None else float(value)
