"""Which network a file belongs to, and what the record in it says."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from layer_pruning.attacks.result import read_result
from layer_pruning.attacks.shift_result import read_shift
from layer_pruning.consensus.agreement import read_agreement
from layer_pruning.energy.ledger import read_energy, read_ledger
from layer_pruning.energy.record import read_emissions
from layer_pruning.evaluation.records import (
    read_accuracy,
    read_calibration,
    read_complexity,
    read_latency,
    read_shortcut,
)
from layer_pruning.plan.steps import steps_to
from layer_pruning.scoring.savings import read_saving
from layer_pruning.scoring.starts import read_starts

BASELINE = "baseline"
"""The criterion given to a network from which nothing was removed."""

NOT_MEASURED = "not measured"

KEYS = ["dataset", "architecture", "seed", "criterion", "removed"]
"""The columns that tell networks apart: they are read off the folder."""


Place = tuple[str, str, str, int]
"""Data set, architecture, criterion and removals: the networks of all seeds."""


@dataclass(frozen=True)
class Network:
    """A network, named by its folder ``.../{dataset}/{architecture}/seed-{seed}/{network}``.

    ``{network}`` is ``baseline`` or ``{criterion}/removed-{nn}``, or ``{criterion}/beside-{nn}``
    for an unpruned one that stands beside networks with so many removals.
    """

    folder: Path
    dataset: str
    architecture: str
    seed: int
    criterion: str
    removed: int
    """Removals, or those of the networks that an unpruned one stands beside."""
    unpruned: bool = False

    @classmethod
    def of(cls, folder: str | Path) -> "Network":
        """Read the names off a folder.

        Raises ValueError if the folder is not named as above.
        """
        folder = Path(folder)
        parts = folder.parts
        if parts and parts[-1] == BASELINE:
            criterion, removed, above, unpruned = BASELINE, 0, parts[:-1], True
        else:
            pattern = r"(removed|beside)-(\d{2,})"
            step = re.fullmatch(pattern, parts[-1]) if len(parts) > 1 else None
            if step is None:
                raise ValueError(
                    f"{folder}: expected a folder baseline or {{criterion}}/removed-nn"
                )
            criterion, removed, above = parts[-2], int(step[2]), parts[:-2]
            unpruned = step[1] == "beside"
        seed = re.fullmatch(r"seed-(\d+)", above[-1]) if len(above) > 2 else None
        if seed is None:
            raise ValueError(f"{folder}: expected {{dataset}}/{{architecture}}/seed-{{seed}} above")
        return cls(folder, above[-3], above[-2], int(seed[1]), criterion, removed, unpruned)

    @property
    def place(self) -> Place:
        """Where it stands, whatever its seed."""
        return self.dataset, self.architecture, self.criterion, self.removed

    @property
    def baseline(self) -> Path:
        """The folder of the network that this one was cut from."""
        if self.criterion == BASELINE:
            return self.folder
        return self.folder.parent.parent / BASELINE

    @property
    def results(self) -> Path:
        """The folder of all results, in which the report lies."""
        return self.baseline.parents[3]

    def path(self, criterion: str, blocks_per_step: int = 1) -> list[Path]:
        """The folders of a criterion's fine-tuned networks up to as many removals as this one."""
        steps, run = steps_to(self.removed, blocks_per_step), self.baseline.parent
        return [run / criterion / f"removed-{step:02d}" for step in steps]

    @property
    def names(self) -> dict[str, Any]:
        """The five columns that tell one network from another in every table."""
        return {
            "dataset": self.dataset,
            "architecture": self.architecture,
            "seed": self.seed,
            "criterion": self.criterion,
            "removed": self.removed,
        }


OF_FILE = {
    "accuracy.json": read_accuracy,
    "calibration.json": read_calibration,
    "complexity.json": read_complexity,
    "corruptions.json": read_shift,
    "emissions.json": read_emissions,
    "energy.json": read_energy,
    "latency.json": read_latency,
    "ledger.json": read_ledger,
    "shortcut.json": read_shortcut,
    "stochastic_starts.json": read_starts,
}
OF_FOLDER = {"attacks": read_result, "ranking": read_agreement, "savings": read_saving}
"""Readers of records with names of the user's, by their folder."""


