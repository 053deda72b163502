"""What ``calibration.json`` says, as columns of the summary and as rows of a table."""

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from layer_pruning.report.columns import with_ends
from layer_pruning.report.network_tables import in_order
from layer_pruning.report.records import KEYS, number, records_of

ERRORS = ("expected_calibration_error", "negative_log_likelihood", "brier_score")
EXPECTED = with_ends(ERRORS[0])


def calibration_columns(paths: Iterable[str | Path]) -> dict[Path, dict[str, Any]]:
    """By folder of a network, its columns in the summary: the test split, as trained and scaled.

    Where no temperature fits, the scaled ones are NaN and ``notes`` says why.
    """
    columns = {}
    for network, record, path in records_of(paths):
        test = record["splits"]["test"]
        row: dict[str, Any] = {}
        for scaling, suffix in (("as_trained", ""), ("scaled", "_scaled")):
            errors = test[scaling]
            for error in ERRORS:
                columns_of = zip(with_ends(f"{error}{suffix}"), with_ends(error), strict=True)
                for column, key in columns_of:
                    row[column] = math.nan if errors is None else number(errors, key, path)
        row["temperature"] = number(record, "temperature", path)
        row["notes"] = [record["reason"]] if record["reason"] else []
        columns[network.folder] = row
    return columns


def reliability(paths: Iterable[str | Path]) -> pd.DataFrame:
    """One row per network, scaling and bin with images, of the test split.

    Columns: the five names of a network, scaled, images, accuracy, confidence (their mean highest
    probability), expected_calibration_error (of all bins) with its 95 % interval over images.
    """
    rows = []
    for network, record, _ in records_of(paths):
        test = record["splits"]["test"]
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
