"""Remove one named block from a network file. No torch."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from layer_pruning.models.network_file import NetworkHeader

# Raised when pruned networks change, so that Snakemake redoes what depends on them.
REVISION = 1


def without_block(
    header: NetworkHeader, tensors: Mapping[str, np.ndarray], block: str
) -> tuple[NetworkHeader, dict[str, np.ndarray]]:
    """The network less the residual branch of ``block``; its identity shortcut stays.

    Every other tensor is the same object, and ``block`` is added to the history of removals.
    Raises ValueError where the network has no such block, or the block cannot go.
    """
    known = {candidate.name: candidate for candidate in header.blocks}
    if block not in known:
        raise ValueError(f"'{block}' is no block of {header.architecture}: {', '.join(known)}")
    if block in header.removed_blocks:
        raise ValueError(
            f"'{block}' was removed before; left are {', '.join(header.kept_blocks())}"
        )
    if not known[block].removable:
        raise ValueError(f"'{block}' cannot be removed: {known[block].reason}")
    kept = {name: value for name, value in tensors.items() if not name.startswith(f"{block}.")}
    return replace(header, removed_blocks=(*header.removed_blocks, block)), kept
