"""Accuracy on corrupted and on newly collected test images, against the baseline of the same seed.

Every network of a seed sees the same images, corrupted in the same way, so the comparison is made
image by image: how many of the corruptions and severities of an image each network gets right.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from layer_pruning.report.network_tables import in_order
from layer_pruning.report.records import BASELINE, KEYS, Network, read_json
from layer_pruning.report.significance import (
    NO_DIFFERENCE,
    bounded_interval,
    holm,
    paired_interval,
    sign_flip,
)

CORRUPTED = "corrupted"
COLUMNS = [
    "corrupted_accuracy",
    "corrupted_accuracy_interval_low",
    "corrupted_accuracy_interval_high",
    "mean_corruption_error_percent",
    "corruption_source",
]
"""Of the summary, for corrupted images."""
OUTCOME = [
    *("test", "images", "baseline_accuracy", "accuracy", "difference"),
    *("interval_low", "interval_high", "mean_corruption_error_percent"),
    *("p_value", "p_holm", "verdict", "source"),
]


@dataclass(frozen=True)
class Pair:
    """A pruned network and its baseline on one test; of each image, how many outcomes are right."""

    network: Network
    test: str
    source: str
    indices: Sequence[int]
    before: np.ndarray
    after: np.ndarray
    outcomes: int
    """Outcomes of each image: corruptions times severities, or 1."""
    corruption_error: float
    """Mean corruption error in percent of the baseline's; NaN where there is none."""


def mean_corruption_error(record: Mapping[str, Any], baseline: Mapping[str, Any]) -> float:
    """Mean over corruptions of the errors, in percent of those of a baseline (mCE).

    Errors are added over severities before they are divided (Hendrycks and Dietterich 2019, section
    4.2, where the baseline is AlexNet). NaN without corruptions, and where the baseline makes no
    error on one of them, so that there is nothing to divide by.
    """
    ratios = []
    for name, correct in record["corruptions"].items():
        all_of_it = len(correct) * len(record["image_indices"])
        errors, reference = (all_of_it - sum(r["corruptions"][name]) for r in (record, baseline))
        ratios.append(errors / reference if reference else math.nan)
    return 100 * float(np.mean(ratios)) if ratios else math.nan


def corruption_accuracies(paths: Iterable[str | Path]) -> pd.DataFrame:
    """One row per network and corruption: accuracy, the mean over severities.

    ``paths`` are files ``{network}/corruptions.json``. Test sets that were collected anew are rows
    too; ``collected`` says which.
    """
    rows = []
    for path in dict.fromkeys(map(Path, paths)):
        network, record = Network.of(path.parent), _read(path)
        for name, correct in record["corruptions"].items():
            tests = len(correct) * len(record["image_indices"])
            row = {"test": name, "collected": False, "accuracy": sum(correct) / tests}
            rows.append(network.names | row | {"note": record["note"]})
        for name, result in record["shifted"].items():
            row = {"test": name, "collected": True, "accuracy": np.mean(result["correct"])}
            rows.append(network.names | row | {"note": ""})
    return in_order(pd.DataFrame(rows, columns=[*KEYS, "test", "collected", "accuracy", "note"]))


def paired_shift(paths: Iterable[str | Path], *, pooled: bool = False) -> pd.DataFrame:
    """Every tested network against the baseline of its seed; columns KEYS and OUTCOME.

    ``test`` is "corrupted", the plain mean over corruptions and severities, or the name of a test
    set that was collected anew. ``p_value`` is the exact sign-flip test of the images' sums
    (McNemar's where an image has one outcome), ``p_holm`` corrected for all rows, and the intervals
    of all rows hold at once with 95 %. ``pooled`` takes
    the seeds of a criterion together, as
    :func:`layer_pruning.report.robustness.pooled_robustness` does.

    Raises ValueError if a baseline was not tested on the same images.
    """
    groups: dict[tuple[Any, ...], list[Pair]] = {}
    for pair in _pairs(paths):
        names = [v for k, v in pair.network.names.items() if not (pooled and k == "seed")]
        groups.setdefault((*names, pair.test), []).append(pair)
    columns = [*(n for n in KEYS if not (pooled and n == "seed")), *OUTCOME]
    rows = [
        dict(zip(columns, key, strict=False)) | _outcome(pairs, len(groups))
        for key, pairs in groups.items()
    ]
    frame = pd.DataFrame(rows, columns=columns)
    frame["p_holm"] = holm(frame["p_value"].tolist())
    frame["verdict"] = [
        NO_DIFFERENCE if p >= 0.05 else ("higher" if difference > 0 else "lower")
        for p, difference in zip(frame["p_holm"], frame["difference"], strict=True)
    ]
    return in_order(frame)


