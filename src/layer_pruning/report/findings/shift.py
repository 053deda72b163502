"""Accuracy on corrupted and on newly collected test images, against the baseline of the same seed.

Every network of a seed sees the same images, corrupted in the same way, so the comparison is made
image by image: how many of the corruptions and severities of an image each network gets right.
"""

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from layer_pruning.report.network_tables import in_order
from layer_pruning.report.records import BASELINE, KEYS, records_of
from layer_pruning.report.statistics.paired import Outcome, compared
from layer_pruning.report.statistics.significance import bounded_interval

CORRUPTED = "corrupted"


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
    for network, record, _ in records_of(paths):
        for name, correct in record["corruptions"].items():
            tests = len(correct) * len(record["image_indices"])
            row = {"test": name, "collected": False, "accuracy": sum(correct) / tests}
            rows.append(network.names | row | {"note": record["note"]})
        for name, result in record["shifted"].items():
            row = {"test": name, "collected": True, "accuracy": np.mean(result["correct"])}
            rows.append(network.names | row | {"note": ""})
    return in_order(pd.DataFrame(rows, columns=[*KEYS, "test", "collected", "accuracy", "note"]))


def compared_shift(paths: Iterable[str | Path], **how: Any) -> pd.DataFrame:
    """Every tested network beside another, see ``paired.compared``.

    ``test`` is "corrupted", of every image the share of corruptions and severities that it
    withstands, or the name of a test set that was collected anew. Two more columns: the mean
    corruption error in percent of the baseline's (mean over the seeds of a row), and the source.
    """
    found = list(records_of(paths))
    records = {network.folder: record for network, record, _ in found}
    outcomes, told = [], []
    for network, record, path in found:
        baseline = records.get(network.baseline)
        if baseline is not None and _kind(record) != _kind(baseline):
            raise ValueError(f"{path}: tested on other images than its {BASELINE}")
        if record["corruptions"]:
            images = np.asarray(record["image_indices"])
            shares = _shares_of_images(record)
            outcomes.append(Outcome(network, (CORRUPTED,), images, shares, path))
            error = mean_corruption_error(record, baseline) if baseline else math.nan
            told.append((network, CORRUPTED, error, record["note"]))
        for name, result in record["shifted"].items():
            correct = np.array(result["correct"], dtype=int)
            images = np.arange(len(correct))
            outcomes.append(Outcome(network, (name,), images, correct, path))
            told.append((network, name, math.nan, "official files"))
    frame = compared(outcomes, ["test"], "accuracy", **how)
    names = [name for name in KEYS if name in frame] + ["test"]
    rows = [
        network.names | {"test": test, "mean_corruption_error_percent": error, "source": source}
        for network, test, error, source in told
    ]
    more = pd.DataFrame(rows, columns=[*KEYS, "test", "mean_corruption_error_percent", "source"])
    means = more.groupby(names, as_index=False).agg(
        {"mean_corruption_error_percent": "mean", "source": "first"}
    )
    return frame.merge(means, on=names, how="left")


def shift_columns(paths: Iterable[str | Path]) -> dict[Path, dict[str, Any]]:
    """By folder of a network, its columns in the summary."""
    found = {network: record for network, record, _ in records_of(paths)}
    records, columns = {network.folder: record for network, record in found.items()}, {}
    for network, record in found.items():
        row: dict[str, Any] = {}
        if record["corruptions"]:
            low, high = bounded_interval(_shares_of_images(record))
            baseline = records.get(network.baseline)
            error = mean_corruption_error(record, baseline) if baseline else math.nan
            row = {
                "corrupted_accuracy": record["corrupted_accuracy"],
                "corrupted_accuracy_interval_low": low,
                "corrupted_accuracy_interval_high": high,
                "mean_corruption_error_percent": error,
                "corruption_source": record["note"],
            }
        for name, result in record["shifted"].items():
            row[f"shifted_accuracy_{name}"] = float(np.mean(result["correct"]))
        columns[network.folder] = row
    return columns


def _kind(record: Mapping[str, Any]) -> tuple[Any, ...]:
    """What two records have to have in common to be of the same images."""
    names = list(record["corruptions"]), list(record["shifted"])
    return (record["image_indices"], record["severities"], record["source"], *names)


def _shares_of_images(record: Mapping[str, Any]) -> np.ndarray:
    """Of each image the share of corruptions and severities that are right, (n,)."""
    tests = len(record["corruptions"]) * len(record["severities"])
    shares: np.ndarray = np.array(record["correct_of_image"]) / tests
    return shares
