"""What ``calibration.json`` says, as columns of the summary and as rows of a table."""

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from layer_pruning.report.network_tables import in_order
from layer_pruning.report.records import KEYS, Network, number, read_json

ERRORS = ("expected_calibration_error", "negative_log_likelihood", "brier_score")
COLUMNS = [*ERRORS, *(f"{name}_scaled" for name in ERRORS), "temperature"]
"""Of the summary."""


def calibration_columns(paths: Iterable[str | Path]) -> dict[Path, dict[str, Any]]:
    """By folder of a network, its columns in the summary: the test split, as trained and scaled.

    Where no temperature fits, the scaled ones are NaN and ``notes`` says why.
    """
    columns = {}
    for path in dict.fromkeys(map(Path, paths)):
        record = read_json(path)
        test = record["splits"]["test"]
        row: dict[str, Any] = {name: number(test["as_trained"], name, path) for name in ERRORS}
        scaled = test["scaled"]
        for name in ERRORS:
            row[f"{name}_scaled"] = math.nan if scaled is None else number(scaled, name, path)
        row["temperature"] = number(record, "temperature", path)
        row["notes"] = [record["reason"]] if record["reason"] else []
        columns[path.parent] = row
    return columns


def reliability(paths: Iterable[str | Path]) -> pd.DataFrame:
    """One row per network, scaling and bin with images, of the test split.

    Columns: the five names of a network, scaled, images, accuracy, confidence (their mean highest
    probability), expected_calibration_error (of all bins).
    """
    rows = []
    for path in dict.fromkeys(map(Path, paths)):
        network, test = Network.of(path.parent), read_json(path)["splits"]["test"]
        for scaled in (False, True):
            errors = test["scaled" if scaled else "as_trained"]
            for place in errors["bins"] if errors else ():
                if place["images"]:
                    names = ("images", "accuracy", "confidence")
                    row: dict[str, Any] = {name: place[name] for name in names}
                    row["expected_calibration_error"] = errors["expected_calibration_error"]
                    rows.append(network.names | {"scaled": scaled} | row)
    columns = [*KEYS, "scaled", "images", "accuracy", "confidence", "expected_calibration_error"]
    return in_order(pd.DataFrame(rows, columns=columns))
