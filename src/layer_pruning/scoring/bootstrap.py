"""Scores on resamples of the probe images: would another draw have removed the same block?"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from layer_pruning.scoring.kinds import kind_of
from layer_pruning.scoring.probe import Probe
from layer_pruning.scoring.scores import Scores
from layer_pruning.similarity.resampling import different_images

TRIES = 100
USUAL_SHARE = 0.6
"""Of the images, a resample holds about so many; the rest of it is repeated."""


@dataclass(frozen=True)
class Resamples:
    """Scores of c blocks by m metrics on r resamples; r is 0 where no metric looks at images."""

    metrics: tuple[str, ...]
    blocks: tuple[str, ...]
    scores: np.ndarray
    """(r, m, c)."""

    def tables(self) -> Iterator[Scores]:
        """One score table a resample."""
        for sample in self.scores:
            yield {
                metric: dict(zip(self.blocks, values.tolist(), strict=True))
                for metric, values in zip(self.metrics, sample, strict=True)
            }


def stratified_samples(
    labels: np.ndarray, *, resamples: int, seed: int, different: int = 1
) -> np.ndarray:
    """Indices (r, n) of as many images of each class as there are, drawn with replacement.

    Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 8: the probe set is
    itself drawn class by class. A sample that holds fewer than so many ``different`` images is
    drawn again. Raises ValueError where hardly any holds as many.
    """
    generator = np.random.default_rng([seed, resamples])
    samples = _drawn(labels, resamples, generator)
    for _ in range(TRIES):
        few = np.flatnonzero(different_images(samples) < different)
        if not len(few):
            return samples
        samples[few] = _drawn(labels, len(few), generator)
    raise ValueError(
        f"bootstrap: hardly any resample of {len(labels)} probe images holds the {different} "
        "different ones that a metric needs; "
        f"{math.ceil(different / USUAL_SHARE)} probe images, or no resamples, would be right"
    )


def _drawn(labels: np.ndarray, resamples: int, generator: np.random.Generator) -> np.ndarray:
    samples = np.empty((resamples, len(labels)), dtype=np.int64)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        samples[:, members] = generator.choice(members, (resamples, len(members)))
    return samples


def resample(scores: Scores, probe: Probe, *, resamples: int, seed: int) -> Resamples:
    """Score anew on resampled images; a metric that looks at none keeps its scores.

    ``scores`` are those on all images of ``probe``. Nothing runs through the network: the features
    are there. All metrics see the same resamples, each of as many different images as every metric
    needs. Raises ValueError where hardly any resample holds as many.
    """
    metrics = tuple(scores)
    blocks = tuple(next(iter(scores.values())))
    ways = {metric: kind_of(metric).resampled for metric in metrics}
    if not any(ways.values()):
        resamples = 0
    needed = max(kind_of(metric).different(metric, probe) for metric in metrics)
    samples = stratified_samples(probe.labels, resamples=resamples, seed=seed, different=needed)
    result = np.empty((resamples, len(metrics), len(blocks)))
    for place, metric in enumerate(metrics):
        if (resampled := ways.get(metric)) is None:
            result[:, place] = [scores[metric][block] for block in blocks]
        elif resamples:
            result[:, place] = resampled(metric, probe, samples)
    return Resamples(metrics, blocks, result)
