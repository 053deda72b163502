"""Criteria that look at nothing: what any other has to beat."""

import hashlib
from collections.abc import Sequence


def random_score(block: str, draw: str) -> float:
    """A number in [0, 1) that depends on ``draw`` and the block's name alone.

    A digest rather than ``hash()`` or a generator's position: the same on every machine and in
    every session, whichever blocks are asked for.
    """
    digest = hashlib.sha256(f"{draw}\n{block}".encode()).digest()
    return int.from_bytes(digest[:7], "big") / 2**56


def depth_scores(all_blocks: Sequence[str], blocks: Sequence[str]) -> dict[str, float]:
    """The depth of each block in the unpruned network, so that the shallowest goes first."""
    return {block: float(all_blocks.index(block)) for block in blocks}


def listed_scores(blocks: Sequence[str], listed: Sequence[str]) -> dict[str, float]:
    """The place of each block in ``listed``, so that its first goes first; the others follow."""
    order = [*listed, *(block for block in blocks if block not in listed)]
    return {block: float(order.index(block)) for block in blocks}
