"""Which sets of blocks can go together, and how many there are. No torch.

A set is a tuple of names in network order, and its name those with a space between, as the column
``removed_blocks`` of the summary has them.
"""

import itertools
import math
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from layer_pruning.models.blocks import Block
from layer_pruning.models.candidates import Limits, candidates

BlockSet = tuple[str, ...]


@dataclass(frozen=True)
class StageChoice:
    """What may go of one stage: any ``most`` of ``blocks``."""

    stage: str
    blocks: BlockSet
    most: int


def choices(blocks: Sequence[Block], limits: Limits) -> list[StageChoice]:
    """What may go of the stages of an unpruned network; stages that keep all are left out."""
    stages = {block.name: block.stage for block in blocks}
    by_stage: dict[str, list[str]] = {}
    for name in candidates(blocks, limits=limits):
        by_stage.setdefault(stages[name], []).append(name)
    spare = Counter(stages.values())
    return [
        StageChoice(
            stage, tuple(names), min(len(names), spare[stage] - limits.min_blocks_per_stage)
        )
        for stage, names in by_stage.items()
    ]


def count_sets(stages: Sequence[StageChoice], size: int) -> int:
    """How many sets of ``size`` blocks can go."""
    return _coefficient(
        size, [[math.comb(len(one.blocks), n) for n in range(one.most + 1)] for one in stages]
    )


def count_profiles(stages: Sequence[StageChoice], size: int) -> int:
    """How many depth profiles have ``size`` blocks less: numbers of blocks that go, by stage."""
    return _coefficient(size, [[1] * (one.most + 1) for one in stages])


def _coefficient(power: int, factors: Iterable[Sequence[int]]) -> int:
    """The coefficient of x to ``power`` in a product of polynomials."""
    product = [1] + [0] * power
    for factor in factors:
        product = [
            sum(product[n - m] * factor[m] for m in range(min(n + 1, len(factor))))
            for n in range(power + 1)
        ]
    return product[power]


def profiles(stages: Sequence[StageChoice], size: int, order: Sequence[str]) -> list[BlockSet]:
    """The set of every depth profile with ``size`` blocks less.

    ``order`` names blocks, the first to go first: it says which blocks of a stage go.
    """
    first = [[name for name in order if name in one.blocks] for one in stages]
    numbers = [range(min(one.most, size) + 1) for one in stages]
    return [
        tuple(name for names, count in zip(first, counts, strict=True) for name in names[:count])
        for counts in itertools.product(*numbers)
        if sum(counts) == size
    ]


def in_network_order(blocks: Collection[str], network: Iterable[Block]) -> BlockSet:
    """The set of these blocks."""
    return tuple(block.name for block in network if block.name in blocks)


def set_name(blocks: BlockSet) -> str:
    """The name of a set, in a table."""
    return " ".join(blocks)


def named_set(name: str) -> BlockSet:
    """The set of that name."""
    return tuple(name.split())
