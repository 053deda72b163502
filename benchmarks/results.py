"""Rows of published runs, and the tables and figures of docs/results.md that are written from them.

    python benchmarks/results.py collect config/published/resnet20.yaml docs/data/resnet20.csv
    python benchmarks/results.py write

`collect`, in the folder of a run, finished or not, writes a row for every network that is there,
with the digest of the completed configuration and the commit of the checkout. `write`, in the
checkout, brings docs/results.md and docs/figures up to date with docs/data.
"""

import argparse
import hashlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from options import parser_of

from layer_pruning.atomic import written_whole
from layer_pruning.configuration import (
    Config,
    as_yaml,
    blocks_per_step,
    check_parses,
    complete,
    origins,
)
from layer_pruning.report.figures.accuracy import accuracy_figure
from layer_pruning.report.figures.style import save
from layer_pruning.report.network_tables import read_csv, write_csv
from layer_pruning.report.records import BASELINE
from layer_pruning.report.summary import summarise

ROOT = Path(__file__).resolve().parents[1]
PAGE, DATA, FIGURES = (ROOT / "docs" / name for name in ("results.md", "data", "figures"))
COLUMNS = ["dataset", "architecture", "seed", "criterion", "made_by", "beside", "removed"]
COLUMNS += ["removed_blocks", "blocks", "macs", "macs_reduction_percent", "parameters"]
COLUMNS += ["parameters_reduction_percent", "accuracy_validation", "accuracy_test"]
COLUMNS += ["accuracy_test_interval_low", "accuracy_test_interval_high"]
COLUMNS += ["training_epochs", "finetuning_epochs"]
NEEDED = ("accuracy.json", "complexity.json", "emissions.json", "history.csv")


def folders_of(config: Config) -> Iterator[Path]:
    """The folders of finished networks that a configuration asks for, baselines first."""
    criteria = {*config["criteria"], *origins(config)}
    for dataset in config["datasets"]:
        for architecture in config["architectures"]:
            for seed in config["seeds"]:
                run = Path("results", dataset, architecture, f"seed-{seed}")
                for folder in [run / BASELINE, *sorted(run.glob("*/*-[0-9][0-9]"))]:
                    wanted = folder.name == BASELINE or folder.parent.name in criteria
                    if wanted and all((folder / name).is_file() for name in NEEDED):
                        yield folder


def collect(configuration: Path, table: Path) -> None:
    """Write the rows of one run."""
    config = complete(check_parses(configuration))
    folders = list(folders_of(config))
    rows = summarise(
        folders,
        [path for folder in folders for path in sorted(folder.glob("attacks/*.json"))],
        histories=[folder / "history.csv" for folder in folders],
        origins=origins(config),
        blocks_per_step=blocks_per_step(config),
    )
    robust = [name for name in rows if str(name).startswith("robust_accuracy")]
    rows = rows[[*COLUMNS, *robust]].copy()
    rows["configuration"] = hashlib.sha256(as_yaml(config).encode()).hexdigest()[:12]
    commit = ["git", "-C", str(ROOT), "rev-parse", "--short=12", "HEAD"]
    rows["commit"] = subprocess.run(
        commit, capture_output=True, text=True, check=True
    ).stdout.strip()
    write_csv(rows, table)
    print(f"{table}: {len(rows)} networks")


def over_seeds(rows: pd.DataFrame) -> str:
    """A Markdown table: a row for each criterion and number of removals."""
    lines = [
        "| criterion | made by | removed | seeds | MACs saved, % | epochs after the baseline | "
        "test accuracy, % | change, points |",
        "|---|---|---|---|---|---|---|---|",
    ]
    baselines = rows[rows["criterion"] == BASELINE].set_index("seed")["accuracy_test"]
    rows = rows.assign(change=rows["accuracy_test"] - rows["seed"].map(baselines))
    for (criterion, removed), group in rows.groupby(["criterion", "removed"], sort=False):
        accuracy, change = 100 * group["accuracy_test"], 100 * group["change"]
        spread = f" ± {accuracy.std():.2f}" if len(group) > 1 else ""
        between = f" ± {change.std():.2f}" if len(group) > 1 else ""
        way, saved = group["made_by"].iloc[0], group["macs_reduction_percent"].mean()
        own = way == "scratch"
        epochs = group["training_epochs" if own else "finetuning_epochs"].mean()
        cells = [criterion, way, removed, len(group), f"{saved:.2f}"]
        cells += [f"{epochs:.0f}{' in all' if own else ''}", f"{accuracy.mean():.2f}{spread}"]
        told = f"{change.mean():+.2f}{between}".replace("-", "−")
        cells.append("" if criterion == BASELINE else told)
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def write() -> None:
    """Write what stands between the markers of docs/results.md anew, and the figures."""
    text = PAGE.read_text(encoding="utf-8")
    for path in sorted(DATA.glob("*.csv")):
        begin, end = f"<!-- rows of {path.stem} -->", f"<!-- end of {path.stem} -->"
        if text.count(begin) != 1 or text.count(end) != 1:
            raise SystemExit(f"{PAGE} should have one line '{begin}' and one '{end}'")
        rows = read_csv(path)
        before, rest = text.split(begin)
        text = f"{before}{begin}\n{over_seeds(rows)}\n{end}{rest.split(end)[1]}"
        save(accuracy_figure(rows), FIGURES / f"{path.stem}-accuracy.svg")
    with written_whole(PAGE) as temporary:
        temporary.write_text(text, encoding="utf-8")


def main() -> None:
    """The command line."""
    parser = parser_of(__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("collect")
    one.add_argument("configuration", type=Path)
    one.add_argument("table", type=Path)
    commands.add_parser("write")
    given: argparse.Namespace = parser.parse_args()
    if given.command == "collect":
        collect(given.configuration, given.table)
    else:
        write()


if __name__ == "__main__":
    main()
