"""Marks that several figures use."""

import math
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from layer_pruning.report.figures.style import BLACK, GREY
from layer_pruning.report.significance import Mean


def seed_points(axis: Axes, row: float, values: pd.Series) -> None:
    """Single seeds, on a bar."""
    axis.plot(values, [row] * len(values), "o", color=BLACK, markersize=3, markeredgewidth=0)


def word(axis: Axes, x: float, row: float, text: str, gap: float = 4) -> None:
    """A word in place of a bar, or after its end at ``x``, ``gap`` points away."""
    axis.annotate(
        text, (x, row), (gap, 0), textcoords="offset points", va="center", color=GREY,
        style="italic", fontsize=8,
    )  # fmt: skip


def baseline_interval(values: Mean, wilson: tuple[float, float]) -> tuple[float, float]:
    """Ends of a baseline's 95 % interval: over seeds, or Wilson's for a single seed."""
    if math.isnan(values.low):
        return wilson if values.values == 1 else (values.mean, values.mean)
    return values.low, values.high


def cell_text(
    axis: Axes, image: Any, row: int, column: int, value: float, text: str, size: float = 7
) -> None:
    """Text on a cell of a heat map, black or white, whichever reads on its colour."""
    red, green, blue, _ = image.cmap(image.norm(value))
    dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.55
    axis.text(
        column, row, text, ha="center", va="center", fontsize=size, color="white" if dark else BLACK
    )


def cell_borders(axis: Axes, rows: int, columns: int) -> None:
    """White lines between the cells of a heat map."""
    axis.set_xticks(np.arange(columns + 1) - 0.5, minor=True)
    axis.set_yticks(np.arange(rows + 1) - 0.5, minor=True)
    axis.grid(which="minor", color="white", linewidth=0.8)
    axis.tick_params(which="both", length=0)
    axis.spines[:].set_visible(False)
