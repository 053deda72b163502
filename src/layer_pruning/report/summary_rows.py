"""What the files of a network say, put into its row of the summary."""

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from layer_pruning.report.records import (
    NOT_MEASURED,
    Network,
    attack_results,
    energy_basis,
    fraction,
    number,
    read_json,
    records_of,
)
from layer_pruning.training.history import read_history

ON_PATH = ("baseline", "pruned")
"""Ways to make networks that stand beside no other criterion."""

Rows = Mapping[Path, dict[str, Any]]
"""The row of each network, by its folder."""


def what_it_is(network: Network) -> dict[str, Any]:
    """What a network is: its blocks, its cost and its accuracy."""
    row: dict[str, Any] = network.names
    path = network.folder / "complexity.json"
    complexity = read_json(path)
    expected = 0 if network.unpruned else network.removed
    if len(complexity["removed_blocks"]) != expected:
        raise ValueError(
            f"{path} lists {len(complexity['removed_blocks'])} removed blocks, "
            f"its folder says {expected}"
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
    row["test_images"] = number(splits["test"], "images", path)
    row["chance_accuracy"] = fraction(splits["test"], "chance", path)
    row["accuracy_test"] = fraction(splits["test"], "accuracy", path)
    for end in ("low", "high"):
        row[f"accuracy_test_interval_{end}"] = fraction(splits["test"], f"interval_{end}", path)
    return row


def making(
    network: Network,
    epochs: Mapping[Path, float],
    intensity: float | None,
    origin: tuple[str, str],
    blocks_per_step: int,
) -> dict[str, Any]:
    """What making a network took; ``origin`` is how it was made, and the criterion beside it."""
    way, source = origin
    row: dict[str, Any] = {"made_by": way, "beside": "" if way in ON_PATH else source, "notes": []}
    on_path = network.path(source, blocks_per_step)
    jobs = {
        "baseline": {"training": [network.folder], "finetuning": []},
        "pruned": {"training": [network.baseline], "finetuning": on_path},
        "final": {"training": [network.baseline], "finetuning": [*on_path, network.folder]},
        "scratch": {"training": [network.folder], "finetuning": []},
        "continued": {"training": [network.baseline], "finetuning": [network.folder]},
    }[way]
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
    row["finetunings"] = len(jobs["finetuning"])
    pruned = not network.unpruned
    row["blocks_at_a_time"] = min(blocks_per_step, network.removed) if pruned else math.nan
    row["training_energy_basis"] = energy_basis(methods) if methods else NOT_MEASURED
    return row


def robust_column(attack: str, norm: str, epsilon: float) -> str:
    """The column of one attack, e.g. ``robust_accuracy_autoattack_linf_0.1``."""
    return f"robust_accuracy_{attack}_{norm}_{epsilon:g}"


def add_robust_accuracies(rows: Rows, attacks: Iterable[str | Path]) -> list[str]:
    """Put every attack into the row of its network; the columns, by attack, norm and epsilon."""
    robust: dict[str, tuple[str, str, float]] = {}
    for network, record, path in attack_results(attacks):
        row, attack, norm = row_of(rows, network.folder, path), record["attack"], record["norm"]
        for result in record["epsilons"]:
            epsilon = number(result, "epsilon", path)
            column = robust_column(attack, norm, epsilon)
            if column in row:
                raise ValueError(f"{path}: {column} is given twice for one network")
            robust[column] = (attack, norm, epsilon)
            row[column] = fraction(result, "robust_accuracy", path)
    return sorted(robust, key=lambda name: robust[name])


def add_columns(rows: Rows, added: Mapping[Path, Mapping[str, Any]]) -> None:
    """Put columns by folder of a network into the rows, and their ``notes`` to the others."""
    for folder, values in added.items():
        row = row_of(rows, folder, folder)
        row["notes"] += values.get("notes", [])
        row.update({name: value for name, value in values.items() if name != "notes"})


def add_inference(rows: Rows, energies: Iterable[str | Path]) -> None:
    """Put the energy of inference into the row of its network, or why there is none."""
    for network, record, path in records_of(energies):
        row, inference = row_of(rows, network.folder, path), record["inference"]
        if not inference["measured"]:
            reason = inference.get("reason") or "no reason"
            row["notes"].append(f"energy of inference {NOT_MEASURED}: {reason}")
            row["inference_energy_basis"] = NOT_MEASURED
            continue
        for key in ("joules_per_image", "seconds_per_image"):
            row[f"inference_{key}"] = number(inference, key, path)
            row[f"baseline_inference_{key}"] = number(inference, f"baseline_{key}", path)
        for end in ("low", "high"):
            key = f"joules_per_image_interval_{end}"
            row[f"inference_{key}"] = number(inference, key, path)
        row["inference_interval_coverage"] = number(inference, "interval_coverage", path)
        # of savings paired within a round, as in the answers; the ratio of medians may differ
        saved = inference.get("saving_joules_per_image")
        row["energy_reduction_percent"] = (
            number(inference, "energy_reduction_percent", path)
            if saved is None
            else 100 * saved / row["baseline_inference_joules_per_image"]
        )
        row["inference_energy_basis"] = energy_basis([inference.get("method")])


def add_predictions(rows: Rows, block_latencies: Iterable[str | Path]) -> None:
    """What the blocks that are gone took of a batch's time in the baseline, in percent."""
    for baseline, record, path in records_of(block_latencies):
        whole = number(record["network"], "latency", path)
        for folder, row in rows.items():
            if Network.of(folder).baseline == baseline.folder:
                gone = [record["blocks"][block] for block in row["removed_blocks"].split()]
                saved = math.fsum(number(block, "latency", path) for block in gone)
                row["predicted_latency_reduction_percent"] = 100 * saved / whole


def row_of(rows: Rows, folder: Path, path: Path) -> dict[str, Any]:
    """The row of a folder; ValueError naming ``path`` where the folder is not listed."""
    if folder not in rows:
        raise ValueError(f"{path} belongs to no listed network: list {folder} too")
    return rows[folder]


def epochs_of(path: Path) -> int:
    """How many epochs a history holds."""
    return len(read_history(path))
