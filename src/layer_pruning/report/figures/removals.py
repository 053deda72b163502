"""A map of the network: which block went at which step."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from layer_pruning.report.figures.marks import cell_borders, heat_map
from layer_pruning.report.figures.networks import deepest, only_pair
from layer_pruning.report.figures.style import BLACK, headline, styled
from layer_pruning.report.records import BASELINE

CELL = 0.27  # inches


@styled
def removals_figure(summary: pd.DataFrame) -> Figure:
    """Which block went at which step: rows are blocks, columns criteria and seeds.

    Rows follow the network from input to output; the number in a cell is the step at which the
    block was removed in the deepest network of that criterion and seed. Empty cells are kept.
    Networks beside the paths have no order of their own and no column.

    Raises ValueError without a baseline.
    """
    title = only_pair(summary)
    baseline = summary[summary["criterion"] == BASELINE]
    if baseline.empty:
        raise ValueError("no baseline in the summary: its blocks give the rows of the map")
    blocks = baseline.iloc[0]["blocks"].split()
    columns = deepest(summary[summary["made_by"] == "pruned"]).sort_values(["criterion", "seed"])
    steps = _steps(columns, blocks)
    last = int(columns["removed"].max())
    figure = Figure(
        figsize=(max(4.2, 1.9 + CELL * len(columns)), 1.9 + CELL * len(blocks)),
        layout="constrained",
    )
    axis = figure.subplots()
    heat_map(
        axis,
        steps,
        blocks,
        text=lambda row, column: f"{steps[row, column]:.0f}",
        absent="#f4f4f4",
        vmin=1,
        vmax=max(2, last),
    )
    axis.set_xticks(range(len(columns)), [str(seed) for seed in columns["seed"]])
    cell_borders(axis, *steps.shape)
    stages = [block.split(".")[0] for block in blocks]
    for row in range(1, len(blocks)):
        if stages[row] != stages[row - 1]:
            axis.axhline(row - 0.5, color=BLACK, linewidth=1)
    _criteria(axis, columns)
    axis.set_xlabel("Seed")
    axis.set_ylabel("Block, from input to output")
    headline(figure, f"{title}: step at which a block was removed")
    return figure


def _steps(columns: pd.DataFrame, blocks: list[str]) -> np.ndarray:
    """The step of each block (rows) in each network (columns); NaN where it was kept."""
    steps = np.full((len(blocks), len(columns)), np.nan)
    for column, names in enumerate(columns["removed_blocks"]):
        for step, block in enumerate(names.split(), start=1):
            steps[blocks.index(block), column] = step
    return steps


def _criteria(axis: Axes, columns: pd.DataFrame) -> None:
    """Names of the criteria above their columns, slanted where they would not fit."""
    start = 0
    widths = columns.groupby("criterion", sort=True).size()
    flat = all(13 * CELL * width >= len(str(name)) for name, width in widths.items())
    for name, width in widths.items():
        if start:
            axis.axvline(start - 0.5, color=BLACK, linewidth=1)
        axis.annotate(
            str(name),
            (start + width / 2 - 0.5, 1),
            (0, 4),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            rotation=0 if flat else 45,
            ha="center" if flat else "left",
            va="bottom",
            fontsize=8,
        )
        start += width
