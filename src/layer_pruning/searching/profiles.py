"""Search over depth profiles: how many blocks of each stage go, all profiles of one size scored."""

import logging
import os
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from layer_pruning.activations.features import Activations
from layer_pruning.activations.sweep import activations_of
from layer_pruning.consensus.catalog import Aggregation
from layer_pruning.consensus.ranking import Ranking
from layer_pruning.models.candidates import Limits
from layer_pruning.models.residual import ResidualNetwork
from layer_pruning.searching.beam import Images
from layer_pruning.searching.norms import recalibrate, running_norms
from layer_pruning.searching.ranking import Score, SetScores
from layer_pruning.searching.sets import BlockSet, choices, in_network_order, profiles
from layer_pruning.searching.target import within_target

logger = logging.getLogger(__name__)

BATCH = 100
"""Images of a batch whose statistics norms take; the last one may have up to twice as many."""


def profiles_of(
    network: ResidualNetwork,
    size: int,
    limits: Limits,
    order: Sequence[str],
    *,
    target: Mapping[str, float] | None = None,
    latencies: Sequence[str | os.PathLike[str]] = (),
) -> list[BlockSet]:
    """The set of every depth profile of an intact network with ``size`` blocks less.

    ``order`` names the blocks, the first to go first: of each stage they go in this order. With a
    ``target``, the sets that reach it where some do, see
    :func:`layer_pruning.searching.target.within_target`. Raises ValueError where there is no such
    profile.
    """
    blocks = network.header.blocks
    sets = [in_network_order(one, blocks) for one in profiles(choices(blocks, limits), size, order)]
    if not sets:
        raise ValueError(f"no profile has {size} blocks less under these limits")
    return within_target(sets, target or {}, network, latencies)


def score_profiles(
    network: ResidualNetwork,
    sets: Sequence[BlockSet],
    images: Images,
    intact: Activations,
    *,
    score: Score,
    how: Aggregation,
) -> Ranking:
    """The sets of blocks ranked, each after norms were estimated anew without it, the best first.

    ``network`` is the intact one, whose norms stay as they are, and ``intact`` what was found on
    its probe set, on whose images norms are estimated. Progress goes to the log.
    """
    scored = SetScores(intact, score)
    logger.info("%d profiles, %d network evaluations", len(sets), 2 * len(sets))
    if not running_norms(network):
        logger.info("no norm keeps statistics: none are estimated")
    for number, gone in enumerate(sets, start=1):
        smaller = network.less(gone)
        recalibrate(smaller, _batches(images, intact.probe_indices))
        found = activations_of(smaller, images, intact.labels, intact.probe_indices, [])
        scored.add(as_candidate(found), [gone])
        if 10 * number // len(sets) > 10 * (number - 1) // len(sets):
            logger.info("%d of %d profiles", number, len(sets))
    return scored.ranked(network.header.blocks, how)


def as_candidate(found: Activations) -> Activations:
    """The network that was swept as the one candidate of a sweep."""
    return Activations(
        features=found.features,
        features_bypassed=found.features[None],
        logits=found.logits,
        logits_bypassed=found.logits[None],
        labels=found.labels,
        blocks=found.blocks,
        probe_indices=found.probe_indices,
    )


def _batches(images: Images, indices: np.ndarray) -> Iterator[Tensor]:
    """The probe images in batches of all classes: they lie class by class."""
    count = max(1, len(indices) // BATCH)
    for first in range(count):
        yield torch.from_numpy(images(indices[first::count]))
