"""Sets of blocks ranked by a criterion, held against the intact network."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from layer_pruning.activations.features import Activations
from layer_pruning.consensus.catalog import Aggregation
from layer_pruning.consensus.ranking import Ranking, rank_blocks
from layer_pruning.models.blocks import Block
from layer_pruning.models.header import NetworkHeader
from layer_pruning.scoring.probe import Probe
from layer_pruning.scoring.scores import Scores, score
from layer_pruning.searching.sets import BlockSet, named_set, set_name

Score = Callable[[Probe], Scores]
"""The metrics of a criterion on a probe set: metric to name to distance."""


def score_by(metrics: Sequence[str], header: NetworkHeader) -> Score:
    """The metrics of these names, all of which look at the probe images and at nothing else."""
    return partial(score, metrics, header=header, tensors={}, draw="")


class SetScores:
    """The distances of sets of blocks from the intact network, put together sweep by sweep."""

    def __init__(self, intact: Activations, score: Score) -> None:
        self.intact, self.score = intact, score
        self.scores: Scores = {}

    def add(self, found: Activations, names: Iterable[BlockSet]) -> None:
        """Score candidates of a sweep, which is of a smaller network than the intact one.

        ``names`` are the sets that are gone with each of its candidates.
        """
        # not against the network that was swept: distances from two networks compare with nothing
        probe = replace(
            found,
            features=self.intact.features,
            logits=self.intact.logits,
            blocks=np.array([set_name(one) for one in names]),
        )
        for metric, distances in self.score(probe).items():
            self.scores.setdefault(metric, {}).update(distances)

    def ranked(self, network: Iterable[Block], how: Aggregation) -> Ranking:
        """All sets in one ranking; of equal ones, that whose blocks come first goes first."""
        return rank_sets(self.scores, network, how)


def rank_sets(
    scores: Mapping[str, Mapping[str, float]], network: Iterable[Block], how: Aggregation
) -> Ranking:
    """A ranking whose rows are sets rather than blocks, of every metric and of all together.

    One metric's distances from the intact network compare as they are. Those of several metrics
    are ranked among all sets at once, whichever set each was grown from: ranks among the children
    of one set say nothing of those of another.
    """
    place = {block.name: number for number, block in enumerate(network)}
    names = sorted(
        next(iter(scores.values())), key=lambda name: [place[block] for block in named_set(name)]
    )
    return rank_blocks(scores, names, how)
