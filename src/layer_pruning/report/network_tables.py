"""Tables with a row a network: their order, and how they are written and read."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from layer_pruning.consensus.ranking import read_ranking
from layer_pruning.report.columns import TEXT
from layer_pruning.report.records import BASELINE, KEYS
from layer_pruning.runtime.record_files import read_table, write_table


def in_order(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows by dataset, architecture, seed, criterion (the baseline first) and removals."""
    keys = [key for key in KEYS if key in frame]
    later = frame.assign(_later=frame["criterion"] != BASELINE)
    keys.insert(keys.index("criterion"), "_later")
    return later.sort_values(keys, kind="stable", ignore_index=True).drop(columns="_later")


def write_csv(frame: pd.DataFrame, path: str | Path) -> None:
    """Write a table whole, with all digits and a column of checksums; NaN is an empty cell."""
    header, *rows = csv.reader(io.StringIO(frame.to_csv(index=False), newline=""))
    write_table(path, header, rows)


def read_csv(path: str | Path) -> pd.DataFrame:
    """Read back what :func:`write_csv` wrote, less the checksums; empty text stays text.

    Raises ValueError in one line for a table that is damaged.
    """
    header, rows = read_table(path, signed=True)
    return _parsed(
        header,
        rows,
        dtype={name: str for name in TEXT if name in header},
        keep_default_na=False,
        na_values={name: [""] for name in header if name not in TEXT},
    )


def ranking_table(path: str | Path) -> pd.DataFrame:
    """A ranking as a table, once it was read as one: what is damaged raises ValueError."""
    read_ranking(path)
    return _parsed(*read_table(path))


def _parsed(header: Sequence[str], rows: Sequence[Sequence[str]], **options: Any) -> pd.DataFrame:
    """The cells of a table as what they are; ``options`` are of ``pandas.read_csv``."""
    file = io.StringIO(newline="")
    csv.writer(file, lineterminator="\n").writerows([header, *rows])
    file.seek(0)
    frame = pd.read_csv(file, **options)
    for place, name in enumerate(header):
        if pd.api.types.is_float_dtype(frame[name]):
            # before version 3.1 pandas may miss the last binary digit
            frame[name] = [float(row[place] or "nan") for row in rows]
    return frame
