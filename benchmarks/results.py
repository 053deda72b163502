"""Rows of published runs, and the tables and figures of docs/results.md that are written from them.

    python benchmarks/results.py collect config/published/resnet20.yaml docs/data/resnet20.csv
    python benchmarks/results.py collect config/shortcut.yaml docs/data/shortcut.csv
    python benchmarks/results.py compare
    python benchmarks/results.py write

`collect`, in the folder of a run, finished or not, writes a row for every network that is there,
with the digest of the completed configuration and the commit of that folder; of attacks and of a
test for shortcut learning also a table beside it with every comparison, image by image, and of
attacks the records that it is made of. With `--add` the networks stay that are published and that
this run does not have, so that seeds may come from several machines. `write`, in the checkout,
brings docs/results.md and docs/figures up to date with docs/data.
"""

import argparse
import hashlib
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pandas as pd
from choice import PATHS, PREDICTORS, choice_figure, choice_tables
from options import parser_of
from published import records_with_published, with_published, write_records
from verdicts import accuracy_verdicts, attack_text, robustness_verdicts, told

from layer_pruning.configuration import (
    Config,
    as_yaml,
    blocks_per_step,
    check_parses,
    complete,
    origins,
    searched_criteria,
)
from layer_pruning.report.figures.accuracy import accuracy_figure
from layer_pruning.report.figures.style import save
from layer_pruning.report.findings.robustness import compared_robustness
from layer_pruning.report.findings.shortcut import ACCURACIES, compared_shortcuts, outcomes
from layer_pruning.report.network_tables import read_csv, write_csv
from layer_pruning.report.records import BASELINE
from layer_pruning.report.records import records_of as read_records
from layer_pruning.report.selection import varying
from layer_pruning.report.statistics.paired import beside_each
from layer_pruning.report.summary import summarise
from layer_pruning.report.wording import signed
from layer_pruning.runtime.atomic import written_whole

ROOT = Path(__file__).resolve().parents[1]
PAGE, DATA, FIGURES = (ROOT / "docs" / name for name in ("results.md", "data", "figures"))
COLUMNS = ["dataset", "architecture", "seed", "criterion", "made_by", "beside", "removed"]
COLUMNS += ["removed_blocks", "blocks", "macs", "macs_reduction_percent", "parameters"]
COLUMNS += ["parameters_reduction_percent", "accuracy_validation", "accuracy_test"]
COLUMNS += ["accuracy_test_interval_low", "accuracy_test_interval_high"]
COLUMNS += ["training_epochs", "finetuning_epochs"]
NEEDED = ("accuracy.json", "complexity.json", "emissions.json", "history.csv")


ROBUST = "robust_accuracy_"
BESIDE = "-beside-baseline"
"""What the name of a table of comparisons ends with, after that of its table of networks."""
ATTACKED = "-attacked"
"""The same of one with comparisons under attack."""


def runs_of(config: Config, needed: Sequence[str]) -> Iterator[Path]:
    """The folders of the data sets, architectures and seeds whose baseline has what is needed.

    Nothing is known beside a baseline that has not been evaluated: its seed is left out, and said.
    """
    for dataset in config["datasets"]:
        for architecture in config["architectures"]:
            for seed in config["seeds"]:
                run = Path("results", dataset, architecture, f"seed-{seed}")
                lacking = [name for name in needed if not (run / BASELINE / name).is_file()]
                if lacking:
                    print(f"{run}: left out, {BASELINE} has no {', '.join(lacking)}")
                else:
                    yield run


def folders_of(config: Config, runs: Iterable[Path], needed: Sequence[str]) -> list[Path]:
    """The networks of runs that a configuration asks for and that have what is needed.

    The baseline is the first of its run.
    """
    criteria = {*config["criteria"], *origins(config)}
    return [
        folder
        for run in runs
        for folder in [run / BASELINE, *sorted(run.glob("*/*-[0-9][0-9]"))]
        if folder.name == BASELINE or folder.parent.name in criteria
        if all((folder / name).is_file() for name in needed)
    ]


