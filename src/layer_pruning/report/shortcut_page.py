"""What is known of shortcut learning, as a page of tables."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

from layer_pruning.report.shortcut import compared, outcomes
from layer_pruning.report.tables import page, table


def shortcut_page(paths: Sequence[str | Path]) -> str:
    """A page about one data set and architecture: comparisons with the baseline, all networks.

    ``paths`` are files ``{network}/shortcut.json``.
    """
    frame = outcomes(paths)
    title = f"{frame.iloc[0]['dataset']}, {frame.iloc[0]['architecture']}: shortcut learning"
    parts = [f"<h1>{escape(title)}</h1>"]
    sections = {
        "Beside the baseline, all seeds": compared(paths, pooled=True),
        "Beside the baseline, seed by seed": compared(paths, pooled=False),
        "Every network": frame.drop(columns=["dataset", "architecture"]),
    }
    for heading, rows in sections.items():
        parts += [f"<h2>{escape(heading)}</h2>", table(rows.dropna(axis=1, how="all"))]
    return page(title, "\n".join(parts))
