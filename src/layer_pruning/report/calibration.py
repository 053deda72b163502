"""What ``calibration.json`` says, as columns of the summary and as rows of a table."""

import math
from collections.abc import Iterable
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd

from layer_pruning.report.network_tables import in_order
from layer_pruning.report.records import KEYS, Network, number, read_json

ERRORS = ("expected_calibration_error", "negative_log_likelihood", "brier_score")
ENDS = ("", "_interval_low", "_interval_high")
EXPECTED = [f"{ERRORS[0]}{end}" for end in ENDS]


def calibration_columns(paths: Iterable[str | Path]) -> dict[Path, dict[str, Any]]:
    """By folder of a network, its columns in the summary: the test split, as trained and scaled.

    Where no temperature fits, the scaled ones are NaN and ``notes`` says why.
    """
    columns = {}
    for path in dict.fromkeys(map(Path, paths)):
        record = read_json(path)
        test = record["splits"]["test"]
        row: dict[str, Any] = {}
        for scaling, suffix in (("as_trained", ""), ("scaled", "_scaled")):
            errors = test[scaling]
            for name, end in product(ERRORS, ENDS):
                value = math.nan if errors is None else number(errors, f"{name}{end}", path)
                row[f"{name}{suffix}{end}"] = value
        row["temperature"] = number(record, "temperature", path)
        row["notes"] = [record["reason"]] if record["reason"] else []
        columns[path.parent] = row
    return columns


def reliability(paths: Iterable[str | Path]) -> pd.DataFrame:
    """One row per network, scaling and bin with images, of the test split.

    Columns: the five names of a network, scaled, images, accuracy, confidence (their mean highest
    probability), expected_calibration_error (of all bins) with its 95 % interval over images.
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
                    row |= {name: errors[name] for name in EXPECTED}
                    rows.append(network.names | {"scaled": scaled} | row)
    columns = [*KEYS, "scaled", "images", "accuracy", "confidence", *EXPECTED]
    return in_order(pd.DataFrame(rows, columns=columns))
