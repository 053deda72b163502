"""What others have published: how much they removed, and what that did to accuracy."""

from pathlib import Path

import pandas as pd

COLUMNS = [
    "dataset",
    "network",
    "method",
    "kind",
    "macs_reduction_percent",
    "accuracy_change_points",
    "reading",
    "protocol",
    "source",
]
NUMBERS = ["macs_reduction_percent", "accuracy_change_points"]
KINDS = ("layers", "filters", "both")
"""What a method removes."""
READINGS = ("table", "chart")
"""Whether a number was printed, or read off a chart by eye."""


def published_points(path: str | Path, dataset: str, network: str) -> pd.DataFrame:
    """The rows of a table of published points that are about one data set and network.

    ``path`` is a CSV with the columns :data:`COLUMNS`: reductions in percent of the unpruned
    network's multiply-accumulates, changes in percentage points of the test accuracy, a kind of
    :data:`KINDS` and a reading of :data:`READINGS`. Rows are ordered by method and reduction.

    Raises ValueError, naming the file and the line, for anything else.
    """
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    if list(table.columns) != COLUMNS:
        raise ValueError(f"{path}: the columns should be {', '.join(COLUMNS)}")
    for column, allowed in (("kind", KINDS), ("reading", READINGS)):
        for place in table.index[~table[column].isin(allowed)]:
            found, known = table.loc[place, column], ", ".join(allowed)
            raise ValueError(f"{path}, line {place + 2}: {column} '{found}' is none of {known}")
    for column in NUMBERS:
        numbers = pd.to_numeric(table[column], errors="coerce")
        for place in table.index[numbers.isna()]:
            found = table.loc[place, column]
            raise ValueError(f"{path}, line {place + 2}: {column} '{found}' is no number")
        table[column] = numbers
    for column in ("method", "source"):
        for place in table.index[table[column] == ""]:
            raise ValueError(f"{path}, line {place + 2}: a point without a {column}")
    ours = table[(table["dataset"] == dataset) & (table["network"] == network)]
    return ours.sort_values(["method", *NUMBERS], ignore_index=True)