def collect(configuration: Path, table: Path, *, add: bool = False) -> None:
    """Write the rows of one run, and ``add`` them to those of networks that it does not have."""
    config = complete(check_parses(configuration))
    commit = ["git", "rev-parse", "--short=12", "HEAD"]
    made = subprocess.run(commit, capture_output=True, text=True, check=False)
    if made.returncode:
        raise SystemExit(f"run collect in the checkout that made the networks: {made.stderr}")
    digest = hashlib.sha256(as_yaml(config).encode()).hexdigest()[:12]
    origin = {"configuration": digest, "commit": made.stdout.strip()}
    if any(dataset["cue"] is not None for dataset in config["datasets"].values()):
        if add:
            raise SystemExit("--add: a test for shortcut learning is collected from one run")
        rows, beside = shortcuts(config)
        found = {"": rows.assign(**origin), BESIDE: beside.assign(**origin)}
    else:
        rows, attacks = accuracies(config)
        rows = rows.assign(**origin)
        if add:
            rows = with_published(rows, table)
        found = {"": rows}
        compared = under_attack(rows, attacks, table, add=add)
        if compared is not None:
            found[ATTACKED] = compared.assign(**origin)
    for suffix, frame in found.items():
        path = beside_table(table, suffix)
        write_csv(frame, path)
        print(f"{path}: {len(frame)} rows")


def under_attack(
    rows: pd.DataFrame, attacks: Sequence[Path], table: Path, *, add: bool
) -> pd.DataFrame | None:
    """Every comparison under attack, whose records are kept; None where it cannot be made."""
    archive, comparisons = (beside_table(table, ATTACKED, one) for one in (".zip", ".csv"))
    if add and comparisons.exists() and not archive.exists():
        print(f"{comparisons}: left as it is, without {archive.name} it cannot be added to")
        return None
    with records_with_published(attacks, archive if add else None) as records:
        if not records:
            return None
        write_records(records, archive)
        return beside_each(compared_robustness, records.values(), rows)


def compare() -> None:
    """Make every comparison under attack anew from the records that were kept."""
    for archive in sorted(DATA.glob(f"*{ATTACKED}.zip")):
        table = archive.with_name(archive.name.replace(f"{ATTACKED}.zip", ".csv"))
        path = beside_table(table, ATTACKED)
        origin = read_csv(path)[["configuration", "commit"]].iloc[0]
        with records_with_published([], archive) as records:
            frame = beside_each(compared_robustness, records.values(), read_csv(table))
        write_csv(frame.assign(**origin), path)
        print(f"{path}: {len(frame)} rows")


def beside_table(table: Path, suffix: str, ending: str = ".csv") -> Path:
    """Where what goes with a table of networks is."""
    return table.with_name(f"{table.stem}{suffix}{ending}")


def accuracies(config: Config) -> tuple[pd.DataFrame, list[Path]]:
    """What each network gives up, and for what; and the records of attacks."""
    runs = list(runs_of(config, NEEDED))
    folders = folders_of(config, runs, NEEDED)
    attacks = records_of(config, folders)
    rows = summarise(
        folders,
        attacks,
        # of networks on the way as well that nobody evaluated: a last phase comes after them
        histories=[folder / "history.csv" for folder in folders_of(config, runs, ["history.csv"])],
        origins=origins(config),
        blocks_per_step=blocks_per_step(config),
        searched=list(searched_criteria(config)),
    )
    robust = [name for name in rows if str(name).startswith(ROBUST)]
    return rows[[*COLUMNS, *robust]].copy(), attacks


def records_of(config: Config, folders: Sequence[Path]) -> list[Path]:
    """Records of the attacks that a configuration asks for; a run may hold those of others."""
    paths = (
        folder / "attacks" / f"{name}.json" for folder in folders for name in config["attacks"]
    )
    return [path for path in paths if path.is_file()]


def shortcuts(config: Config) -> tuple[pd.DataFrame, pd.DataFrame]:
    """How far each network relies on a cue, and beside the baseline, by data set."""
    needed = ["shortcut.json", "complexity.json"]
    folders = folders_of(config, runs_of(config, needed), needed)
    paths = [folder / "shortcut.json" for folder in folders]
    sizes = [
        network.names | {name: record[name] for name in ("macs", "parameters")}
        for network, record, _ in read_records(folder / "complexity.json" for folder in folders)
    ]
    places = varying(pd.DataFrame(sizes))
    by_dataset: dict[str, list[Path]] = {}
    for path in paths:
        by_dataset.setdefault(path.parts[1], []).append(path)
    beside = [compared_shortcuts(found, varying=places) for found in by_dataset.values()]
    return outcomes(paths), pd.concat(beside, ignore_index=True)


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
        change = group["change"]
        between = f" ± {100 * change.std():.2f}" if len(group) > 1 else ""
        way, saved = group["made_by"].iloc[0], group["macs_reduction_percent"].mean()
        own = way == "scratch"
        epochs = group["training_epochs" if own else "finetuning_epochs"].mean()
        cells = [criterion, way, removed, len(group), f"{saved:.2f}"]
        accuracy = _with_spread(100 * group["accuracy_test"])
        cells += [f"{epochs:.0f}{' in all' if own else ''}", accuracy]
        told = f"{signed(change.mean())}{between}"
        cells.append("" if criterion == BASELINE else told)
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def robust_over_seeds(rows: pd.DataFrame) -> str:
    """A Markdown table: a row for each network that was attacked; empty without attacks."""
    columns = [name for name in rows if str(name).startswith(ROBUST)]
    attacked = rows.dropna(subset=columns, how="all") if columns else rows.iloc[:0]
    if attacked.empty:
        return ""
    headings = [_attack_named(str(name)) for name in columns]
    lines = [
        f"| robust accuracy, % | removed | seeds | {' | '.join(headings)} |",
        "|---" * (3 + len(columns)) + "|",
    ]
    for (criterion, removed), group in attacked.groupby(["criterion", "removed"], sort=False):
        cells = [criterion, removed, len(group)]
        cells += [_with_spread(100 * group[name]) for name in columns]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def _attack_named(column: str) -> str:
    """The attack, norm and size of a column of robust accuracies."""
    return attack_text(*column.removeprefix(ROBUST).rsplit("_", 2))


