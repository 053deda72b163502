"""Remove one named block from a network file. No torch."""

from collections.abc import Mapping, Sequence

import numpy as np

from layer_pruning.models.candidates import Limits
from layer_pruning.models.header import NetworkHeader

# Raised when pruned networks change, so that Snakemake redoes what depends on them.
REVISION = 1


def without_block(
    header: NetworkHeader, tensors: Mapping[str, np.ndarray], block: str
) -> tuple[NetworkHeader, dict[str, np.ndarray]]:
    """The network less the residual branch of ``block``; its identity shortcut stays.

    Every other tensor is the same object, and ``block`` is added to the history of removals.
    Raises ValueError where the network has no such block, or the block cannot go.
    """
    smaller = header.without(block)
    paths = next(one.paths for one in header.blocks if one.name == block)
    gone = tuple(f"{path}." for path in paths)
    kept = {name: value for name, value in tensors.items() if not name.startswith(gone)}
    return smaller, kept


def without_blocks(
    header: NetworkHeader,
    tensors: Mapping[str, np.ndarray],
    order: Sequence[str],
    *,
    count: int,
    limits: Limits,
) -> tuple[NetworkHeader, dict[str, np.ndarray]]:
    """The network less ``count`` blocks, the first of ``order`` that may go.

    Each removal can make a block the last that its stage has to keep: what may go is looked up
    again after every one, and such a block is passed over. Raises ValueError where fewer than
    ``count`` blocks of ``order`` may go.
    """
    kept = dict(tensors)
    waiting = list(order)
    for done in range(count):
        allowed = header.candidates(limits)
        block = next((name for name in waiting if name in allowed), None)
        if block is None:
            raise ValueError(
                f"{count} blocks should go, and only {done} of {', '.join(order)} may with "
                f"min_blocks_per_stage: {limits.min_blocks_per_stage}"
            )
        waiting.remove(block)
        header, kept = without_block(header, kept, block)
    return header, kept