def shift_columns(paths: Iterable[str | Path]) -> dict[Path, dict[str, Any]]:
    """By folder of a network, its columns in the summary."""
    records = {path.parent: _read(path) for path in map(Path, paths)}
    columns = {}
    for folder, record in records.items():
        row: dict[str, Any] = {}
        if record["corruptions"]:
            outcomes = len(record["corruptions"]) * len(record["severities"])
            shares = np.array(record["correct_of_image"]) / outcomes
            low, high = bounded_interval(shares)
            baseline = records.get(Network.of(folder).baseline)
            error = math.nan if baseline is None else mean_corruption_error(record, baseline)
            values = (record["corrupted_accuracy"], low, high, error, record["note"])
            row = dict(zip(COLUMNS, values, strict=True))
        for name, result in record["shifted"].items():
            row[f"shifted_accuracy_{name}"] = float(np.mean(result["correct"]))
        columns[folder] = row
    return columns


def _read(path: Path) -> dict[str, Any]:
    record = read_json(path)
    images = len(record["image_indices"])
    if len(record["correct_of_image"]) != images:
        raise ValueError(f"{path}: expected an entry of correct_of_image for {images} images")
    return record


def _pairs(paths: Iterable[str | Path]) -> list[Pair]:
    records = {path.parent: (path, _read(path)) for path in map(Path, paths)}
    pairs = []
    for folder, (path, record) in records.items():
        network = Network.of(folder)
        if network.criterion == BASELINE:
            continue
        if network.baseline not in records:
            raise ValueError(f"{path}: its baseline was not given")
        _, reference = records[network.baseline]
        same = ("image_indices", "severities", "source")
        if any(record[key] != reference[key] for key in same) or any(
            list(record[key]) != list(reference[key]) for key in ("corruptions", "shifted")
        ):
            raise ValueError(f"{path}: tested on other images than its baseline")
        both = (reference, record)
        if record["corruptions"]:
            before, after = (np.array(r["correct_of_image"], dtype=int) for r in both)
            error = mean_corruption_error(record, reference)
            outcomes = len(record["corruptions"]) * len(record["severities"])
            common = (record["note"], record["image_indices"], before, after, outcomes, error)
            pairs.append(Pair(network, CORRUPTED, *common))
        for name in record["shifted"]:
            before, after = (np.array(r["shifted"][name]["correct"], dtype=int) for r in both)
            if len(before) != len(after):
                raise ValueError(f"{path}: {name} has other images than for its baseline")
            pairs.append(
                Pair(network, name, "official files", range(len(after)), before, after, 1, math.nan)
            )
    return pairs


def _outcome(pairs: Sequence[Pair], comparisons: int) -> dict[str, Any]:
    sums: dict[int, int] = {}
    shares: dict[int, list[float]] = {}
    for pair in pairs:
        for index, change in zip(pair.indices, pair.after - pair.before, strict=True):
            sums[index] = sums.get(index, 0) + int(change)
            shares.setdefault(index, []).append(int(change) / pair.outcomes)
    low, high = paired_interval(
        (sum(values) / len(values) for values in shares.values()), comparisons
    )
    before, after = (
        float(np.mean([getattr(pair, when).mean() / pair.outcomes for pair in pairs]))
        for when in ("before", "after")
    )
    return {
        "images": len(sums),
        "baseline_accuracy": before,
        "accuracy": after,
        "difference": after - before,
        "interval_low": low,
        "interval_high": high,
        "mean_corruption_error_percent": float(np.mean([p.corruption_error for p in pairs])),
        "p_value": sign_flip(list(sums.values())),
        "source": pairs[0].source,
    }
