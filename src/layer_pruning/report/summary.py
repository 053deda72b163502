"""One row a network, then the same over seeds.

Every difference of accuracies is paired: it is taken within a seed, because two networks of one
seed share their baseline, so most of the spread between seeds cancels out.
"""

import math
from collections.abc import Iterable, Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

import pandas as pd

from layer_pruning.atomic import written_whole
from layer_pruning.report.cost import (
    LATENCY_COLUMNS,
    LEDGER_COLUMNS,
    LEDGER_TEXT,
    latency_values,
    ledger_values,
)
from layer_pruning.report.records import (
    BASELINE,
    NOT_MEASURED,
    Network,
    energy_basis,
    fraction,
    number,
    read_json,
)
from layer_pruning.report.selection import pruned, selected
from layer_pruning.report.significance import Mean, holm

KEYS = ["dataset", "architecture", "seed", "criterion", "removed"]

BEFORE_ATTACKS = [
    *KEYS,
    "selected",
    "architecture_of",
    "removed_blocks",
    "blocks",
    "macs",
    "macs_reduction_percent",
    "parameters",
    "parameters_reduction_percent",
    "predicted_latency_reduction_percent",
    "accuracy_validation",
    "accuracy_test",
    "accuracy_test_interval_low",
    "accuracy_test_interval_high",
]
AFTER_ATTACKS = [
    "training_epochs",
    "finetuning_epochs",
    "training_energy_kwh",
    "finetuning_energy_kwh",
    "training_emissions_kg_co2e",
    "finetuning_emissions_kg_co2e",
    "training_energy_basis",
    "inference_joules_per_image",
    "inference_joules_per_image_interval_low",
    "inference_joules_per_image_interval_high",
    "inference_seconds_per_image",
    "baseline_inference_joules_per_image",
    "baseline_inference_seconds_per_image",
    "energy_reduction_percent",
    "inference_energy_basis",
    *LEDGER_COLUMNS,
    *LATENCY_COLUMNS,
]
TEXT = [
    "dataset",
    "architecture",
    "criterion",
    "architecture_of",
    "removed_blocks",
    "blocks",
    "training_energy_basis",
    "inference_energy_basis",
    *LEDGER_TEXT,
    "corruption_source",
    "notes",
]


