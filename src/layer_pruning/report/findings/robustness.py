"""Robust accuracy, image by image, against the baseline of the same seed.

The attacks of one seed see the same images before and after pruning, so that the comparison can be
made image by image. That resolves far smaller changes than two separate intervals: of 1,000 images
and 50 % robust accuracy, each alone is only known to 3 points.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from layer_pruning.intervals import wilson_interval
from layer_pruning.report.network_tables import in_order
from layer_pruning.report.records import KEYS, attack_results, fraction, number
from layer_pruning.report.statistics.paired import Outcome, compared

ATTACK = ["attack", "norm", "epsilon"]
FOUND = ["robust_accuracy", "interval_low", "interval_high"]


def robust_accuracy(attacks: Iterable[str | Path]) -> pd.DataFrame:
    """One row per network, attack and epsilon; epsilon 0 is the clean accuracy on the same images.

    ``attacks`` are files ``{network}/attacks/{attack}.json``. Columns: the five names of a network,
    attack, norm, epsilon, images, robust_accuracy, interval_low, interval_high (Wilson 95 %).
    """
    rows = []
    for network, record, path in attack_results(attacks):
        names = network.names | {"attack": record["attack"], "norm": record["norm"]}
        clean = np.asarray(record["clean_correct"])
        names["images"] = len(clean)
        low, high = wilson_interval(int(clean.sum()), len(clean))
        rows.append(names | _point(0.0, float(clean.mean()), low, high))
        for result in record["epsilons"]:
            ends = (fraction(result, key, path) for key in FOUND)
            rows.append(names | _point(number(result, "epsilon", path), *ends))
    frame = pd.DataFrame(rows, columns=[*KEYS, *ATTACK, "images", *FOUND])
    return in_order(frame.sort_values(ATTACK, kind="stable"))


def compared_robustness(attacks: Iterable[str | Path], **how: Any) -> pd.DataFrame:
    """Every attacked network beside another, see ``paired.compared``.

    Tests are attack, norm and epsilon. ``clean_difference`` is the same difference without an
    attack, on the same images: how much of a change the attack did not cause.
    """
    attacked, clean = _outcomes(attacks)
    frame = compared(attacked, ATTACK, "robust_accuracy", **how)
    before = compared(clean, ATTACK[:2], "accuracy", **how)
    names = [name for name in KEYS if name in frame] + ATTACK[:2]
    before = before[[*names, "difference"]].rename(columns={"difference": "clean_difference"})
    return frame.merge(before, on=names, how="left")


def _outcomes(attacks: Iterable[str | Path]) -> tuple[list[Outcome], list[Outcome]]:
    """What every network did at every epsilon, and without an attack."""
    attacked, clean = [], []
    for network, record, path in attack_results(attacks):
        test, images = (record["attack"], record["norm"]), np.asarray(record["image_indices"])
        clean.append(Outcome(network, test, images, np.asarray(record["clean_correct"]), path))
        for result in record["epsilons"]:
            at, correct = (*test, float(result["epsilon"])), np.asarray(result["correct"])
            attacked.append(Outcome(network, at, images, correct, path))
    return attacked, clean


def _point(epsilon: float, *found: float) -> dict[str, float]:
    return {"epsilon": epsilon} | dict(zip(FOUND, found, strict=True))
