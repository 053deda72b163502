"""What a search costs, told before it starts: sweeps of the probe set, and networks run. No torch.

A sweep runs a network with every block that may go next bypassed in turn; for a ResNet that is
about half as many network evaluations as there are such blocks.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from layer_pruning.searching.catalog import BEAM
from layer_pruning.searching.sets import StageChoice, count_profiles, count_sets


@dataclass(frozen=True)
class SearchCost:
    """Of one search, from the intact network to a number of removals."""

    jobs: int
    sweeps: int
    """At most so many: sets that a beam keeps may lead to the same ones."""
    profiles: int
    """Networks whose norms are estimated anew, and that are then run: two passes each."""


def counted(number: int, word: str) -> str:
    """A number and what is counted."""
    return f"{number} {word}{'' if number == 1 else 's'}"


def search_cost(stages: Sequence[StageChoice], search: str, beam: int, removals: int) -> SearchCost:
    """What it takes to find the best set of ``removals`` blocks.

    The sweep of the intact network, which every criterion needs, is not counted.
    """
    if search != BEAM:
        return SearchCost(1, 0, count_profiles(stages, removals))
    kept = [min(beam, count_sets(stages, size)) for size in range(1, removals)]
    return SearchCost(len(kept), sum(kept), 0)


def search_costs(
    stages: Sequence[StageChoice], search: str, beam: int, sizes: Sequence[int]
) -> SearchCost:
    """What it takes to find the best sets of several sizes, ascending.

    A beam passes through the smaller sizes on its way; profiles are searched for each.
    """
    asked = sizes[-1:] if search == BEAM else sizes
    costs = [search_cost(stages, search, beam, size) for size in asked]
    return SearchCost(
        sum(cost.jobs for cost in costs),
        sum(cost.sweeps for cost in costs),
        sum(cost.profiles for cost in costs),
    )


def dearest_job(stages: Sequence[StageChoice], search: str, beam: int, removals: int) -> SearchCost:
    """What the dearest of the jobs takes that search sets of up to so many blocks."""
    sizes = range(1, removals + 1)
    if search != BEAM:
        return SearchCost(1, 0, max(count_profiles(stages, size) for size in sizes))
    return SearchCost(1, max(min(beam, count_sets(stages, size)) for size in sizes), 0)