def summarise(
    network_folders: Iterable[str | Path],
    attacks: Iterable[str | Path] = (),
    energies: Iterable[str | Path] = (),
    histories: Iterable[str | Path] = (),
    *,
    latencies: Iterable[str | Path] = (),
    ledgers: Iterable[str | Path] = (),
    block_latencies: Iterable[str | Path] = (),
    further: Iterable[Mapping[Path, Mapping[str, Any]]] = (),
    carbon_intensity_g_per_kwh: float | None = None,
    architecture_of: Mapping[str, str] | None = None,
    blocks_per_step: int = 1,
    target: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """One row a network, sorted.

    Columns are BEFORE_ATTACKS, one per attack and epsilon, AFTER_ATTACKS, three per batch size and
    ``notes``.

    ``network_folders`` hold accuracy.json, complexity.json and emissions.json; their baselines and
    the networks on the way to them hold complexity.json and emissions.json. ``attacks``
    (``attacks/{attack}.json``), ``energies`` (``energy.json``), ``histories``
    (``history.csv``), ``latencies`` (``latency.json``), ``ledgers`` (``ledger.json``) and
    ``block_latencies`` (``savings/latency.json`` of baselines) are files of these folders. Nothing
    else is read: what an earlier run left behind cannot enter. A network listed twice counts once.

    Accuracies are fractions. What was not measured is NaN and ``notes`` says why. Training columns
    are those of the baseline, and fine-tuning columns sums over all fine-tunings on the way,
    ``blocks_per_step`` removals apart, 0 for the baseline. A criterion in ``architecture_of`` was
    trained from new weights in the shape that another criterion left: its training columns are its
    own, and it was never fine-tuned.

    ``target`` is what networks should reach, and ``selected`` says which were chosen by it, see
    :func:`layer_pruning.report.selection.selected`.

    ``further`` are columns of other modules by the folder of the network; they follow those of the
    attacks, and their ``notes``, a list, join the others.

    Emissions are energy times ``carbon_intensity_g_per_kwh``, whatever it was when a job ran, so
    that all of them are at one intensity; without it, they are those recorded.

    Raises ValueError for a file of an unlisted network or a record that contradicts its path.
    """
    networks = {folder: Network.of(folder) for folder in dict.fromkeys(map(Path, network_folders))}
    epochs = {path.parent: _epochs(path) for path in map(Path, histories)}
    intensity = carbon_intensity_g_per_kwh
    sources = architecture_of or {}
    rows = {
        folder: _row(network)
        | _making(network, epochs, intensity, sources.get(network.criterion), blocks_per_step)
        for folder, network in networks.items()
    }
    robust = _add_robust_accuracies(rows, attacks)
    more: dict[str, None] = {}
    for added in further:
        for folder, values in added.items():
            row = _row_of(rows, folder, folder)
            row["notes"] += values.get("notes", [])
            row |= {name: value for name, value in values.items() if name != "notes"}
            more |= dict.fromkeys(name for name in values if name != "notes")
    for path in dict.fromkeys(map(Path, energies)):
        _add_inference(_row_of(rows, path.parent, path), read_json(path), path)
    timings: dict[str, None] = {}
    for path in dict.fromkeys(map(Path, latencies)):
        names, values = latency_values(path)
        _row_of(rows, path.parent, path).update(values)
        timings |= dict.fromkeys(names)
    for path in dict.fromkeys(map(Path, ledgers)):
        values = ledger_values(path)
        row = _row_of(rows, path.parent, path)
        row["notes"] += values.pop("notes")
        row.update(values)
    for path in dict.fromkeys(map(Path, block_latencies)):
        _add_predictions(rows, path)
    columns = [*BEFORE_ATTACKS, *robust, *more, *AFTER_ATTACKS]
    frame = pd.DataFrame(list(rows.values()), columns=[*columns, *timings, "notes"])
    frame["notes"] = frame["notes"].map("; ".join)
    for name in set(TEXT) & set(more):
        frame[name] = frame[name].fillna("")
    numbers = [name for name in map(str, frame.columns) if name not in TEXT]
    frame[numbers] = frame[numbers].apply(pd.to_numeric)
    frame["selected"] = selected(frame, target or {})
    return in_order(frame)


def robust_column(attack: str, norm: str, epsilon: float) -> str:
    """The column of one attack, e.g. ``robust_accuracy_autoattack_linf_0.1``."""
    return "_".join(["robust_accuracy", attack, *([norm.lower()] if norm else []), f"{epsilon:g}"])


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


def aggregate(summary: pd.DataFrame) -> pd.DataFrame:
    """One row per dataset, architecture, criterion and number of removals: the same over seeds.

    ``accuracy_*`` describe the test accuracy, ``difference_*`` the test accuracy minus that of the
    same seed's baseline, both as fractions: mean, sample standard deviation and 95 % t-interval
    over seeds. ``verdict`` is "higher", "lower", "no significant difference" (0 inside the
    interval), or says that one seed gives no interval. The other columns are means over seeds, NaN
    as soon as one seed has no value.

    Raises ValueError if a network's seed has no baseline.
    """
    rows = []
    groups = ["dataset", "architecture", "criterion", "removed"]
    plain = [
        "macs_reduction_percent",
        "parameters_reduction_percent",
        "predicted_latency_reduction_percent",
        "accuracy_validation",
        "training_energy_kwh",
        "finetuning_energy_kwh",
        "training_emissions_kg_co2e",
        "finetuning_emissions_kg_co2e",
        "inference_joules_per_image",
        "inference_seconds_per_image",
        "energy_reduction_percent",
        "speed_up_ratio",
        "speed_up_over_macs_ratio",
        "saving_joules_per_image",
    ]
    summary = summary.assign(difference=difference_to_baseline(summary))
    for names, group in summary.groupby(groups, sort=False):
        accuracy, difference = Mean.of(group["accuracy_test"]), Mean.of(group["difference"])
        row: dict[str, Any] = dict(zip(groups, names, strict=True)) | {"seeds": len(group)}
        row |= _described("accuracy", accuracy) | _described("difference", difference)
        is_baseline = row["criterion"] == BASELINE
        row["verdict"] = "" if is_baseline else difference.verdict("higher", "lower")
        rows.append(row | {name: group[name].mean(skipna=False) for name in plain})
    columns = [*groups, "seeds", *_described("accuracy"), *_described("difference"), "verdict"]
    return in_order(pd.DataFrame(rows, columns=[*columns, *plain]))


def compare_criteria(summary: pd.DataFrame) -> pd.DataFrame:
    """Every two criteria at the same number of removals, paired by seed.

    ``difference_*`` is the test accuracy of ``criterion`` minus that of ``other`` over the seeds
    that both have: mean, sample standard deviation and 95 % t-interval. ``verdict`` names the
    higher one, or says "no significant difference" when 0 is inside the interval. ``p_holm``
    corrects for all pairs compared at the same number of removals.
    """
    columns = ["dataset", "architecture", "removed", "criterion", "other", "seeds"]
    columns += [*_described("difference"), "verdict", "p_value", "p_holm"]
    frames = []
    others = summary[summary["criterion"] != BASELINE]
    for names, group in others.groupby(["dataset", "architecture", "removed"], sort=True):
        rows = []
        for first, second in combinations(sorted(group["criterion"].unique()), 2):
            left, right = (
                group[group["criterion"] == name].set_index("seed")["accuracy_test"]
                for name in (first, second)
            )
            shared = left.index.intersection(right.index)
            if shared.empty:
                continue
            difference = Mean.of((left - right)[shared])
            row: dict[str, Any] = dict(zip(columns[:3], names, strict=True))
            row |= {"criterion": first, "other": second, "seeds": len(shared)}
            row |= _described("difference", difference)
            row["verdict"] = difference.verdict(f"{first} higher", f"{second} higher")
            rows.append(row | {"p_value": difference.p_value})
        frame = pd.DataFrame(rows, columns=columns)
        frame["p_holm"] = holm(frame["p_value"].tolist())
        frames.append(frame)
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=columns)


