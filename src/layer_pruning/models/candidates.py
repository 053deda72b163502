"""Which blocks may go next, and how many in all. Imports no torch."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from layer_pruning.models.blocks import Block


def candidates(
    blocks: Iterable[Block],
    removed: Collection[str] = (),
    *,
    min_blocks_per_stage: int,
    protect: Collection[str] = (),
) -> list[str]:
    """Names of the blocks that may go next, in network order.

    A block may go when its shortcut is the identity, it is not protected, and its stage keeps
    at least ``min_blocks_per_stage`` blocks without it.
    """
    kept = [block for block in blocks if block.name not in removed]
    left = Counter(block.stage for block in kept)
    return [
        block.name
        for block in kept
        if block.removable
        and block.name not in protect
        and left[block.stage] > min_blocks_per_stage
    ]


def most_removals(
    blocks: Sequence[Block], *, min_blocks_per_stage: int, protect: Collection[str] = ()
) -> int:
    """How many blocks can be removed in all, whatever the order."""
    removed: list[str] = []
    while remaining := candidates(
        blocks, removed, min_blocks_per_stage=min_blocks_per_stage, protect=protect
    ):
        removed.append(remaining[0])
    return len(removed)
