"""Robust accuracy, image by image, against the baseline of the same seed.

The attacks of one seed see the same images before and after pruning, so the comparison counts the
images on which the two networks differ. That resolves far smaller changes than two separate
intervals: of 1,000 images and 50 % robust accuracy, each alone is only known to 3 points.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from layer_pruning.intervals import wilson_interval
from layer_pruning.report.network_tables import in_order
from layer_pruning.report.records import BASELINE, KEYS, Network, fraction, number, read_json
from layer_pruning.report.significance import (
    NO_DIFFERENCE,
    Mean,
    holm,
    mcnemar,
    paired_interval,
    sign_flip,
)

ATTACK = ["attack", "norm", "epsilon"]
PAIRED = [
    *KEYS,
    *ATTACK,
    *("images", "baseline_robust_accuracy", "robust_accuracy", "difference"),
    *("interval_low", "interval_high", "n10", "n01", "clean_difference"),
    *("p_value", "p_holm", "verdict"),
]
POOLED = [
    *("dataset", "architecture", "criterion", "removed"),
    *ATTACK,
    *("seeds", "images", "baseline_robust_accuracy", "robust_accuracy", "difference"),
    *("interval_low", "interval_high", "n10", "n01", "clean_difference"),
    *("p_value", "p_holm", "verdict", "seed_interval_low", "seed_interval_high"),
]


@dataclass(frozen=True)
class Pair:
    """A pruned network and its baseline under one attack; one entry an image, 0 or 1."""

    network: Network
    attack: tuple[str, str, float]
    indices: np.ndarray
    before: np.ndarray
    after: np.ndarray
    clean_difference: float

    @property
    def lost(self) -> int:
        """n10: images that only the baseline gets right."""
        return int(np.sum(self.before > self.after))

    @property
    def gained(self) -> int:
        """n01: images that only the pruned network gets right."""
        return int(np.sum(self.after > self.before))


def robust_accuracy(attacks: Iterable[str | Path]) -> pd.DataFrame:
    """One row per network, attack and epsilon; epsilon 0 is the clean accuracy on the same images.

    ``attacks`` are files ``{network}/attacks/{attack}.json``. Columns: the five names of a network,
    attack, norm, epsilon, images, robust_accuracy, interval_low, interval_high (Wilson 95 %).
    """
    rows = []
    for path in dict.fromkeys(map(Path, attacks)):
        network, record = Network.of(path.parent.parent), _attack(path)
        names = network.names | {"attack": record["attack"], "norm": record["norm"]}
        clean = record["clean_correct"]
        names["images"] = len(clean)
        low, high = wilson_interval(int(clean.sum()), len(clean))
        rows.append(names | _point(0.0, float(clean.mean()), low, high))
        for result in record["epsilons"]:
            rows.append(
                names
                | _point(
                    number(result, "epsilon", path),
                    *(
                        fraction(result, key, path)
                        for key in ("robust_accuracy", "interval_low", "interval_high")
                    ),
                )
            )
    columns = ["dataset", "architecture", "seed", "criterion", "removed", *ATTACK, "images"]
    frame = pd.DataFrame(
        rows, columns=[*columns, "robust_accuracy", "interval_low", "interval_high"]
    )
    return in_order(frame.sort_values(ATTACK, kind="stable"))


def paired_robustness(attacks: Iterable[str | Path]) -> pd.DataFrame:
    """Every attacked network against the baseline of its seed, on identical images.

    ``n10`` images only the baseline gets right and ``n01`` only the pruned network;
    ``difference`` = (n01 - n10) / images with its interval (Agresti and Min; those of all rows hold
    at once with 95 %, by Bonferroni), ``p_value`` exact McNemar, ``p_holm`` corrected for all rows
    of this table. ``verdict`` rests on ``p_holm``.
    ``clean_difference`` is the same difference without an attack: how much of a change the
    attack did not cause.

    Raises ValueError if a baseline was not attacked in the same way on the same images.
    """
    rows, pairs = [], _pairs(attacks)
    for pair in pairs:
        rows.append(
            pair.network.names
            | dict(zip(ATTACK, pair.attack, strict=True))
            | _outcome([pair], len(pairs))
            | {"p_value": mcnemar(pair.lost, pair.gained)}
        )
    return _with_verdicts(pd.DataFrame(rows, columns=PAIRED))


def pooled_robustness(attacks: Iterable[str | Path]) -> pd.DataFrame:
    """The same with the seeds of a criterion taken together, one row per attack and epsilon.

    Seeds are mostly attacked on the same images and an image that is easy for one network is easy
    for the next, so images and not (image, seed) pairs are the independent units: ``p_value`` is
    the exact sign-flip test of the images' sums over seeds, which is McNemar's for one seed, and
    the interval is that of the images' means. Both speak of these networks and of other images;
    ``seed_interval_*`` is the 95 % t-interval over seeds and speaks of other training runs.
    """
    groups: dict[tuple[Any, ...], list[Pair]] = {}
    for pair in _pairs(attacks):
        names = {k: v for k, v in pair.network.names.items() if k != "seed"}
        groups.setdefault((*names.values(), *pair.attack), []).append(pair)
    rows = []
    for key, pairs in groups.items():
        sums: dict[int, int] = {}
        for pair in pairs:
            for index, change in zip(pair.indices, pair.after - pair.before, strict=True):
                sums[int(index)] = sums.get(int(index), 0) + int(change)
        per_seed = Mean.of(float(np.mean(pair.after - pair.before)) for pair in pairs)
        rows.append(
            dict(zip(POOLED[:7], key, strict=True))
            | _outcome(pairs, len(groups))
            | {
                "seeds": len(pairs),
                "p_value": sign_flip(list(sums.values())),
                "seed_interval_low": per_seed.low,
                "seed_interval_high": per_seed.high,
            }
        )
    return _with_verdicts(pd.DataFrame(rows, columns=POOLED))


def epsilon_labels(epsilons: Sequence[float]) -> list[str]:
    """Epsilons as people write them: short decimals, else 255ths where all are quarters of one."""
    parts = [epsilon * 255 for epsilon in epsilons]
    short = all(round(epsilon, 4) == epsilon for epsilon in epsilons)
    if not short and all(abs(4 * part - round(4 * part)) < 1e-6 for part in parts):
        return ["0" if part == 0 else f"{part:.4g}/255" for part in parts]
    return [f"{epsilon:.3g}" for epsilon in epsilons]


def _pairs(attacks: Iterable[str | Path]) -> list[Pair]:
    records = {}
    for path in dict.fromkeys(map(Path, attacks)):
        network, record = Network.of(path.parent.parent), _attack(path)
        records[network.folder, record["attack"], record["norm"]] = (network, record, path)
    pairs = []
    for (_, attack, norm), (network, record, path) in records.items():
        if network.criterion == BASELINE:
            continue
        if (network.baseline, attack, norm) not in records:
            raise ValueError(f"{path}: its baseline was not given under {attack} {norm}")
        _, reference, _ = records[network.baseline, attack, norm]
        if not np.array_equal(record["image_indices"], reference["image_indices"]):
            raise ValueError(f"{path}: attacked on other images than its baseline")
        before = {result["epsilon"]: result["correct"] for result in reference["epsilons"]}
        clean = float(np.mean(record["clean_correct"] - reference["clean_correct"]))
        for result in record["epsilons"]:
            if result["epsilon"] not in before:
                raise ValueError(f"{path}: baseline not attacked at epsilon {result['epsilon']}")
            pairs.append(
                Pair(
                    network,
                    (attack, norm, float(result["epsilon"])),
                    record["image_indices"],
                    before[result["epsilon"]],
                    result["correct"],
                    clean,
                )
            )
    return pairs


def _attack(path: Path) -> dict[str, Any]:
    record = read_json(path)
    record["norm"] = str(record["norm"] or "").lower()
    images = len(record["image_indices"])
    for key in ("image_indices", "clean_correct"):
        record[key] = np.asarray(record[key], dtype=int)
    for result in record["epsilons"]:
        result["correct"] = np.asarray(result["correct"], dtype=int)
    for outcomes in (record["clean_correct"], *(r["correct"] for r in record["epsilons"])):
        if images == 0 or len(outcomes) != images or not np.isin(outcomes, (0, 1)).all():
            raise ValueError(f"{path}: expected one outcome, 0 or 1, for each of {images} images")
    return record


def _point(epsilon: float, accuracy: float, low: float, high: float) -> dict[str, float]:
    return {
        "epsilon": epsilon,
        "robust_accuracy": accuracy,
        "interval_low": low,
        "interval_high": high,
    }


def _outcome(pairs: list[Pair], comparisons: int) -> dict[str, Any]:
    """Accuracies before and after, their difference and its interval over images."""
    changes: dict[int, list[int]] = {}
    for pair in pairs:
        for index, change in zip(pair.indices, pair.after - pair.before, strict=True):
            changes.setdefault(int(index), []).append(int(change))
    low, high = paired_interval(
        (sum(change) / len(change) for change in changes.values()), comparisons
    )
    before = float(np.mean([pair.before.mean() for pair in pairs]))
    after = float(np.mean([pair.after.mean() for pair in pairs]))
    lost, gained = sum(pair.lost for pair in pairs), sum(pair.gained for pair in pairs)
    return {
        "images": len(changes),
        "baseline_robust_accuracy": before,
        "robust_accuracy": after,
        "difference": (gained - lost) / sum(len(pair.indices) for pair in pairs),
        "interval_low": low,
        "interval_high": high,
        "n10": lost,
        "n01": gained,
        "clean_difference": float(np.mean([pair.clean_difference for pair in pairs])),
    }


def _with_verdicts(frame: pd.DataFrame) -> pd.DataFrame:
    frame["p_holm"] = holm(frame["p_value"].tolist())
    frame["verdict"] = [
        NO_DIFFERENCE if p >= 0.05 else ("higher" if difference > 0 else "lower")
        for p, difference in zip(frame["p_holm"], frame["difference"], strict=True)
    ]
    return in_order(frame.sort_values(ATTACK, kind="stable"))
