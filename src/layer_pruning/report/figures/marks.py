"""Marks that several figures use."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from numpy.typing import ArrayLike

from layer_pruning.report.figures.style import BLACK, GREY, PALE, SEQUENCE
from layer_pruning.report.statistics.significance import Mean


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


def row_axis(axis: Axes, labels: Sequence[str]) -> None:
    """A row for each label, the first on top."""
    axis.set_yticks(range(len(labels)), labels)
    axis.set_ylim(len(labels) - 0.5, -0.5)
    axis.grid(axis="x", color=PALE, linewidth=0.5)


def beside_each_other(row: float, count: int, height: float = 0.5) -> np.ndarray:
    """Heights (count,) of several marks within a row."""
    heights: np.ndarray = row + height * ((np.arange(count) + 0.5) / max(1, count) - 0.5)
    return heights


def with_interval(
    axis: Axes,
    heights: ArrayLike,
    values: ArrayLike,
    ends: tuple[ArrayLike, ArrayLike],
    style: Mapping[str, Any],
    **changes: Any,
) -> None:
    """Marks in the style of a criterion at some heights, each with its interval as a line."""
    axis.hlines(heights, *ends, color=style["color"], linewidth=1.2)
    look = {"color": style["color"], "marker": style["marker"], "markersize": 4.5} | changes
    axis.plot(values, heights, linestyle="none", **look)


def heat_map(
    axis: Axes,
    values: np.ndarray,
    rows: Sequence[str] = (),
    columns: Sequence[str] = (),
    text: Callable[[int, int], str] | None = None,
    size: float = 7,
    absent: str = PALE,
    **options: Any,
) -> AxesImage:
    """Values (rows, columns) as colours; what is NaN is ``absent``.

    ``text`` gives what is written on the cell of a row and a column, and ``options`` are those of
    ``imshow``.
    """
    image = axis.imshow(
        np.ma.masked_invalid(values),
        cmap=colormaps[SEQUENCE].with_extremes(bad=absent),
        aspect="auto",
        **options,
    )
    for (row, column), value in np.ndenumerate(values):
        if text is not None and not np.isnan(value):
            cell_text(axis, image, row, column, value, text(row, column), size)
    if len(rows):
        axis.set_yticks(range(len(rows)), rows)
    if len(columns):
        axis.set_xticks(range(len(columns)), columns, rotation=90)
    return image


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
