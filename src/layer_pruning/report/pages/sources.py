"""Which file every number of the report is from."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

from layer_pruning.report.columns import heading, source_of
from layer_pruning.report.records import BASELINE, KEYS


def folder_of(row: Mapping[str, object]) -> str:
    """The folder that the numbers of a row of the summary are from."""
    run = f"results/{row['dataset']}/{row['architecture']}/seed-{row['seed']}"
    if row["criterion"] == BASELINE:
        return f"{run}/{BASELINE}"
    kind = "beside" if row.get("made_by") == "continued" else "removed"
    return f"{run}/{row['criterion']}/{kind}-{row['removed']:02d}"


def seeds_text(seeds: Iterable[int]) -> str:
    """The folders of some seeds, as a shell would expand them: seed-3, seed-{0,1}."""
    names = ",".join(map(str, sorted(seeds)))
    return f"seed-{{{names}}}" if "," in names else f"seed-{names}"


def with_folders(frame: pd.DataFrame) -> pd.DataFrame:
    """A table with a row a network, and the folder of each at the end."""
    return frame.assign(folder=[folder_of(dict(row)) for _, row in frame.iterrows()])


def titles(columns: Iterable[object], otherwise: str = "") -> dict[str, str]:
    """What a heading says of its column's source; ``otherwise`` is that of columns without one."""
    found = {str(name): source_of(str(name)) or otherwise for name in columns}
    return {name: f"from {file}" for name, file in found.items() if file}


def titles_of_one(columns: Iterable[object], file: str) -> dict[str, str]:
    """The same where all that is not in the folder's name is from one file."""
    names = [str(name) for name in columns]
    return {name: f"from {source_of(name) if name in KEYS else file}" for name in names}


def columns_by_file(columns: Iterable[object]) -> dict[str, list[str]]:
    """The headings of the columns of every file."""
    by_file: dict[str, list[str]] = {}
    for name in map(str, columns):
        if file := source_of(name):
            by_file.setdefault(file, []).append(heading(name))
    return by_file


@dataclass(frozen=True)
class Sources:
    """Where the numbers on one data set and architecture are from."""

    root: str
    """The folders of its seeds, as a shell would expand them."""
    files: list[str]

    @classmethod
    def of(cls, summary: pd.DataFrame) -> "Sources":
        """Those of the rows of one data set and architecture."""
        first, seeds = summary.iloc[0], seeds_text(summary["seed"].unique())
        measured = [
            name for name in summary if summary[name].notna().any() and (summary[name] != "").any()
        ]
        files = dict.fromkeys(source_of(str(name)).split(" of ")[0] for name in measured)
        root = f"results/{first['dataset']}/{first['architecture']}/{seeds}"
        return cls(root, [file for file in files if "." in file])
