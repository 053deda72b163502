"""Which file every number of the report is from."""

from collections.abc import Iterable, Mapping
from html import escape

import pandas as pd

from layer_pruning.report.columns import heading, source_of
from layer_pruning.report.html_page import folded
from layer_pruning.report.records import BASELINE, KEYS


def folder_of(row: Mapping[str, object]) -> str:
    """The folder that the numbers of a row of the summary are from."""
    run = f"results/{row['dataset']}/{row['architecture']}/seed-{row['seed']}"
    if row["criterion"] == BASELINE:
        return f"{run}/{BASELINE}"
    kind = "beside" if row.get("made_by") == "continued" else "removed"
    return f"{run}/{row['criterion']}/{kind}-{row['removed']:02d}"


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


def legend(columns: Iterable[object]) -> str:
    """HTML, folded: the columns of every file."""
    by_file: dict[str, list[str]] = {}
    for name in map(str, columns):
        by_file.setdefault(source_of(name), []).append(name)
    items = "".join(
        f"<dt><code>{escape(file)}</code></dt><dd>{escape(', '.join(map(heading, names)))}</dd>"
        for file, names in by_file.items()
        if file
    )
    return folded("Which file each column is from", f'<dl class="sources">{items}</dl>')


def sources_line(summary: pd.DataFrame) -> str:
    """A line of HTML on one data set and architecture: where its numbers are from."""
    first = summary.iloc[0]
    seeds = ",".join(str(seed) for seed in sorted(summary["seed"].unique()))
    root = f"results/{first['dataset']}/{first['architecture']}/seed-{{{seeds}}}"
    measured = [
        name for name in summary if summary[name].notna().any() and (summary[name] != "").any()
    ]
    files = dict.fromkeys(source_of(str(name)).split(" of ")[0] for name in measured)
    named = ", ".join(f"<code>{escape(file)}</code>" for file in files if "." in file)
    return (
        f'<p class="sources">Numbers are from <code>{escape(root)}</code>, folders '
        f"<code>baseline</code> and <code>{{criterion}}/removed-{{nn}}</code>: {named}. All of "
        "them, network by network: <i>all networks</i>; configuration, versions and machines: "
        "<i>how it was made</i>.</p>"
    )
