"""A forecast of a configuration on a machine where all pieces of work cost the same."""

import dataclasses
from collections.abc import Iterable
from typing import Any

from layer_pruning.chain import Chain
from layer_pruning.configuration import corruptions_of, epsilons_of
from layer_pruning.estimate.costs import Costs
from layer_pruning.estimate.forecast import work_of
from layer_pruning.estimate.stages import Stage, stages_of

SECONDS = 0.01


def planted_costs(criteria: Iterable[str], seconds: float = SECONDS) -> Costs:
    """So many seconds for every piece of work, half a second to score a network."""
    known = {field.name: seconds for field in dataclasses.fields(Costs)}
    return Costs(**known | {"scoring_seconds": dict.fromkeys(criteria, 0.5)})


def planted_stages(config: dict[str, Any], chain: Chain, here: tuple[str, str]) -> list[Stage]:
    """The stages of one data set and architecture, on the whole machine."""
    return stages_of(
        config,
        work_of(config, chain, *here),
        planted_costs(chain.pruning),
        epsilons=epsilons_of(config, here[0]),
        corruptions=len(corruptions_of(config, here[0])),
        share=1.0,
    )
