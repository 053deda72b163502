"""What is known of shortcut learning, as a page of tables."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

from layer_pruning.report.html_page import page
from layer_pruning.report.html_table import table
from layer_pruning.report.shortcut import compared_shortcuts, outcomes
from layer_pruning.report.sources import titles_of_one


def shortcut_page(paths: Sequence[str | Path]) -> str:
    """A page about one data set and architecture: comparisons with the baseline, all networks.

    ``paths`` are files ``{network}/shortcut.json``.
    """
    frame = outcomes(paths)
    title = f"{frame.iloc[0]['dataset']}, {frame.iloc[0]['architecture']}: shortcut learning"
    parts = [f"<h1>{escape(title)}</h1>"]
    sections = {
        "Beside the baseline, all seeds": compared_shortcuts(paths),
        "Beside the baseline, seed by seed": compared_shortcuts(paths, pooled=False),
        "Every network": frame.drop(columns=["dataset", "architecture"]),
    }
    for heading, rows in sections.items():
        known = rows.dropna(axis=1, how="all")
        sources = titles_of_one(known, "shortcut.json")
        parts += [f"<h2>{escape(heading)}</h2>", table(known, titles=sources)]
    return page(title, "\n".join(parts))
