"""What speaks against trusting a robust accuracy: warnings of the attacks, and their order.

A weak attack that breaks images which a strong one leaves standing shows that the strong one
failed, mostly because gradients are masked (Athalye et al. 2018, arXiv:1802.00420; Carlini et al.
2019, arXiv:1902.06705, section 3.2).
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from layer_pruning.report.network_tables import in_order
from layer_pruning.report.records import KEYS, Network, attack_results

# from weak to strong: each contains, or is far stronger than, those before it
STRENGTH = ("fgsm", "pgd", "autoattack", "autoattack_plus")
WARNINGS = [*KEYS, "attack", "norm", "warning"]


def attack_warnings(attacks: Iterable[str | Path]) -> pd.DataFrame:
    """One row per network, attack and warning; columns WARNINGS.

    ``attacks`` are files ``{network}/attacks/{attack}.json``. Their own warnings come first, then
    one for every attack that another, weaker one surpassed on an image at the same epsilon.
    """
    records: dict[Network, list[dict[str, Any]]] = {}
    for network, record, _ in attack_results(attacks):
        records.setdefault(network, []).append(record)
    rows = []
    for network, found in records.items():
        for record in found:
            names = network.names | {"attack": record["attack"], "norm": record["norm"]}
            rows += [names | {"warning": text} for text in record["warnings"]]
            rows += [
                names | {"warning": text}
                for weaker in found
                if _is_weaker(weaker, record)
                for text in _surpassed(weaker, record)
            ]
    return in_order(pd.DataFrame(rows, columns=WARNINGS))


def _is_weaker(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    names = one["attack"], other["attack"]
    return (
        all(name in STRENGTH for name in names)
        and STRENGTH.index(names[0]) < STRENGTH.index(names[1])
        and one["norm"] == other["norm"]
        and one["image_indices"] == other["image_indices"]
    )


def _surpassed(weaker: Mapping[str, Any], record: Mapping[str, Any]) -> list[str]:
    texts = []
    broken = {entry["epsilon"]: entry["correct"] for entry in weaker["epsilons"]}
    for entry in record["epsilons"]:
        before = broken.get(entry["epsilon"])
        if before is None:
            continue
        missed = sum(b < a for b, a in zip(before, entry["correct"], strict=True))
        if missed:
            texts.append(
                f"{weaker['attack']} broke {missed} images at epsilon {entry['epsilon']:g} that "
                f"{record['attack']} did not: gradients may be masked, so robustness may be "
                "overrated"
            )
    return texts
