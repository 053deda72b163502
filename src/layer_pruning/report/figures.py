"""The figures of the report: each function takes tables and returns a matplotlib Figure.

One figure is about one dataset and architecture. Colours are Okabe and Ito's, which colour-blind
readers can tell apart; markers and line styles differ too, so that a grey print reads as well.
The baseline is black and always drawn. Figures are built without pyplot, which costs half a
second to import and keeps a global list of figures.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec

import numpy as np
import pandas as pd
from matplotlib import colormaps, rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator, NullLocator
from matplotlib.transforms import ScaledTranslation

from layer_pruning.atomic import written_whole
from layer_pruning.report.records import BASELINE, NOT_MEASURED
from layer_pruning.report.robustness import epsilon_labels
from layer_pruning.report.selection import pruned
from layer_pruning.report.significance import Mean

BLACK, GREY, PALE = "#000000", "#7f7f7f", "#d9d9d9"
# Okabe and Ito without black (the baseline) and yellow (too pale for a line on white).
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"]
MARKERS = ["o", "s", "^", "D", "v", "P", "X", "<", ">", "p", "h", "*"]
LINES: list[Any] = ["-", (0, (5, 1.5)), (0, (1.2, 1.2)), (0, (6, 1.5, 1.2, 1.5)), (0, (3, 3))]
SEQUENCE = "cividis"  # even in lightness, for colour-blind readers and for grey

STYLE: dict[Any, Any] = {
    "font.size": 9,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.labelsize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "lines.linewidth": 1.5,
    "lines.markersize": 5,
    "savefig.dpi": 150,
    "svg.hashsalt": "layer-pruning",  # the same figure gives the same bytes
}
FEW = 4  # curves that one panel can hold; beyond, every criterion gets a panel

Arguments = ParamSpec("Arguments")


def styled(draw: Callable[Arguments, Figure]) -> Callable[Arguments, Figure]:
    """A function that draws a figure, in the report's style."""

    @wraps(draw)
    def drawn(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Figure:
        with rc_context(STYLE):
            return draw(*args, **kwargs)

    return drawn


def save(figure: Figure, path: str | Path) -> None:
    """Write a figure whole; the suffix (.svg, .png, .pdf) chooses the format."""
    undated = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
    with rc_context(STYLE), written_whole(path) as temporary:
        figure.savefig(temporary, metadata=undated.get(Path(path).suffix, {}))


def criterion_styles(criteria: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Colour, marker and line style by criterion; the same names give the same styles."""
    hollow = {"color": BLACK, "marker": "o", "linestyle": "-", "markerfacecolor": "white"}
    styles: dict[str, dict[str, Any]] = {BASELINE: hollow}
    for place, name in enumerate(sorted(set(criteria) - {BASELINE})):
        styles[name] = {
            "color": COLOURS[place % len(COLOURS)],
            "marker": MARKERS[place % len(MARKERS)],
            "linestyle": LINES[place % len(LINES)],
        }
    return styles


@styled
def accuracy(summary: pd.DataFrame) -> Figure:
    """Test accuracy against the reduction in multiply-accumulates, one curve a criterion.

    ``summary`` as made by :func:`layer_pruning.report.summary.summarise`. Curves are means over
    seeds, bars one standard deviation up and down, faint points single seeds. The baseline is a
    horizontal line at its mean with its 95 % interval: over seeds, or Wilson's for a single seed.
    Networks trained from new weights are points: no line leads to them from the baseline.
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
    dense = max((len(curve) for curve in curves.values()), default=0) > 12
    for axis, names in zip(axes, panels, strict=False):
        _baseline_band(axis, summary)
        for other in sorted(set(criteria) - set(names)):
            axis.plot(*_curve(curves[other]), color=PALE, linewidth=0.8, zorder=1)
        for place, name in enumerate(names):
            style, curve = styles[name], curves[name]
            # Drawn beside each other, by points of paper: the data stay where they are.
            beside = 5 * (place - (len(names) - 1) / 2)
            shift = axis.transData + ScaledTranslation(beside / 72, 0, figure.dpi_scale_trans)
            points = summary[summary["criterion"] == name]
            axis.plot(
                points["macs_reduction_percent"],
                100 * points["accuracy_test"],
                transform=shift,
                **_faint(style, 2.5 if dense else 3.5),
            )
            spread = curve[curve.index > 0].dropna(subset=["sd"])
            axis.vlines(
                spread["macs"],
                100 * (spread["mean"] - spread["sd"]),
                100 * (spread["mean"] + spread["sd"]),
                color=style["color"],
                linewidth=1,
                transform=shift,
            )
            smaller: dict[str, Any] = {"markersize": 3.5} if dense else {}
            axis.plot(*_curve(curve), **(style | smaller), label=name, transform=shift)
            # Shifted artists do not count when the limits are found.
            ends = [spread["mean"] - spread["sd"], spread["mean"] + spread["sd"]]
            heights = [points["accuracy_test"], curve["mean"], *ends]
            across_macs = [points["macs_reduction_percent"], curve["macs"], *[spread["macs"]] * 2]
            axis.update_datalim(
                np.column_stack([np.concatenate(across_macs), 100 * np.concatenate(heights)])
            )
        axis.autoscale_view()
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
    else:
        handles, _ = axes[0].get_legend_handles_labels()
        others = Line2D([], [], color=PALE, label="the other criteria")
        figure.legend(handles=[handles[0], others], loc="outside upper right", ncols=2, fontsize=8)
    figure.supxlabel("MACs removed (% of the baseline)", fontsize=9)
    figure.supylabel("Test accuracy (%)", fontsize=9)
    seeds = summary["seed"].nunique()
    about = "one seed, no spread" if seeds == 1 else f"mean ± standard deviation, {seeds} seeds"
    figure.suptitle(f"{title}: accuracy, {about}", x=0.01, ha="left", fontsize=10)
    return figure


@styled
def removals(summary: pd.DataFrame) -> Figure:
    """Which block went at which step: rows are blocks, columns criteria and seeds.

    Rows follow the network from input to output; the number in a cell is the step at which the
    block was removed in the deepest network of that criterion and seed. Empty cells are kept.
    Networks trained from new weights have no such order and no column.
    """
    title = only_pair(summary)
    baseline = summary[summary["criterion"] == BASELINE]
    if baseline.empty:
        raise ValueError("no baseline in the summary: its blocks give the rows of the map")
    blocks = baseline.iloc[0]["blocks"].split()
    deepest = pruned(summary).sort_values("removed")
    deepest = deepest.groupby(["criterion", "seed"]).tail(1).sort_values(["criterion", "seed"])
    steps = np.full((len(blocks), len(deepest)), np.nan)
    for column, names in enumerate(deepest["removed_blocks"]):
        for step, block in enumerate(names.split(), start=1):
            steps[blocks.index(block), column] = step
    last = int(deepest["removed"].max())
    cell = 0.27
    figure = Figure(
        figsize=(max(4.2, 1.9 + cell * len(deepest)), 1.9 + cell * len(blocks)),
        layout="constrained",
    )
    axis = figure.subplots()
    palette = colormaps[SEQUENCE].with_extremes(bad="#f4f4f4")
    image = axis.imshow(
        np.ma.masked_invalid(steps), cmap=palette, vmin=1, vmax=max(2, last), aspect="auto"
    )
    for (row, column), step in np.ndenumerate(steps):
        if not np.isnan(step):
            _cell_text(axis, image, row, column, step, f"{step:.0f}")
    axis.set_yticks(range(len(blocks)), blocks)
    axis.set_xticks(range(len(deepest)), [str(seed) for seed in deepest["seed"]])
    _cell_borders(axis, *steps.shape)
    stages = [block.split(".")[0] for block in blocks]
    for row in range(1, len(blocks)):
        if stages[row] != stages[row - 1]:
            axis.axhline(row - 0.5, color=BLACK, linewidth=1)
    start = 0
    widths = deepest.groupby("criterion", sort=True).size()
    flat = all(13 * cell * width >= len(str(name)) for name, width in widths.items())
    for name, group in deepest.groupby("criterion", sort=True):
        if start:
            axis.axvline(start - 0.5, color=BLACK, linewidth=1)
        axis.annotate(
            str(name),
            (start + len(group) / 2 - 0.5, 1),
            (0, 4),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            rotation=0 if flat else 45,
            ha="center" if flat else "left",
            va="bottom",
            fontsize=8,
        )
        start += len(group)
    axis.set_xlabel("Seed")
    axis.set_ylabel("Block, from input to output")
    figure.suptitle(f"{title}: step at which a block was removed", x=0.01, ha="left", fontsize=10)
    return figure


@styled
def ranks(
    tables: Mapping[int, pd.DataFrame],
    title: str = "",
    gone: Mapping[int, Sequence[str]] | None = None,
) -> Figure:
    """Rank of every block under every metric of one criterion and seed, a panel a step.

    ``tables`` maps the step (1 = the first removal) to its ``ranking/{criterion}.csv``. The colour
    is the rank among the blocks still there, from 0 (rank 1, first to go) to 1 (last). The blocks
    removed are framed: those in ``gone`` of that step, which counts from the first of them, or the
    one that the table names. Blocks that are gone are grey.
    """
    if not tables:
        raise ValueError("no ranking tables: give at least one step")
    steps = sorted(tables)
    blocks = list(tables[steps[0]]["block"])
    columns = map(str, tables[steps[0]].columns)
    metrics = [name.removesuffix("_rank") for name in columns if name.endswith("_rank")]
    across = min(len(steps), 6 if len(steps) <= 12 else 8)
    down = math.ceil(len(steps) / across)
    few = len(steps) <= 3
    cell = 0.3 if few else 0.17
    panel = (max(0.9, cell * len(metrics)), (0.22 if few else 0.14) * len(blocks))
    figure = Figure(
        figsize=(
            max(3.6, 2.3 + across * (panel[0] + 0.12)),
            1.6 + down * (panel[1] + 0.3),
        ),
        layout="constrained",
    )
    axes = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False).ravel()
    palette = colormaps[SEQUENCE].with_extremes(bad=PALE)
    for axis, step in zip(axes, steps, strict=False):
        table = tables[step].set_index("block").reindex(blocks)
        grid = table[[f"{metric}_rank" for metric in metrics]].to_numpy(dtype=float)
        candidates = int(np.sum(~np.isnan(grid).all(axis=1)))
        image = axis.imshow(
            np.ma.masked_invalid((grid - 1) / max(1, candidates - 1)),
            cmap=palette,
            vmin=0,
            vmax=1,
            aspect="auto",
        )
        if few:
            for (row, column), rank in np.ndenumerate(grid):
                if not np.isnan(rank):
                    place = (rank - 1) / max(1, candidates - 1)
                    _cell_text(axis, image, row, column, place, f"{rank:g}", size=6.5)
        removed = table["removed"].map(_is_true, na_action="ignore").eq(True).to_numpy()
        if gone is not None:
            removed = np.isin(blocks, list(gone[step]))
        tied = table["tied"].map(_is_true, na_action="ignore").eq(True).to_numpy()
        for row in np.flatnonzero(removed):
            frame = Rectangle(
                (-0.5, row - 0.5), len(metrics), 1, fill=False, edgecolor="#D55E00", linewidth=1.8
            )
            frame.set_clip_on(False)
            axis.add_patch(frame)
        last = step + int(removed.sum()) - 1
        name = f"step {step}" if last <= step else f"steps {step}–{last}"
        axis.set_title(name + (" (tie)" if (removed & tied).any() else ""), fontsize=8)
        axis.set_xticks(range(len(metrics)), metrics, rotation=90, fontsize=7)
        axis.set_yticks(range(len(blocks)), blocks, fontsize=7 if not few else 8)
        axis.tick_params(length=0)
    for axis in axes[len(steps) :]:
        axis.set_visible(False)
    for place, axis in enumerate(axes[: len(steps)]):
        axis.tick_params(labelbottom=place + across >= len(steps))
    bar = figure.colorbar(image, ax=list(axes[: len(steps)]), shrink=min(1.0, 3 / down / panel[1]))
    bar.set_ticks([0, 0.5, 1], labels=["first to go", "middle", "last to go"])
    lines = [f"{title}: ranks" if title else "Ranks", "framed: removed"]
    figure.suptitle("\n".join(lines), x=0.01, ha="left", fontsize=10)
    return figure


@styled
def agreement(rankings: Sequence[Mapping[str, Any]]) -> Figure:
    """How far the metrics agree, and how sure the choice of the block is.

    ``rankings`` as read by :func:`layer_pruning.report.records.read_rankings`. Left: Kendall's tau
    between every two metrics, averaged over all rankings that have both. Right: by step, Kendall's
    W of the criteria with several metrics, and the share of bootstrap resamples of the probe set
    that remove the same block. Without rankings the figure says so.
    """
    if not rankings:
        return sentence("No criterion has several metrics: there is nothing that could agree.")
    title = only_pair(pd.DataFrame(rankings))
    metrics, tau, counts = mean_tau(rankings)
    styles = criterion_styles(record["criterion"] for record in rankings)
    side = max(2.6, 0.42 * len(metrics))
    figure = Figure(figsize=(side + 7.6, side + 2.4), layout="constrained")
    left, right = np.ravel(
        figure.subfigures(1, 2, width_ratios=[side + 2.6, 5.0], wspace=0.04, squeeze=False)
    )
    axis = left.subplots()
    smallest = float(np.nanmin(tau))
    image = axis.imshow(
        np.ma.masked_invalid(tau),
        cmap=colormaps[SEQUENCE].with_extremes(bad=PALE),
        vmin=min(0.0, smallest),
        vmax=1,
        aspect="auto",
    )
    for (row, column), value in np.ndenumerate(tau):
        if not np.isnan(value):
            _cell_text(axis, image, row, column, value, f"{value:.2f}", size=7)
    axis.set_xticks(range(len(metrics)), metrics, rotation=90)
    axis.set_yticks(range(len(metrics)), metrics)
    _cell_borders(axis, *tau.shape)
    pairs = counts[~np.eye(len(metrics), dtype=bool)]
    pairs = pairs[pairs > 0]
    over = "" if pairs.size == 0 else f", mean of {_span(pairs.min(), pairs.max())} rankings"
    axis.set_title(f"Kendall's tau (1 = the same order){over}")
    left.colorbar(image, ax=axis, shrink=0.6)

    frame = pd.DataFrame(
        {
            "criterion": record["criterion"],
            "step": record["step"],
            "several": len(record["kendall_tau"]["metrics"]) > 1,
            "w": _float(record["kendall_w"]),
            "probability": _float((record["bootstrap"] or {}).get("removed_probability")),
        }
        for record in rankings
    )
    several = frame[frame["several"]]
    top, bottom = right.subplots(2, 1)
    _by_step(top, several, "w", styles, "no criterion with several metrics")
    top.set_title("Kendall's W (1 = all metrics agree)")
    _by_step(bottom, frame, "probability", styles, "no bootstrap was run")
    bottom.set_title("Bootstrap: share that removes the same block")
    bottom.set_xlabel("Step of removal")
    handles = {h.get_label(): h for a in (top, bottom) for h in a.get_legend_handles_labels()[0]}
    if handles:
        right.legend(
            handles=[handles[name] for name in sorted(handles)],
            loc="outside lower center",
            ncols=FEW,
        )
    figure.suptitle(f"{title}: agreement of the metrics", x=0.01, ha="left", fontsize=10)
    return figure


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


@styled
def robustness(frame: pd.DataFrame) -> Figure:
    """Robust accuracy against epsilon, a row an attack: the baseline and the deepest networks.

    ``frame`` as made by :func:`layer_pruning.report.robustness.robust_accuracy`. Epsilon 0 is the
    clean accuracy on the same images. Left the accuracy, right the same minus that of the seed's
    baseline. Curves are means over seeds, faint points single seeds; the bars of the baseline
    are its 95 % interval: over seeds, or Wilson's for a single seed. Without attacks the figure
    says so.
    """
    if frame.empty:
        return sentence("No network was attacked.")
    title = only_pair(frame)
    criteria = criteria_of(frame)
    styles = criterion_styles(criteria)
    deepest = frame.groupby(["criterion", "seed"])["removed"].transform("max")
    frame = frame[frame["removed"] == deepest]
    same = ["seed", "attack", "norm", "epsilon"]
    before = frame[frame["criterion"] == BASELINE].set_index(same)["robust_accuracy"]
    if before.empty:
        raise ValueError("no attacked baseline: it is part of every figure")
    index = pd.MultiIndex.from_frame(frame[same])
    change = frame["robust_accuracy"] - before.reindex(index).to_numpy()
    frame = frame.assign(change=change)
    attacks = list(frame.groupby(["attack", "norm"], sort=True))
    figure = Figure(figsize=(9.8, 0.8 + 2.9 * len(attacks)), layout="constrained")
    rows = figure.subplots(len(attacks), 2, squeeze=False)
    handles: dict[str, Line2D] = {}
    for (left, right), (key, group) in zip(rows, attacks, strict=True):
        attack, norm = map(str, key)
        for name in [*criteria, BASELINE]:
            points = group[group["criterion"] == name]
            if points.empty:
                continue
            style = styles[name] | {"zorder": 4 if name == BASELINE else 3}
            for axis, column in ((left, "robust_accuracy"), (right, "change")):
                if points["seed"].nunique() > 1 and not (name == BASELINE and axis is right):
                    axis.plot(points["epsilon"], 100 * points[column], **_faint(style))
                means = points.groupby("epsilon")[column].mean()
                (line,) = axis.plot(
                    means.index, 100 * means.to_numpy(), **style, label=named(name, points)
                )
                handles.setdefault(name, line)
            if name == BASELINE:
                _baseline_bars(left, points)
        norm = {"linf": "L∞", "l2": "L2", "l1": "L1"}.get(norm, norm)
        for axis in (left, right):
            _epsilon_axis(axis, sorted(group["epsilon"].unique()), norm)
            axis.set_title(" ".join(filter(None, [attack, norm])))
            axis.grid(axis="y", color=PALE, linewidth=0.5)
        left.set_ylim(bottom=0)
        left.set_ylabel("Robust accuracy (%)")
        right.set_ylabel("Minus the baseline (points)")
    figure.legend(
        handles=[handles[name] for name in [BASELINE, *criteria] if name in handles],
        loc="outside right center",
        title="(blocks removed)",
        title_fontsize=8,
    )
    figure.suptitle(
        f"{title}: accuracy under attack, on the same images", x=0.01, ha="left", fontsize=10
    )
    return figure


@styled
def energy(summary: pd.DataFrame) -> Figure:
    """Energy to make the deepest network of each criterion, and to run it.

    ``summary`` as made by :func:`layer_pruning.report.summary.summarise`. Left: kWh of the
    baseline's training and of all fine-tunings on the way, stacked. Right: joules per image
    of inference beside the baseline measured in the same session. Bars are means over seeds, points
    single seeds. Without a measurement there is no bar but a word. A network trained from new
    weights has its own training on the left and no fine-tuning.
    """
    title = only_pair(summary)
    criteria = criteria_of(summary)
    styles = criterion_styles(criteria)
    deepest = summary.groupby(["criterion", "seed"])["removed"].transform("max")
    last = summary[summary["removed"] == deepest]
    names = [BASELINE, *criteria]
    figure = Figure(figsize=(9.4, 1.7 + 0.32 * len(names)), layout="constrained")
    making, running = figure.subplots(1, 2, sharey=True)
    labels = []
    for row, name in enumerate(names):
        group = last[last["criterion"] == name]
        labels.append(named(name, group))
        colour = styles[name]["color"]
        training = group["training_energy_kwh"].mean(skipna=False)
        tuning = group["finetuning_energy_kwh"].mean(skipna=False)
        if math.isnan(training + tuning):
            _missing(making, row)
        else:
            making.barh(row, training, color="#595959", height=0.65)
            making.barh(
                row,
                tuning,
                left=training,
                color=colour,
                hatch="///",
                edgecolor="white",
                height=0.65,
            )
            seed_points(making, row, group["training_energy_kwh"] + group["finetuning_energy_kwh"])
        joules = group["inference_joules_per_image"]
        if name == BASELINE and joules.isna().all():
            joules = last["baseline_inference_joules_per_image"].dropna()
        if joules.empty or joules.isna().any():
            _missing(running, row)
        else:
            running.barh(
                row, joules.mean(), color="#595959" if name == BASELINE else colour, height=0.65
            )
            seed_points(running, row, joules)
    reference = last["baseline_inference_joules_per_image"].dropna()
    if len(reference):
        running.axvline(reference.mean(), color=BLACK, linestyle=(0, (4, 2)), linewidth=1)
    for axis, what, column in (
        (making, "Energy of making it (kWh", "training_energy_basis"),
        (running, "Energy of inference (J per image", "inference_energy_basis"),
    ):
        bases = sorted(set(last[column]) - {"", NOT_MEASURED})
        axis.set_xlabel(f"{what}{'; ' if bases else ''}{', '.join(bases)})")
        axis.set_xlim(left=0)
        axis.grid(axis="x", color=PALE, linewidth=0.5)
        axis.xaxis.set_major_locator(MaxNLocator(5))
    making.set_yticks(range(len(names)), labels)
    making.invert_yaxis()
    alone = sorted(set(summary["criterion"]) - {BASELINE} - set(pruned(summary)["criterion"]))
    whose = f" ({', '.join(alone)}: itself)" if alone else ""
    keys = [
        Patch(color="#595959", label=f"training the baseline{whose}"),
        Patch(facecolor=GREY, hatch="///", edgecolor="white", label="fine-tuning, all steps"),
        Line2D(
            [], [], color=BLACK, linestyle=(0, (4, 2)), linewidth=1, label="baseline, inference"
        ),
        Line2D([], [], color=BLACK, marker="o", markersize=3, linestyle="none", label="one seed"),
    ]
    figure.legend(handles=keys, loc="outside lower center", ncols=4)
    figure.suptitle(f"{title}: energy; blocks removed in brackets", x=0.01, ha="left", fontsize=10)
    return figure


def sentence(text: str) -> Figure:
    """A figure in place of one that has no data."""
    figure = Figure(figsize=(6, 1))
    figure.text(0.5, 0.5, text, ha="center", va="center")
    return figure


def _epsilon_axis(axis: Axes, epsilons: Sequence[float], norm: str) -> None:
    """Ticks at the epsilons; a square-root scale where they would crowd near 0."""
    positive = [epsilon for epsilon in epsilons if epsilon > 0]
    wide = bool(positive) and positive[-1] / positive[0] > 10
    if wide:
        axis.set_xscale(
            "function",
            functions=(lambda x: np.sign(x) * np.sqrt(np.abs(x)), lambda x: np.sign(x) * x**2),
        )
    axis.xaxis.set_major_locator(FixedLocator(list(epsilons)))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.xaxis.set_major_formatter(FixedFormatter(epsilon_labels(epsilons)))
    if len(epsilons) > 4:
        axis.tick_params(axis="x", labelrotation=60)
    what = f"{norm} distance" if norm else "severity"
    axis.set_xlabel(f"Epsilon ({what}{', square-root scale' if wide else ''})")


def named(criterion: str, rows: pd.DataFrame) -> str:
    """A criterion with the number of blocks removed in these rows."""
    if criterion == BASELINE:
        return criterion
    return f"{criterion} (−{_span(rows['removed'].min(), rows['removed'].max())})"


def only_pair(frame: pd.DataFrame) -> str:
    """Dataset and architecture of a table that holds only one of each."""
    names = frame[["dataset", "architecture"]].drop_duplicates()
    if len(names) != 1:
        raise ValueError(f"{len(names)} pairs of dataset and architecture, expected 1 a figure")
    return ", ".join(names.iloc[0])


def criteria_of(frame: pd.DataFrame) -> list[str]:
    """Names of the criteria, sorted, the baseline left out."""
    return sorted(set(frame["criterion"]) - {BASELINE})


def _over_seeds(summary: pd.DataFrame, criterion: str) -> pd.DataFrame:
    """macs, mean and sd by number of removals, starting at the baseline of the same seeds.

    A criterion that trains from new weights does not start there.
    """
    own = summary[summary["criterion"] == criterion]
    start = summary[(summary["criterion"] == BASELINE) & summary["seed"].isin(own["seed"])]
    parts = [own] if pruned(own).empty else [start, own]
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


def _interval(values: Mean, wilson: tuple[float, float]) -> tuple[float, float]:
    if math.isnan(values.low):
        return wilson if values.values == 1 else (values.mean, values.mean)
    return values.low, values.high


def _baseline_band(axis: Axes, summary: pd.DataFrame) -> None:
    baseline = summary[summary["criterion"] == BASELINE]
    if baseline.empty:
        raise ValueError("no baseline in the summary: it is part of every figure")
    values = Mean.of(baseline["accuracy_test"])
    first = baseline.iloc[0]
    ends = (first["accuracy_test_interval_low"], first["accuracy_test_interval_high"])
    low, high = _interval(values, ends)
    axis.axhspan(100 * low, 100 * high, color=BLACK, alpha=0.08, linewidth=0)
    axis.axhline(100 * values.mean, color=BLACK, linewidth=1.2, label="baseline, 95 % interval")


def _baseline_bars(axis: Axes, points: pd.DataFrame) -> None:
    for epsilon in points["epsilon"].unique().tolist():
        group = points[points["epsilon"] == epsilon]
        values, first = Mean.of(group["robust_accuracy"]), group.iloc[0]
        low, high = _interval(values, (first["interval_low"], first["interval_high"]))
        axis.vlines(epsilon, 100 * max(0.0, low), 100 * min(1.0, high), color=BLACK, linewidth=1)


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
        image = axis.imshow(
            np.ma.masked_invalid(means.reindex(columns=steps).to_numpy()),
            cmap=colormaps[SEQUENCE].with_extremes(bad=PALE),
            vmin=0,
            vmax=1,
            aspect="auto",
            extent=(steps[0] - 0.5, steps[-1] + 0.5, len(means) - 0.5, -0.5),
        )
        axis.set_yticks(range(len(means)), list(means.index))
        axis.figure.colorbar(image, ax=axis, shrink=0.9)
    else:
        for name, row in means.iterrows():
            points, style = frame[frame["criterion"] == name], styles[str(name)]
            axis.plot(points["step"], points[column], **_faint(style))
            row = row.dropna()
            axis.plot(row.index, row.to_numpy(), **style, label=name)
        axis.set_ylim(-0.03, 1.05)
        axis.grid(axis="y", color=PALE, linewidth=0.5)
    axis.xaxis.set_major_locator(MaxNLocator(8, integer=True))


def _faint(style: Mapping[str, Any], size: float = 3.5) -> dict[str, Any]:
    """How single seeds are drawn."""
    return {
        "color": style["color"],
        "marker": style["marker"],
        "linestyle": "none",
        "alpha": 0.35,
        "markersize": size,
        "markeredgewidth": 0,
    }


def _cell_text(
    axis: Axes, image: Any, row: int, column: int, value: float, text: str, size: float = 7
) -> None:
    red, green, blue, _ = image.cmap(image.norm(value))
    dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.55
    axis.text(
        column, row, text, ha="center", va="center", fontsize=size, color="white" if dark else BLACK
    )


def _cell_borders(axis: Axes, rows: int, columns: int) -> None:
    axis.set_xticks(np.arange(columns + 1) - 0.5, minor=True)
    axis.set_yticks(np.arange(rows + 1) - 0.5, minor=True)
    axis.grid(which="minor", color="white", linewidth=0.8)
    axis.tick_params(which="both", length=0)
    axis.spines[:].set_visible(False)


def seed_points(axis: Axes, row: float, values: pd.Series) -> None:
    """Single seeds, on a bar."""
    axis.plot(values, [row] * len(values), "o", color=BLACK, markersize=3, markeredgewidth=0)


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


def _span(low: float, high: float) -> str:
    return f"{low:g}" if low == high else f"{low:g}–{high:g}"


def _float(value: Any) -> float:
    return math.nan if value is None else float(value)


def _is_true(value: Any) -> bool:
    return str(value).lower() == "true"