def read_json(path: str | Path) -> dict[str, Any]:
    """One record, by the reader of the room that wrote it.

    Raises FileNotFoundError if it is missing, and ValueError in one line with file and field if it
    is damaged or its numbers do not fit together.
    """
    path = Path(path)
    # folders first: an attack may be called latency, and savings/latency.json is none of latency
    reader = OF_FOLDER.get(path.parent.name) or OF_FILE.get(path.name)
    if reader is None:
        raise ValueError(f"{path}: no record of that name is read")
    return reader(path)


def records_of(paths: Iterable[str | Path]) -> Iterator[tuple[Network, dict[str, Any], Path]]:
    """Every record once: the network that it is of, what it says, and its file."""
    for path in dict.fromkeys(map(Path, paths)):
        folder = path.parent.parent if path.parent.name in OF_FOLDER else path.parent
        yield Network.of(folder), read_json(path), path


def attack_results(
    attacks: Iterable[str | Path],
) -> Iterator[tuple[Network, dict[str, Any], Path]]:
    """The records ``attacks/{attack}.json``, with norms as tables name them."""
    for network, record, path in records_of(attacks):
        yield network, record | {"norm": record["norm"].lower()}, path


def number(record: Mapping[str, Any], key: str, path: str | Path) -> float:
    """A number of a record as a float; null is NaN, because unknown is not zero.

    Raises ValueError if the key is missing or its value is not a number.
    """
    if key not in record:
        raise ValueError(f"{path} has no {key}")
    value = record[key]
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{path}: {key} is {value!r}, expected a number or null")
    return float(value)


def fraction(record: Mapping[str, Any], key: str, path: str | Path) -> float:
    """A number of a record between 0 and 1; raises ValueError for a percentage."""
    value = number(record, key, path)
    if not (math.isnan(value) or 0.0 <= value <= 1.0):
        raise ValueError(f"{path}: {key} is {value}, expected a fraction between 0 and 1")
    return value


def energy_basis(methods: Iterable[Mapping[str, Any] | None]) -> str:
    """What energy figures rest on: "counter", "estimate", "part counter, part estimate".

    ``methods`` are the ``method`` entries of the records that were added up, each naming for
    every component a "counter: ..." or an "estimate: ..."; components that say "none" do not
    count. "not stated" when no component says anything.
    """
    kinds = {
        "counter" if str(how).startswith("counter") else "estimate"
        for method in methods
        for how in (method or {}).values()
        if how is not None and not str(how).startswith("none")
    }
    if not kinds:
        return "not stated"
    return kinds.pop() if len(kinds) == 1 else "part counter, part estimate"


def read_rankings(paths: Iterable[str | Path]) -> list[dict[str, Any]]:
    """Agreement records ``{network}/ranking/{criterion}.json``, with the names of their network.

    Each record gains dataset, architecture, seed, criterion and step. The criterion is that of the
    file, since the baseline is ranked by every criterion, and step counts from 1: the ranking made
    on ``removed-04`` chooses the fifth block.
    """
    records = []
    for path in map(Path, paths):
        network = Network.of(path.parent.parent)
        if network.criterion not in (BASELINE, path.stem):
            raise ValueError(f"{path}: a ranking by {path.stem} on a path of {network.criterion}")
        names = network.names | {"criterion": path.stem, "step": network.removed + 1}
        names.pop("removed")
        records.append(names | {k: v for k, v in read_json(path).items() if k not in names})
    return sorted(
        records,
        key=lambda r: (r["dataset"], r["architecture"], r["criterion"], r["seed"], r["step"]),
    )


def read_steps(outcomes: Iterable[str | Path]) -> dict[int, list[str]]:
    """The blocks that went at each step of one path, by the number of the first of them.

    ``outcomes`` are complexity.json of its networks, from few removals to many: each lists all
    blocks that are gone, in the order in which they went.
    """
    steps: dict[int, list[str]] = {}
    gone = 0
    for path in outcomes:
        removed = read_json(path)["removed_blocks"]
        steps[gone + 1] = removed[gone:]
        gone = len(removed)
    return steps
