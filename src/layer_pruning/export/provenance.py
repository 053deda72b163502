"""Where an exported network is from, for its manifest."""

from collections.abc import Mapping
from typing import Any

from layer_pruning.configuration import Config, final_criteria, phases, recipe_of
from layer_pruning.models.starts import started_from


def provenance(config: Config, names: Mapping[str, str], data_sha256: str) -> dict[str, Any]:
    """Data, seed, criterion and recipes of a network; ``names`` are the parts of its path."""
    criterion, _, step = names["network"].rpartition("/")
    removals = step.removeprefix("removed-") if step.startswith("removed-") else "0"
    # a last phase is of the criterion on whose path it stands
    chose = final_criteria(config).get(criterion, criterion)
    recipes = {phase: recipe_of(config, phase, names["architecture"]) for phase in phases(config)}
    kind = config["architectures"][names["architecture"]]
    return {
        "data_set": names["dataset"],
        "data_sha256": data_sha256,
        "seed": int(names["seed"]),
        "criterion": criterion or None,
        "removals": int(removals),
        "settings": {"criterion": config["criteria"].get(chose), **recipes},
        "started_from": started_from(kind, names["architecture"]),
    }
