"""Which file every number of the report is from."""

import re
from collections.abc import Iterable, Mapping
from html import escape

import pandas as pd

from layer_pruning.report.html_page import folded
from layer_pruning.report.records import BASELINE, KEYS
from layer_pruning.report.wording import heading

# the first pattern that fits the name of a column counts
_FILES = {
    "|".join((*KEYS, "folder", "seeds", "other")): "the folder's name",
    r"selected|made_by|beside": "the configuration",
    r"removed_blocks|blocks|macs|macs_reduction.*|parameters.*|macs_ratio": "complexity.json",
    r"predicted_latency.*": "savings/latency.json of the baseline",
    r"accuracy_(congruent|swapped)_cue|shortcut_.*|cue_.*|follows_cue.*": "shortcut.json",
    r"(mean_)?corrup.*|shifted_accuracy.*": "corruptions.json",
    r"expected_calibration.*|negative_log.*|brier_score.*|temperature": "calibration.json",
    r"(training|finetuning)_epochs": "history.csv of the networks on the way",
    r"(training|finetuning)_(energy|emissions).*": "emissions.json of the networks on the way",
    r"(baseline_)?inference_.*|energy_reduction_percent": "energy.json",
    r"(scoring|attacks)_energy.*|saving_.*|break_even.*|cheaper_in_energy": "ledger.json",
    r"speed_up.*|(baseline_)?latency_.*|peak_memory.*|other_cores.*": "latency.json",
    r"cheaper_in_time": "latency.json",
    r"(other_)?robust_.*|attack|norm|epsilon|clean_difference": "attacks/{attack}.json",
    r"accuracy.*|test_images|chance_accuracy": "accuracy.json",
    r"notes": "the file that lacks the number",
}


def source_of(column: str) -> str:
    """The file that a column of a table is from, in the folder of the network; else empty text."""
    for pattern, file in _FILES.items():
        if re.fullmatch(pattern, column):
            return file
    return ""


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
