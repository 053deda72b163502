"""The main table as text: Markdown for a README, LaTeX for a paper."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from layer_pruning.atomic import written_whole
from layer_pruning.report.over_seeds import aggregate
from layer_pruning.report.records import BASELINE

HEADINGS = (
    "criterion",
    "blocks removed",
    "seeds",
    "MACs saved, %",
    "parameters saved, %",
    "test accuracy, %",
    "change, points",
)
LATEX = str.maketrans({"%": r"\%", "_": r"\_", "&": r"\&", "±": r"$\pm$", "−": "$-$"})


def markdown(summary: pd.DataFrame) -> str:
    """A table for each data set and architecture: every criterion after every removal.

    Accuracy is the mean over seeds ± their sample standard deviation, the change is against the
    same seed's baseline with its 95 % t-interval.
    """
    parts = []
    for title, rows in _tables(summary):
        lines = [f"**{title}**", "", _line(HEADINGS), _line(["---"] * len(HEADINGS))]
        parts.append("\n".join([*lines, *map(_line, rows)]))
    return "\n\n".join(parts) + "\n"


def latex(summary: pd.DataFrame) -> str:
    """The tables of :func:`markdown`, for the LaTeX package booktabs."""
    parts = []
    for title, rows in _tables(summary):
        body = [r"\begin{tabular}{l" + "r" * (len(HEADINGS) - 1) + "}", r"\toprule"]
        body += [_latex_row(HEADINGS), r"\midrule", *map(_latex_row, rows)]
        parts.append("\n".join([f"% {title}", *body, r"\bottomrule", r"\end{tabular}"]))
    return "\n\n".join(parts) + "\n"


def write_text(text: str, path: str | Path) -> None:
    """Write a table whole."""
    with written_whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _tables(summary: pd.DataFrame) -> Iterator[tuple[str, list[list[str]]]]:
    """The title and the cells of every table."""
    for (dataset, name), rows in aggregate(summary).groupby(["dataset", "architecture"]):
        yield f"{name} on {dataset}", [_cells(row) for _, row in rows.iterrows()]


def _cells(row: pd.Series) -> list[str]:
    is_baseline = row["criterion"] == BASELINE
    accuracy = f"{100 * row['accuracy_mean']:.2f}"
    if not math.isnan(row["accuracy_sd"]):
        accuracy += f" ± {100 * row['accuracy_sd']:.2f}"
    return [
        row["criterion"],
        "0" if is_baseline else str(row["removed"]),
        str(row["seeds"]),
        "" if is_baseline else f"{row['macs_reduction_percent']:.2f}",
        "" if is_baseline else f"{row['parameters_reduction_percent']:.2f}",
        accuracy,
        "" if is_baseline else _change(row),
    ]


def _change(row: pd.Series) -> str:
    points = [row[f"difference_{name}"] for name in ("mean", "interval_low", "interval_high")]
    mean, low, high = (f"{100 * value:+.2f}".replace("-", "−") for value in points)
    return mean if math.isnan(points[1]) else f"{mean} [{low}, {high}]"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _latex_row(cells: Sequence[str]) -> str:
    return " & ".join(cell.translate(LATEX) for cell in cells) + r" \\"
