"""The kinds of metrics: what each looks at, and how it scores blocks. A kind is an entry here."""

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass

import numpy as np

from layer_pruning.models.header import NetworkHeader
from layer_pruning.scoring.catalog import (
    FUNCTIONAL_METRICS,
    METRIC_NAMES,
    SAVINGS,
)
from layer_pruning.scoring.controls import depth_scores, random_score
from layer_pruning.scoring.functional import FUNCTIONAL
from layer_pruning.scoring.own import own_distances, own_metric
from layer_pruning.scoring.probe import Probe
from layer_pruning.scoring.savings import Savings, saving_scores
from layer_pruning.scoring.weights import OF_WEIGHTS
from layer_pruning.similarity.catalog import CATALOG


@dataclass(frozen=True)
class Given:
    """What a metric may look at: probe images, network, and what removals save."""

    probe: Probe
    header: NetworkHeader
    tensors: Mapping[str, np.ndarray]
    """Those of a network file, or what a network in memory has learnt."""
    draw: str
    """What identifies the draw of ``random``."""
    savings: Savings

    @property
    def blocks(self) -> list[str]:
        """The candidates, in network order."""
        names: list[str] = self.probe.blocks.tolist()
        return names


@dataclass(frozen=True)
class Kind:
    """A kind of metrics."""

    names: Container[str]
    scores: Callable[[str, Given], Mapping[str, float] | np.ndarray]
    """The scores of a metric: by block, or (c,) in network order."""
    resampled: Callable[[str, Probe, np.ndarray], np.ndarray] | None = None
    """Its scores (r, c) on the probe images (n) at each of the samples (r, n).

    None where it looks at no images, so that its scores stay.
    """
    different: Callable[[str, Probe], int] = lambda metric, probe: 1
    """How many different images each of these samples has to hold."""


class _OwnNames(Container[str]):
    """All that may name a function of the user's own."""

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and ":" in name


def kind_of(metric: str) -> Kind:
    """The kind of a metric. Raises ValueError, in one line, where it is none."""
    for kind in KINDS:
        if metric in kind.names:
            return kind
    raise ValueError(
        f"'{metric}' is no metric: known are {', '.join(METRIC_NAMES)}, and functions of "
        "your own as my_module:my_metric"
    )


def _similarity(metric: str, given: Given) -> np.ndarray:
    # scipy takes half a second to import, and most criteria of comparison need none
    from layer_pruning.similarity import distances

    probe = given.probe
    return distances(metric, probe.features, probe.features_bypassed, probe.labels)


def _resampled_similarity(metric: str, probe: Probe, samples: np.ndarray) -> np.ndarray:
    from layer_pruning.similarity.resampling import resampled_distances

    return resampled_distances(
        metric, probe.features, probe.features_bypassed, probe.labels, samples
    )


def _different(metric: str, probe: Probe) -> int:
    classes = len(np.unique(probe.labels))
    return CATALOG[metric].minimum_different(probe.features.shape[1], classes)


def _functional(metric: str, given: Given) -> np.ndarray:
    whole = np.arange(len(given.probe.labels))
    result: np.ndarray = _resampled_functional(metric, given.probe, whole[None])[0]
    return result


def _resampled_functional(metric: str, probe: Probe, samples: np.ndarray) -> np.ndarray:
    intact = probe.logits.astype(np.float64)
    bypassed = probe.logits_bypassed.astype(np.float64)
    return np.array(
        [FUNCTIONAL[metric](intact[s], bypassed[:, s], probe.labels[s]) for s in samples]
    )


def _own(metric: str, given: Given) -> np.ndarray:
    probe = given.probe
    features = (probe.features, probe.features_bypassed, probe.labels)
    return own_distances(metric, own_metric(metric), *features, given.blocks)


def _resampled_own(metric: str, probe: Probe, samples: np.ndarray) -> np.ndarray:
    function, blocks = own_metric(metric), probe.blocks.tolist()
    rows = []
    for sample in samples:
        features = (probe.features[sample], probe.features_bypassed[:, sample])
        rows.append(own_distances(metric, function, *features, probe.labels[sample], blocks))
    return np.array(rows)


def _random(metric: str, given: Given) -> dict[str, float]:
    return {block: random_score(block, given.draw) for block in given.blocks}


def _of_weights(metric: str, given: Given) -> dict[str, float]:
    return OF_WEIGHTS[metric](given.tensors, given.blocks, given.header.weights)


def _depth(metric: str, given: Given) -> dict[str, float]:
    return depth_scores([block.name for block in given.header.blocks], given.blocks)


KINDS = (
    Kind(CATALOG, _similarity, _resampled_similarity, _different),
    Kind(FUNCTIONAL_METRICS, _functional, _resampled_functional),
    Kind(OF_WEIGHTS, _of_weights),
    Kind(SAVINGS, lambda metric, given: saving_scores(metric, given.savings, given.blocks)),
    Kind(["random"], _random),
    Kind(["shallowest"], _depth),
    Kind(_OwnNames(), _own, _resampled_own),
)
"""Every metric that a criterion may name is of the first of these that has its name."""
