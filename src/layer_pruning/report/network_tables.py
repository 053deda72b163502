"""Tables with a row a network: their order, and how they are written and read."""

from pathlib import Path

import pandas as pd

from layer_pruning.atomic import written_whole
from layer_pruning.report.cost import LEDGER_TEXT
from layer_pruning.report.records import BASELINE, KEYS

TEXT = [
    "dataset",
    "architecture",
    "criterion",
    "made_by",
    "beside",
    "removed_blocks",
    "blocks",
    "training_energy_basis",
    "inference_energy_basis",
    *LEDGER_TEXT,
    "corruption_source",
    "notes",
]


def in_order(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows by dataset, architecture, seed, criterion (the baseline first) and removals."""
    keys = [key for key in KEYS if key in frame]
    later = frame.assign(_later=frame["criterion"] != BASELINE)
    keys.insert(keys.index("criterion"), "_later")
    return later.sort_values(keys, kind="stable", ignore_index=True).drop(columns="_later")


def write_csv(frame: pd.DataFrame, path: str | Path) -> None:
    """Write a table whole, with all digits; NaN is an empty cell."""
    with written_whole(path) as temporary:
        frame.to_csv(temporary, index=False)


def read_csv(path: str | Path) -> pd.DataFrame:
    """Read back what :func:`write_csv` wrote; empty text stays text."""
    header = pd.read_csv(path, nrows=0).columns
    return pd.read_csv(
        path,
        dtype={name: str for name in TEXT if name in header},
        keep_default_na=False,
        na_values={name: [""] for name in header if name not in TEXT},
    )
