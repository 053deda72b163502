"""Scores on resamples of the probe images: would another draw have removed the same block?"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from layer_pruning.scoring.catalog import FUNCTIONAL_METRICS, looks_at_images
from layer_pruning.scoring.functional import FUNCTIONAL
from layer_pruning.scoring.own import own_distances, own_metric
from layer_pruning.scoring.probe import Probe
from layer_pruning.scoring.scores import Scores
from layer_pruning.similarity.catalog import CATALOG


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


def stratified_samples(labels: np.ndarray, *, resamples: int, seed: int) -> np.ndarray:
    """Indices (r, n) of as many images of each class as there are, drawn with replacement.

    Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 8: the probe set is
    itself drawn class by class.
    """
    generator = np.random.default_rng([seed, resamples])
    samples = np.empty((resamples, len(labels)), dtype=np.int64)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        samples[:, members] = generator.choice(members, (resamples, len(members)))
    return samples


def resample(scores: Scores, probe: Probe, *, resamples: int, seed: int) -> Resamples:
    """Score anew on resampled images; a metric that looks at none keeps its scores.

    ``scores`` are those on all images of ``probe``. Nothing runs through the network: the features
    are there.
    """
    metrics = tuple(scores)
    blocks = tuple(next(iter(scores.values())))
    if not any(looks_at_images(metric) for metric in metrics):
        resamples = 0
    samples = stratified_samples(probe.labels, resamples=resamples, seed=seed)
    result = np.empty((resamples, len(metrics), len(blocks)))
    for place, metric in enumerate(metrics):
        if resamples and metric in CATALOG:
            from layer_pruning.similarity.resampling import resampled_distances

            result[:, place] = resampled_distances(
                metric, probe.features, probe.features_bypassed, probe.labels, samples
            )
        elif ":" in metric:
            function = own_metric(metric)
            for row, sample in zip(result, samples, strict=True):
                given = (probe.features[sample], probe.features_bypassed[:, sample])
                row[place] = own_distances(metric, function, *given, probe.labels[sample], blocks)
        elif metric in FUNCTIONAL_METRICS:
            intact = probe.logits.astype(np.float64)
            bypassed = probe.logits_bypassed.astype(np.float64)
            for row, sample in zip(result, samples, strict=True):
                row[place] = FUNCTIONAL[metric](
                    intact[sample], bypassed[:, sample], probe.labels[sample]
                )
        else:
            result[:, place] = [scores[metric][block] for block in blocks]
    return Resamples(metrics, blocks, result)
