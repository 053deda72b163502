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

from layer_pruning.report.network_tables import in_order
from layer_pruning.report.records import KEYS, Network, number, read_json
from layer_pruning.report.robustness import ATTACK
from layer_pruning.report.significance import bounded_interval, paired_interval

AREAS = [
    *KEYS,
    *ATTACK[:2],
    *("epsilons", "images", "baseline_robust_area", "robust_area", "interval_low"),
    *("interval_high", "difference", "difference_interval_low", "difference_interval_high"),
]


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


def robust_areas(attacks: Iterable[str | Path]) -> pd.DataFrame:
    """One row per network and attack, columns AREAS; differences are paired image by image.

    ``interval_*`` are 95 % intervals over images. The differences of baselines are empty, and so
    are those of networks whose baseline met other epsilons or images.
    """
    found = {}
    for path in dict.fromkeys(map(Path, attacks)):
        network, record = Network.of(path.parent.parent), read_json(path)
        norm = str(record["norm"] or "").lower()
        epsilons = tuple(entry["epsilon"] for entry in record["epsilons"])
        same = (record["attack"], norm, epsilons, tuple(record["image_indices"]))
        found[network.folder, same] = (network, areas_of_images(record, path))
    rows = []
    for (folder, same), (network, areas) in found.items():
        low, high = bounded_interval(areas)
        row = network.names | {
            "attack": same[0],
            "norm": same[1],
            "epsilons": len(same[2]),
            "images": len(areas),
            "robust_area": float(areas.mean()),
            "interval_low": low,
            "interval_high": high,
        }
        if folder != network.baseline and (network.baseline, same) in found:
            _, before = found[network.baseline, same]
            change = areas - before
            ends = paired_interval(change.tolist())
            row |= {"baseline_robust_area": float(before.mean()), "difference": change.mean()}
            row |= {"difference_interval_low": ends[0], "difference_interval_high": ends[1]}
        rows.append(row)
    frame = pd.DataFrame(rows, columns=AREAS)
    return in_order(frame.sort_values(ATTACK[:2], kind="stable"))


def area_names(attack: str, norm: str) -> list[str]:
    """The columns of the area of one attack and its 95 % interval in the summary."""
    name = "_".join(["robust_area", attack, *([norm.lower()] if norm else [])])
    return [name, f"{name}_interval_low", f"{name}_interval_high"]


def area_columns(attacks: Iterable[str | Path]) -> dict[Path, dict[str, float]]:
    """By folder of a network, the columns of its areas in the summary."""
    columns: dict[Path, dict[str, float]] = {}
    for path in dict.fromkeys(map(Path, attacks)):
        record = read_json(path)
        areas = areas_of_images(record, path)
        names = area_names(record["attack"], record["norm"] or "")
        values = (float(areas.mean()), *bounded_interval(areas))
        columns.setdefault(path.parent.parent, {}).update(zip(names, values, strict=True))
    return columns