def best_criterion(summary: pd.DataFrame, removed: int) -> tuple[str, list[str], int]:
    """The criterion with the highest mean test accuracy after ``removed`` removals.

    Only criteria that prune are compared. ``summary`` is of one dataset and architecture. Also
    returned: the criteria that it is tied with, i.e. whose paired difference to it is not
    significant (Holm-corrected p of at least 0.05, or no interval at all), and the number of seeds
    that the comparison rests on.
    """
    step = pruned(summary[summary["removed"] == removed])
    if step.empty:
        raise ValueError(f"no network with {removed} blocks removed")
    means = step.groupby("criterion", sort=True)["accuracy_test"].mean()
    best = str(means.idxmax())
    pairs = compare_criteria(step)
    pairs = pairs[(pairs["criterion"] == best) | (pairs["other"] == best)]
    beaten = {
        str(pair["other"] if pair["criterion"] == best else pair["criterion"])
        for _, pair in pairs.iterrows()
        if pair["p_holm"] < 0.05 and (pair["difference_mean"] > 0) == (pair["criterion"] == best)
    }
    tied = [name for name in means.index if name != best and name not in beaten]
    seeds = int(pairs["seeds"].min()) if len(pairs) else len(step)
    return best, tied, seeds


def _row(network: Network) -> dict[str, Any]:
    """What a network is: its blocks, its cost and its accuracy."""
    row: dict[str, Any] = network.names | {"inference_energy_basis": ""}
    row |= dict.fromkeys(LEDGER_TEXT, "")
    path = network.folder / "complexity.json"
    complexity = read_json(path)
    if len(complexity["removed_blocks"]) != network.removed:
        raise ValueError(
            f"{path} lists {len(complexity['removed_blocks'])} removed blocks, "
            f"its folder says {network.removed}"
        )
    whole_path = network.baseline / "complexity.json"
    whole = number(read_json(whole_path), "parameters", whole_path)
    row["removed_blocks"] = " ".join(complexity["removed_blocks"])
    row["blocks"] = " ".join(complexity["blocks"])
    for key in ("macs", "parameters"):
        row[key] = int(number(complexity, key, path))
    row["macs_reduction_percent"] = number(complexity, "macs_reduction_percent", path)
    row["parameters_reduction_percent"] = 100 * (1 - row["parameters"] / whole)

    path = network.folder / "accuracy.json"
    splits = read_json(path)["splits"]
    row["accuracy_validation"] = fraction(splits["validation"], "accuracy", path)
    row["accuracy_test"] = fraction(splits["test"], "accuracy", path)
    for end in ("low", "high"):
        row[f"accuracy_test_interval_{end}"] = fraction(splits["test"], f"interval_{end}", path)
    return row


