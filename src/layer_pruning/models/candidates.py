"""Which blocks may go next, and how many in all. Imports no torch."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from layer_pruning.models.blocks import Block


@dataclass(frozen=True)
class Limits:
    """What every network keeps: so many blocks of each stage, and the blocks named."""

    min_blocks_per_stage: int
    protect: Collection[str] = ()

    @classmethod
    def of(cls, settings: Any) -> "Limits":
        """The limits among the settings of a configuration, or the params of a job."""
        return cls(settings["min_blocks_per_stage"], settings["protect"])


def candidates(
    blocks: Iterable[Block], removed: Collection[str] = (), *, limits: Limits
) -> list[str]:
    """Names of the blocks that may go next, in network order.

    A block may go when its shortcut is the identity, it is not protected, and its stage keeps
    the blocks that it has to keep without it.
    """
    kept = [block for block in blocks if block.name not in removed]
    left = Counter(block.stage for block in kept)
    return [
        block.name
        for block in kept
        if block.removable
        and block.name not in limits.protect
        and left[block.stage] > limits.min_blocks_per_stage
    ]


def most_removals(blocks: Sequence[Block], limits: Limits) -> int:
    """How many blocks can be removed in all, whatever the order."""
    removed: list[str] = []
    while remaining := candidates(blocks, removed, limits=limits):
        removed.append(remaining[0])
    return len(removed)
