"""The page of one network: its blocks, how it was trained, and all that was measured of it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from layer_pruning.report.html_page import rendered
from layer_pruning.report.records import BASELINE, Network, read_json
from layer_pruning.training.history import read_history

KEPT_EXAMPLES = 12
"""So many attacked images are shown at most."""


@dataclass(frozen=True)
class Block:
    """A block, and which removal took it; 0 where none did."""

    name: str
    removal: int = 0


def network_page(
    folder: Path, up: str, files: Sequence[Path] = (), class_names: Sequence[str] = ()
) -> str:
    """The page of the network in ``folder``.

    ``files`` are what was made of the network in this run, below its folder, ``up`` the address
    of the report, and ``class_names`` what the classes are called, by their number.
    """
    network = Network.of(folder)
    what = f"{network.criterion} after {network.removed} removals"
    if network.unpruned:
        what = f"{network.criterion}, unpruned, beside networks after {network.removed} removals"
    if network.criterion == BASELINE:
        what = "the baseline"
    there = {file.relative_to(folder).as_posix(): file for file in files}
    attacks = [
        read_json(file) for name, file in there.items() if re.fullmatch(r"attacks/[^/]*", name)
    ]
    accuracies = None
    if "history.csv" in there:
        accuracies = [epoch.validation_accuracy for epoch in read_history(there["history.csv"])]
    return rendered(
        "network.html",
        title=f"{network.architecture} on {network.dataset}, seed {network.seed}: {what}",
        up=up,
        stages=stages(read_json(folder / "complexity.json")),
        size=read_json(folder / "complexity.json"),
        test=read_json(folder / "accuracy.json")["splits"]["test"],
        timing=_largest_batch(there),
        inference=read_json(there["energy.json"])["inference"] if "energy.json" in there else None,
        accuracies=accuracies,
        curve=curve(accuracies or []),
        attacks=attacks,
        examples=examples(attacks, class_names),
        files=sorted(there),
        exported=any(name.startswith("export/") for name in there),
    )


def stages(complexity: Mapping[str, Any]) -> list[list[Block]]:
    """The blocks of every stage, in order, kept or removed and when."""
    gone = {name: place for place, name in enumerate(complexity["removed_blocks"], start=1)}
    found: dict[str, list[Block]] = {}
    for name in sorted([*complexity["blocks"], *gone], key=_place):
        found.setdefault(name.rpartition(".")[0], []).append(Block(name, gone.get(name, 0)))
    return list(found.values())


def _place(name: str) -> list[tuple[int, str]]:
    """Names sorted as people do: block10 after block9."""
    return [(int(n) if n else -1, letter) for n, letter in re.findall(r"(\d+)|(\D)", name)]


def _largest_batch(there: Mapping[str, Path]) -> Mapping[str, Any] | None:
    """The timing of the largest batch, if there is one."""
    if "latency.json" not in there:
        return None
    timings: list[dict[str, Any]] = read_json(there["latency.json"])["timings"]
    return max(timings, key=lambda timing: timing["batch_size"])


def curve(values: Sequence[float]) -> list[tuple[float, float]]:
    """A point a value, in a drawing of 480 by 120 whose corner is at (50, 30)."""
    if len(values) < 2:
        return []
    low, step = min(values), 480 / (len(values) - 1)
    span = max(values) - low or 1.0
    return [(50 + step * n, 150 - 120 * (value - low) / span) for n, value in enumerate(values)]


def examples(
    attacks: Sequence[Mapping[str, Any]], class_names: Sequence[str]
) -> list[dict[str, Any]]:
    """Some images that an attack changed, with the names of their classes."""

    def called(number: int) -> str:
        return class_names[number] if number < len(class_names) else f"class {number}"

    found = [
        one
        | {"attack": record["attack"]}
        | {key: called(one[key]) for key in ("label", "taken_for")}
        for record in attacks
        for one in record.get("examples", [])
    ]
    return found[:KEPT_EXAMPLES]
