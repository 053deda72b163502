"""The main table as text: Markdown for a README, LaTeX for a paper."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from layer_pruning.report.columns import heading, written
from layer_pruning.report.records import BASELINE
from layer_pruning.report.selection import equally_trained
from layer_pruning.report.statistics.over_seeds import aggregate
from layer_pruning.report.wording import with_interval
from layer_pruning.runtime.atomic import written_whole

SAVED = ("macs_reduction_percent", "parameters_reduction_percent")
MEASURED = ("speed_up_ratio", "energy_reduction_percent")
"""There if any network was measured."""
LATEX = str.maketrans(
    {character: f"\\{character}" for character in "%_&#${}"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    | {"±": r"$\pm$", "−": "$-$"}
)
ABOUT = (
    "test accuracy: mean over seeds ± sample standard deviation; change: against the baseline of "
    "the same seed, with 95 % intervals that hold at once for all criteria with as many removals"
)


def markdown(summary: pd.DataFrame) -> str:
    """A table for each data set and architecture: every criterion after every removal.

    Accuracy is the mean over seeds ± their sample standard deviation, the change is against the
    same seed's baseline with its 95 % interval. Speed-up and saved energy of inference are means
    over seeds, empty where they were not measured.
    """
    parts = []
    for title, headings, rows in _tables(summary):
        lines = [f"**{title}**", "", _line(headings), _line(["---"] * len(headings))]
        parts.append("\n".join([*lines, *map(_line, rows)]))
    return "\n\n".join(parts) + "\n"


def latex(summary: pd.DataFrame) -> str:
    r"""The tables of :func:`markdown`, each a tabular for ``\\usepackage{booktabs}``."""
    parts = [r"% needs \usepackage{booktabs}" + f"\n% {ABOUT}"]
    for title, headings, rows in _tables(summary):
        body = [r"\begin{tabular}{l" + "r" * (len(headings) - 1) + "}", r"\toprule"]
        # headings in two rows: a column is as wide as its widest cell
        above, below = zip(*(heading.partition(" ")[::2] for heading in headings), strict=True)
        body += [_latex_row(above), _latex_row(below), r"\midrule", *map(_latex_row, rows)]
        parts.append("\n".join([f"% {title}", *body, r"\bottomrule", r"\end{tabular}"]))
    return "\n\n".join(parts) + "\n"


def write_text(text: str, path: str | Path) -> None:
    """Write a table whole."""
    with written_whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _tables(summary: pd.DataFrame) -> Iterator[tuple[str, list[str], list[list[str]]]]:
    """The title, the headings and the cells of every table."""
    for (dataset, network), rows in aggregate(summary).groupby(["dataset", "architecture"]):
        measured = [name for name in MEASURED if rows[name].notna().any()]
        headings = ["criterion", "blocks removed", "seeds", *map(_heading, SAVED)]
        headings += ["test accuracy, %", "change, points", *map(_heading, measured)]
        ways = equally_trained(summary)
        cells = [_cells(row, measured, ways.get(row["criterion"])) for _, row in rows.iterrows()]
        yield f"{network} on {dataset}", headings, cells


def _heading(name: str) -> str:
    return heading(name).replace(" (%)", ", %")


def _cells(row: pd.Series, measured: Sequence[str], way: str | None) -> list[str]:
    is_baseline = row["criterion"] == BASELINE
    accuracy = f"{100 * row['accuracy_mean']:.2f}"
    if not math.isnan(row["accuracy_sd"]):
        accuracy += f" ± {100 * row['accuracy_sd']:.2f}"
    removed = "0" if is_baseline else str(row["removed"])
    if way == "continued":
        removed = f"0, beside {removed}"
    return [
        row["criterion"],
        removed,
        str(row["seeds"]),
        *("" if is_baseline else written(name, row[name]) for name in SAVED),
        accuracy,
        with_interval(row),
        *("" if math.isnan(row[n]) else written(n, row[n]).replace("-", "−") for n in measured),
    ]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _latex_row(cells: Sequence[str]) -> str:
    return " & ".join(cell.translate(LATEX) for cell in cells) + r" \\"
