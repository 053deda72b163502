"""Which networks of a table a figure is about, and what they are called there."""

import pandas as pd

from layer_pruning.report.records import BASELINE


def only_pair(frame: pd.DataFrame) -> str:
    """Dataset and architecture of a table that holds only one of each.

    Raises ValueError for a table of several.
    """
    names = frame[["dataset", "architecture"]].drop_duplicates()
    if len(names) != 1:
        raise ValueError(f"{len(names)} pairs of dataset and architecture, expected 1 a figure")
    return ", ".join(names.iloc[0])


def criteria_of(frame: pd.DataFrame) -> list[str]:
    """Names of the criteria, sorted, the baseline left out."""
    return sorted(set(frame["criterion"]) - {BASELINE})


def deepest(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows of the most pruned networks of each criterion and seed."""
    most = frame.groupby(["criterion", "seed"])["removed"].transform("max")
    return frame[frame["removed"] == most]


def named(criterion: str, rows: pd.DataFrame) -> str:
    """A criterion with the number of blocks removed in these rows."""
    if criterion == BASELINE:
        return criterion
    return f"{criterion} (−{span(rows['removed'].min(), rows['removed'].max())})"


def span(low: float, high: float) -> str:
    """``3`` or ``3–5``."""
    return f"{low:g}" if low == high else f"{low:g}–{high:g}"