def _with_spread(values: pd.Series) -> str:
    """A mean over seeds with the standard deviation, of several."""
    spread = f" ± {values.std():.2f}" if len(values) > 1 else ""
    return f"{values.mean():.2f}{spread}"


def shortcuts_over_seeds(rows: pd.DataFrame, beside: pd.DataFrame) -> str:
    """A Markdown table: a row for each data set and criterion, in per cent and points."""
    lines = [
        "| data set | network | seeds | without a cue, % | congruent, % | swapped, % | "
        "reliance, points | change of reliance | change of the effect of the cue |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    keys = ["dataset", "criterion", "removed", "measure"]
    changes = beside.set_index(keys).sort_index()
    for (dataset, criterion, removed), group in rows.groupby(keys[:3], sort=False):
        means = [100 * group[name].mean() for name in (*ACCURACIES.values(), "shortcut_reliance")]
        cells = [dataset, criterion, len(group), *(f"{mean:.1f}" for mean in means)]
        for measure in ("reliance", "effect of the cue"):
            place = (dataset, criterion, removed, measure)
            ends = ("difference", "interval_low", "interval_high")
            cells.append(told(*changes.loc[place, ends]) if criterion != BASELINE else "")
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def write() -> None:
    """Write what stands between the markers of docs/results.md anew, and the figures."""
    text = PAGE.read_text(encoding="utf-8")
    suffixes = (BESIDE, ATTACKED, PREDICTORS, PATHS)
    for path in sorted(path for path in DATA.glob("*.csv") if not path.stem.endswith(suffixes)):
        begin, end = f"<!-- rows of {path.stem} -->", f"<!-- end of {path.stem} -->"
        if text.count(begin) != 1 or text.count(end) != 1:
            raise SystemExit(f"{PAGE} should have one line '{begin}' and one '{end}'")
        rows = read_csv(path)
        with_it = {one: beside_table(path, one) for one in suffixes}
        others = {one: read_csv(other) for one, other in with_it.items() if other.exists()}
        if BESIDE in others:
            table = shortcuts_over_seeds(rows, others[BESIDE])
        elif PATHS in others:
            table = choice_tables(rows, others[PREDICTORS], others[PATHS])
            save(choice_figure(rows, others[PATHS]), FIGURES / f"{path.stem}.svg")
        else:
            tables = [over_seeds(rows), accuracy_verdicts(rows), robust_over_seeds(rows)]
            if ATTACKED in others:
                tables.append(robustness_verdicts(others[ATTACKED]))
            table = "\n\n".join(filter(None, tables))
            # what saves nothing has a row in the table, and no place on an axis of savings
            saving = rows[rows["made_by"] != "continued"]
            # and a criterion with one network draws no path
            if saving.groupby("criterion")["removed"].nunique().max() > 1:
                save(accuracy_figure(saving), FIGURES / f"{path.stem}-accuracy.svg")
        before, rest = text.split(begin)
        text = f"{before}{begin}\n{table}\n{end}{rest.split(end)[1]}"
    with written_whole(PAGE) as temporary:
        temporary.write_text(text, encoding="utf-8")


def main() -> None:
    """The command line."""
    parser = parser_of(__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("collect")
    one.add_argument("configuration", type=Path)
    one.add_argument("table", type=Path)
    one.add_argument("--add", action="store_true", help="keep networks that this run lacks")
    for name in ("compare", "write"):
        commands.add_parser(name)
    given: argparse.Namespace = parser.parse_args()
    if given.command == "collect":
        collect(given.configuration, given.table, add=given.add)
    elif given.command == "compare":
        compare()
    else:
        write()


if __name__ == "__main__":
    main()
