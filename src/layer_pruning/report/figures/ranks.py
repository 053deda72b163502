"""The ranks behind every decision of one criterion and seed."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke

from layer_pruning.report.figures.marks import heat_map
from layer_pruning.report.figures.style import headline, styled


@styled
def ranks_figure(
    tables: Mapping[int, pd.DataFrame],
    title: str = "",
    gone: Mapping[int, Sequence[str]] | None = None,
) -> Figure:
    """Rank of every block under every metric of one criterion and seed, a panel a step.

    ``tables`` maps the step (1 = the first removal) to its ``ranking/{criterion}.csv``. The colour
    is the rank among the blocks still there, from 0 (rank 1, first to go) to 1 (last). The blocks
    removed are framed: those in ``gone`` of that step, which counts from the first of them, or the
    one that the table names. Blocks that are gone are grey.

    Raises ValueError without tables.
    """
    if not tables:
        raise ValueError("no ranking tables: give at least one step")
    steps = sorted(tables)
    blocks = list(tables[steps[0]]["block"])
    columns = map(str, tables[steps[0]].columns)
    metrics = [name.removesuffix("_rank") for name in columns if name.endswith("_rank")]
    down, across = _grid(len(steps))
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
    for axis, step in zip(axes, steps, strict=False):
        table = tables[step].set_index("block").reindex(blocks)
        image = _ranks_of_step(axis, table, metrics, numbered=few)
        _frame_removed(axis, table, step, len(metrics), None if gone is None else gone[step])
        axis.set_xticks(range(len(metrics)), metrics, rotation=90, fontsize=7)
        axis.set_yticks(range(len(blocks)), blocks, fontsize=7 if not few else 8)
        axis.tick_params(length=0)
    for axis in axes[len(steps) :]:
        axis.set_visible(False)
    for place, axis in enumerate(axes[: len(steps)]):
        axis.tick_params(labelbottom=place >= (down - 1) * across)
    bar = figure.colorbar(image, ax=list(axes[: len(steps)]), shrink=min(1.0, 3 / down / panel[1]))
    bar.set_ticks([0, 0.5, 1], labels=["first to go", "middle", "last to go"])
    headline(figure, f"{title}: ranks" if title else "Ranks", "framed: removed")
    return figure


def _grid(panels: int) -> tuple[int, int]:
    """Rows and columns for so many panels, with as few empty places as can be."""
    if panels <= 6:
        return 1, panels
    widths = range(4, 7) if panels <= 12 else range(5, 9)
    across = min(widths, key=lambda width: (-panels % width, -width))
    return math.ceil(panels / across), across


def _ranks_of_step(axis: Axes, table: pd.DataFrame, metrics: Sequence[str], numbered: bool) -> Any:
    """The heat map of one step; ``table`` has a row for every block, NaN where it is gone."""
    grid = table[[f"{metric}_rank" for metric in metrics]].to_numpy(dtype=float)
    candidates = int(np.sum(~np.isnan(grid).all(axis=1)))
    shares = (grid - 1) / max(1, candidates - 1)
    text = (lambda row, column: f"{grid[row, column]:g}") if numbered else None
    return heat_map(axis, shares, text=text, size=6.5, vmin=0, vmax=1)


def _frame_removed(
    axis: Axes, table: pd.DataFrame, step: int, width: int, gone: Sequence[str] | None
) -> None:
    """Frames around the blocks that a step removed, and its title."""
    removed = table["removed"].map(_is_true, na_action="ignore").eq(True).to_numpy()
    if gone is not None:
        removed = np.isin(list(table.index), list(gone))
    tied = table["tied"].map(_is_true, na_action="ignore").eq(True).to_numpy()
    for row in np.flatnonzero(removed):
        frame = Rectangle(
            (-0.5, row - 0.5), width, 1, fill=False, edgecolor="#D55E00", linewidth=1.8
        )
        frame.set_clip_on(False)
        # orange on the middle of the colours would not be seen in grey
        frame.set_path_effects([withStroke(linewidth=3.6, foreground="white")])
        axis.add_patch(frame)
    last = step + int(removed.sum()) - 1
    name = f"step {step}" if last <= step else f"steps {step}–{last}"
    axis.set_title(name + (" (tie)" if (removed & tied).any() else ""), fontsize=8)


def _is_true(value: Any) -> bool:
    return str(value).lower() == "true"