def _making(
    network: Network,
    epochs: Mapping[Path, float],
    intensity: float | None,
    source: str | None,
    blocks_per_step: int,
) -> dict[str, Any]:
    """What making a network took; ``source`` is the criterion whose shape it was trained in."""
    row: dict[str, Any] = {"architecture_of": source or "", "notes": []}
    jobs = {"training": [network.baseline], "finetuning": network.path(blocks_per_step)}
    if source:
        jobs = {"training": [network.folder], "finetuning": []}
    methods = []
    for job, folders in jobs.items():
        energy = emissions = 0.0
        for folder in folders:
            path = folder / "emissions.json"
            record = read_json(path)
            if not record["measured"]:
                row["notes"].append(
                    f"energy of {folder.name} {NOT_MEASURED}: {record.get('reason') or 'no reason'}"
                )
                energy = emissions = math.nan
                continue
            methods.append(record.get("method"))
            energy += number(record, "energy_kwh", path)
            emissions += number(record, "emissions_kg_co2e", path)
        row[f"{job}_energy_kwh"] = energy
        if intensity is not None:
            emissions = energy * intensity / 1000
        row[f"{job}_emissions_kg_co2e"] = emissions
        row[f"{job}_epochs"] = sum(epochs.get(folder, math.nan) for folder in folders)
    row["training_energy_basis"] = energy_basis(methods) if methods else NOT_MEASURED
    return row


def _add_robust_accuracies(
    rows: Mapping[Path, dict[str, Any]], attacks: Iterable[str | Path]
) -> list[str]:
    """Put every attack into the row of its network; the columns, by attack, norm and epsilon."""
    robust: dict[str, tuple[str, str, float]] = {}
    for path in dict.fromkeys(map(Path, attacks)):
        row = _row_of(rows, path.parent.parent, path)
        record = read_json(path)
        for result in record["epsilons"]:
            attack, norm = str(record["attack"]), str(record["norm"] or "").lower()
            epsilon = number(result, "epsilon", path)
            column = robust_column(attack, norm, epsilon)
            if column in row:
                raise ValueError(f"{path}: {column} is given twice for one network")
            robust[column] = (attack, norm, epsilon)
            row[column] = fraction(result, "robust_accuracy", path)
    return sorted(robust, key=lambda name: robust[name])


def _add_inference(row: dict[str, Any], record: dict[str, Any], path: Path) -> None:
    inference = record["inference"]
    if not inference["measured"]:
        reason = inference.get("reason") or "no reason"
        row["notes"].append(f"energy of inference {NOT_MEASURED}: {reason}")
        row["inference_energy_basis"] = NOT_MEASURED
        return
    for key in ("joules_per_image", "seconds_per_image"):
        row[f"inference_{key}"] = number(inference, key, path)
        row[f"baseline_inference_{key}"] = number(inference, f"baseline_{key}", path)
    for end in ("low", "high"):
        key = f"joules_per_image_interval_{end}"
        row[f"inference_{key}"] = number(inference, key, path)
    row["energy_reduction_percent"] = number(inference, "energy_reduction_percent", path)
    row["inference_energy_basis"] = energy_basis([inference.get("method")])


def _add_predictions(rows: Mapping[Path, dict[str, Any]], path: Path) -> None:
    """What the blocks that are gone took of a batch's time in the baseline, in percent."""
    record = read_json(path)
    whole = number(record["network"], "latency", path)
    for folder, row in rows.items():
        if Network.of(folder).baseline == path.parent.parent:
            gone = [record["blocks"][block] for block in row["removed_blocks"].split()]
            saved = math.fsum(number(block, "latency", path) for block in gone)
            row["predicted_latency_reduction_percent"] = 100 * saved / whole


def _row_of(rows: Mapping[Path, dict[str, Any]], folder: Path, path: Path) -> dict[str, Any]:
    if folder not in rows:
        raise ValueError(f"{path} belongs to no listed network: list {folder} too")
    return rows[folder]


def _epochs(path: Path) -> int:
    """Lines of a history without its header; a line is an epoch."""
    return sum(1 for line in path.read_text(encoding="utf-8").splitlines() if line.strip()) - 1


def difference_to_baseline(summary: pd.DataFrame) -> pd.Series:
    """Test accuracy minus that of the same seed's baseline; ValueError where there is none."""
    seed = ["dataset", "architecture", "seed"]
    baselines = summary[summary["criterion"] == BASELINE].set_index(seed)["accuracy_test"]
    index = pd.MultiIndex.from_frame(summary[seed])
    missing = sorted(set(index) - set(baselines.index))
    if missing:
        raise ValueError(f"no baseline for {', '.join(map(str, missing))}: list its folder too")
    difference: pd.Series = summary["accuracy_test"] - baselines.reindex(index).to_numpy()
    return difference


def _described(name: str, value: Mean | None = None) -> dict[str, float]:
    value = value or Mean(0, *[math.nan] * 5)
    return {
        f"{name}_mean": value.mean,
        f"{name}_sd": value.deviation,
        f"{name}_interval_low": value.low,
        f"{name}_interval_high": value.high,
    }
