"""The file ``attacks/{attack}.json``; this module owns its format and imports no torch."""

import os
from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from layer_pruning.attacks.catalog import ATTACKS, NORMS
from layer_pruning.intervals import wilson_interval
from layer_pruning.runtime.record_files import (
    check_numbers,
    check_share,
    checked,
    part_of_record,
    read_record_file,
    write_record_file,
)

_KEYS = {
    "attack",
    "norm",
    "seed",
    "image_indices",
    "labels",
    "clean_correct",
    "saturated_images",
    "epsilons",
    "warnings",
}
_OPTIONAL = {"examples"}
"""Pictures for the report; results of earlier versions have none."""
SHOWN = 3
"""So many pictures are kept where results are joined."""
_EPSILON_KEYS = {
    "epsilon",
    "correct",
    "robust_accuracy",
    "interval_low",
    "interval_high",
    "broken_by",
    "seconds",
}
# AutoAttack warns when Square alone lowers the robust accuracy by more than this
_SQUARE_SHARE = 0.002


def outcome(
    epsilon: float, correct: Sequence[int], broken_by: Mapping[str, int], seconds: float
) -> dict[str, Any]:
    """The entry of one epsilon: ``correct`` says of each image (0 or 1) whether it withstood.

    ``broken_by`` counts the images that each attack broke at this epsilon, which for an ensemble
    are those that the attacks before it, and smaller epsilons, had left.
    """
    robust, count = sum(correct), len(correct)
    low, high = wilson_interval(robust, count)
    return {
        "epsilon": epsilon,
        "correct": list(correct),
        "robust_accuracy": robust / count,
        "interval_low": low,
        "interval_high": high,
        "broken_by": dict(broken_by),
        "seconds": seconds,
    }


def join_results(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One result from those of parts of the images, in the order given.

    Raises ValueError where the parts are not of one attack, or hold an image twice.
    """
    if not parts:
        raise ValueError("no parts of an attack to join")
    first = parts[0]
    for key in ("attack", "norm", "seed"):
        found = sorted({str(part[key]) for part in parts})
        if len(found) > 1:
            raise ValueError(f"parts of different attacks cannot be joined: {key} {found}")
    epsilons = [[entry["epsilon"] for entry in part["epsilons"]] for part in parts]
    if any(other != epsilons[0] for other in epsilons):
        raise ValueError(f"parts attacked at different epsilons cannot be joined: {epsilons}")
    joined = {key: first[key] for key in ("attack", "norm", "seed")}
    for key in ("image_indices", "labels", "clean_correct"):
        if key in first:
            joined[key] = [value for part in parts for value in part[key]]
    indices = joined.get("image_indices", [])
    if len(set(indices)) < len(indices):
        raise ValueError("parts of an attack hold an image twice")
    joined["saturated_images"] = sum(part["saturated_images"] for part in parts)
    joined["epsilons"] = [
        _joined_outcome(entries) for entries in zip(*(p["epsilons"] for p in parts), strict=True)
    ]
    said = [
        text for part in parts for text in part["warnings"] if text not in _count_warnings(part)
    ]
    joined["warnings"] = [*dict.fromkeys(said), *_count_warnings(joined)]
    # those that fell first, as without parts
    fallen = (one for part in parts for one in part.get("examples", []))
    joined["examples"] = sorted(fallen, key=itemgetter("epsilon"))[:SHOWN]
    return joined


def _joined_outcome(entries: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    correct: list[int] = []
    broken: dict[str, int] = {}
    seconds = 0.0
    for entry in entries:
        correct += entry["correct"]
        seconds += entry["seconds"]
        for name, count in entry["broken_by"].items():
            broken[name] = broken.get(name, 0) + count
        epsilon = entry["epsilon"]
    return outcome(epsilon, correct, broken, seconds)


def _count_warnings(result: Mapping[str, Any]) -> list[str]:
    """What the counts of a result warn of, so that parts and the whole are judged alike."""
    texts = []
    images, saturated = len(result["labels"]), result["saturated_images"]
    if result["attack"] == "pgd" and saturated:
        texts.append(
            f"{saturated} of {images} images have a softmax of 1 in float32: gradients of their "
            "cross-entropy are inexact, so this attack may overrate their robustness"
        )
    for entry in result["epsilons"]:
        alone = entry["broken_by"].get("square", 0)
        if alone > _SQUARE_SHARE * images:
            texts.append(
                f"Square alone broke {alone} images at epsilon {entry['epsilon']:g}: "
                "gradients may be masked, so robustness may be overrated"
            )
    return texts


def write_result(path: str | os.PathLike[str], result: dict[str, Any]) -> None:
    """Write the result of ``attack_network`` plus ``image_indices``; it appears whole.

    Raises ValueError if a key is missing or the lists do not fit together.
    """
    checked(path, result, _check)
    write_record_file(path, result, indent=None)


def read_result(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read and check a result; raise ValueError naming the file if it is not one."""
    return read_record_file(path, _check)


def join_files(path: str | os.PathLike[str], shards: Sequence[str | os.PathLike[str]]) -> None:
    """Write one result from the files of its shards, in their order.

    Raises ValueError naming a file that is none, or as :func:`join_results`.
    """
    write_result(path, join_results([read_result(shard) for shard in shards]))


def _check(result: dict[str, Any]) -> None:
    if set(result) - _OPTIONAL != _KEYS:
        raise ValueError(f"an attack result has the keys {sorted(_KEYS)}, not {sorted(result)}")
    if result["attack"] not in ATTACKS or result["norm"] not in NORMS:
        raise ValueError(f"unknown attack or norm: {result['attack']}, {result['norm']}")
    n = len(result["labels"])
    for key in ("image_indices", "clean_correct"):
        if len(result[key]) != n:
            raise ValueError(f"{key} has {len(result[key])} entries for {n} labels")
    if not result["epsilons"]:
        raise ValueError("no epsilon")
    for entry in result["epsilons"]:
        if not isinstance(entry, dict) or set(entry) != _EPSILON_KEYS:
            raise ValueError(f"an epsilon has the keys {sorted(_EPSILON_KEYS)}")
        if len(entry["correct"]) != n or not set(entry["correct"]) <= {0, 1}:
            raise ValueError(
                f"correct must be 0 or 1 for each of {n} images at epsilon {entry['epsilon']}"
            )
        if any(
            now > before
            for now, before in zip(entry["correct"], result["clean_correct"], strict=True)
        ):
            raise ValueError(
                f"an image is robust at epsilon {entry['epsilon']} but wrong without attack"
            )
        with part_of_record(f"epsilons[{entry['epsilon']}]"):
            check_numbers(entry, "epsilon", "seconds")
            said = {"correct": sum(entry["correct"]), "images": n}
            said["robust_accuracy"] = entry["robust_accuracy"]
            check_share(said, part="correct", whole="images", share="robust_accuracy")
