"""The area under a robustness curve: one number for all epsilons of an attack.

The curve goes from the accuracy without an attack, at epsilon 0, in straight lines through the
robust accuracies to the largest epsilon, by which the area is divided: 1 for a network that is
always right, 0 for one that never is. It depends on the epsilons, so only areas over the same ones
are compared. It is the mean of the areas of single images, which gives its interval.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from layer_pruning.report.columns import with_ends
from layer_pruning.report.findings.robustness import ATTACK
from layer_pruning.report.records import attack_results, number
from layer_pruning.report.statistics.paired import Outcome, compared
from layer_pruning.report.statistics.significance import bounded_interval


def areas_of_images(record: Mapping[str, Any], path: str | Path) -> np.ndarray:
    """The area (n,) under the outcomes of each image, by the trapezoidal rule.

    Raises ValueError for epsilons that do not rise from above 0.
    """
    epsilons = np.array([0.0, *(number(entry, "epsilon", path) for entry in record["epsilons"])])
    outcomes = np.array(
        [record["clean_correct"], *(entry["correct"] for entry in record["epsilons"])], dtype=float
    )
    widths = np.diff(epsilons)
    if len(widths) == 0 or (widths <= 0).any():
        raise ValueError(f"{path}: epsilons {epsilons[1:].tolist()} should rise from above 0")
    areas: np.ndarray = widths @ (outcomes[1:] + outcomes[:-1]) / 2 / epsilons[-1]
    return areas


def compared_areas(attacks: Iterable[str | Path], **how: Any) -> pd.DataFrame:
    """Every attacked network beside another, see ``paired.compared``.

    Tests are attack, norm and the number of epsilons. A network whose baseline met other epsilons
    or images has no row.
    """
    outcomes = []
    for network, record, path in attack_results(attacks):
        test = (record["attack"], record["norm"], len(record["epsilons"]))
        images, areas = np.asarray(record["image_indices"]), areas_of_images(record, path)
        kind = (*(entry["epsilon"] for entry in record["epsilons"]), *record["image_indices"])
        outcomes.append((kind, Outcome(network, test, images, areas, path)))
    met = {(kind, own.test, own.network.folder) for kind, own in outcomes}
    alike = [own for kind, own in outcomes if (kind, own.test, own.network.baseline) in met]
    return compared(alike, [*ATTACK[:2], "epsilons"], "robust_area", **how)


def area_names(attack: str, norm: str) -> list[str]:
    """The columns of the area of one attack and its 95 % interval in the summary."""
    return with_ends(f"robust_area_{attack}_{norm}")


def area_columns(attacks: Iterable[str | Path]) -> dict[Path, dict[str, float]]:
    """By folder of a network, the columns of its areas in the summary."""
    columns: dict[Path, dict[str, float]] = {}
    for network, record, path in attack_results(attacks):
        areas = areas_of_images(record, path)
        names = area_names(record["attack"], record["norm"])
        values = (float(areas.mean()), *bounded_interval(areas))
        columns.setdefault(network.folder, {}).update(zip(names, values, strict=True))
    return columns
