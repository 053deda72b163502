"""The file ``attacks/{attack}.json``; this module owns its format and imports no torch."""

import json
import os
from pathlib import Path
from typing import Any

from layer_pruning.atomic import written_whole
from layer_pruning.attacks.catalog import ATTACKS, NORMS

_KEYS = {
    "attack",
    "norm",
    "seed",
    "image_indices",
    "labels",
    "clean_correct",
    "epsilons",
    "warnings",
}
_EPSILON_KEYS = {
    "epsilon",
    "correct",
    "robust_accuracy",
    "interval_low",
    "interval_high",
    "seconds",
}


def write_result(path: str | os.PathLike[str], result: dict[str, Any]) -> None:
    """Write the result of ``attack_network`` plus ``image_indices``; it appears whole.

    Raises ValueError if a key is missing or the lists do not fit together.
    """
    _check(result, Path(path))
    with written_whole(path) as temporary:
        # one list a line would make thousands of lines of 0 and 1
        temporary.write_text(json.dumps(result, allow_nan=False) + "\n")


def read_result(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read and check a result; raise ValueError naming the file if it is not one."""
    path = Path(path)
    try:
        result = json.loads(path.read_text())
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}: not JSON ({error})") from None
    _check(result, path)
    return result


def _check(result: Any, path: Path) -> None:
    if not isinstance(result, dict) or set(result) != _KEYS:
        found = sorted(result) if isinstance(result, dict) else type(result).__name__
        raise ValueError(f"{path}: an attack result has the keys {sorted(_KEYS)}, not {found}")
    if result["attack"] not in ATTACKS or result["norm"] not in NORMS:
        raise ValueError(f"{path}: unknown attack or norm: {result['attack']}, {result['norm']}")
    n = len(result["labels"])
    for key in ("image_indices", "clean_correct"):
        if len(result[key]) != n:
            raise ValueError(f"{path}: {key} has {len(result[key])} entries for {n} labels")
    if not result["epsilons"]:
        raise ValueError(f"{path}: no epsilon")
    for entry in result["epsilons"]:
        if not isinstance(entry, dict) or set(entry) != _EPSILON_KEYS:
            raise ValueError(f"{path}: an epsilon has the keys {sorted(_EPSILON_KEYS)}")
        if len(entry["correct"]) != n or not set(entry["correct"]) <= {0, 1}:
            raise ValueError(
                f"{path}: correct must be {n} times 0 or 1 at epsilon {entry['epsilon']}"
            )
        if any(
            now > before
            for now, before in zip(entry["correct"], result["clean_correct"], strict=True)
        ):
            raise ValueError(
                f"{path}: an image is robust at epsilon {entry['epsilon']} but wrong without attack"
            )
