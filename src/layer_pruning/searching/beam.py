"""Beam search over sets of blocks: the best of every size, with no training in between.

Lowerre 1976 (The HARPY speech recognition system): of all sets that one more removal makes of the
kept ones, so many of the best are kept. One kept set is greedy removal; as many as there are, an
exhaustive search.
"""

import logging
from collections.abc import Callable, Sequence

import numpy as np

from layer_pruning.activations.features import Activations
from layer_pruning.activations.sweep import activations_of
from layer_pruning.consensus.catalog import Aggregation
from layer_pruning.consensus.ranking import Ranking
from layer_pruning.models.candidates import Limits
from layer_pruning.models.residual import ResidualNetwork
from layer_pruning.searching.ranking import Score, SetScores
from layer_pruning.searching.sets import BlockSet, in_network_order

logger = logging.getLogger(__name__)

Images = Callable[[np.ndarray], np.ndarray]
"""Gives the images (m, channels, height, width), float32 in [0, 1], at m indices."""


def expand(
    network: ResidualNetwork,
    kept: Sequence[BlockSet],
    images: Images,
    intact: Activations,
    *,
    score: Score,
    how: Aggregation,
    limits: Limits,
) -> Ranking:
    """Every set of one block more than the ``kept`` ones, ranked, the best first.

    ``network`` is the intact one and ``intact`` what was found on its probe set. Each kept set is
    swept once: the network without it, and with every block that may go next bypassed. Progress
    goes to the log. Raises ValueError where no set has a block that may go.
    """
    blocks = network.header.blocks
    grown = SetScores(intact, score)
    seen: set[BlockSet] = set()
    logger.info("%d sets to grow by one block, a sweep each", len(kept))
    for number, gone in enumerate(kept, start=1):
        smaller = network.less(gone)
        children = {
            name: in_network_order({*gone, name}, blocks)
            for name in smaller.header.candidates(limits)
        }
        # two kept sets may lead to the same one
        fresh = {name: one for name, one in children.items() if one not in seen}
        seen.update(fresh.values())
        if fresh:
            given = (images, intact.labels, intact.probe_indices, list(fresh))
            grown.add(activations_of(smaller, *given), fresh.values())
        logger.info("%d of %d sets swept, %d found", number, len(kept), len(seen))
    if not seen:
        raise ValueError("no block may go under these limits")
    return grown.ranked(blocks, how)
