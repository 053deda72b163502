"""Scoring as a plain script would do it: what ``scoring.py`` measures against.

Written from the definitions. Every metric sends the images through the intact network and through
the network without each candidate, batch by batch, in PyTorch's own layout and with batch norms as
they are; distances are computed one candidate at a time in float64.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from metrics import plain
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.stats import wasserstein_distance
from torch import Tensor

from layer_pruning.models.residual import ResidualNetwork

Array = NDArray[np.float64]
Labels = NDArray[np.int64]


@torch.no_grad()
def features(network: ResidualNetwork, images: Tensor, bypass: str | None, batch: int) -> Array:
    """Penultimate features (n, d), with one block bypassed."""
    parts = []
    for part in images.split(batch):
        parts.append(network.features(part, bypass).cpu().numpy())
    return np.concatenate(parts).astype(np.float64)


def all_features(
    network: ResidualNetwork, images: Tensor, candidates: Sequence[str], batch: int = 100
) -> tuple[Array, list[Array]]:
    """What every metric computes for itself: features intact and without each candidate."""
    intact = features(network, images, None, batch)
    return intact, [features(network, images, name, batch) for name in candidates]


def cka(first: Array, second: Array, labels: Labels) -> float:
    """One minus linear centred kernel alignment."""
    f, g = first - first.mean(axis=0), second - second.mean(axis=0)
    similarity = np.linalg.norm(f.T @ g) ** 2
    return 1 - similarity / (np.linalg.norm(f.T @ f) * np.linalg.norm(g.T @ g))


def procrustes(first: Array, second: Array, labels: Labels) -> float:
    """Angle after the best rotation."""
    f, g = first - first.mean(axis=0), second - second.mean(axis=0)
    cosine = np.linalg.norm(f.T @ g, "nuc") / (np.linalg.norm(f) * np.linalg.norm(g))
    return float(np.arccos(np.clip(cosine, -1, 1)))


def cca(first: Array, second: Array, labels: Labels) -> float:
    """Angle of the mean canonical correlation."""
    bases = []
    for side in (first, second):
        left, sizes, _ = np.linalg.svd(side - side.mean(axis=0), full_matrices=False)
        bases.append(left[:, sizes > 1e-6 * sizes[0]])
    f, g = bases
    cosine = np.linalg.norm(f.T @ g, "nuc") / np.sqrt(f.shape[1] * g.shape[1])
    return float(np.arccos(np.clip(cosine, -1, 1)))


def permutation(first: Array, second: Array, labels: Labels) -> float:
    """Angle after the best reordering of the features."""
    f, g = first - first.mean(axis=0), second - second.mean(axis=0)
    products = f.T @ g
    rows, columns = linear_sum_assignment(products, maximize=True)
    cosine = products[rows, columns].sum() / (np.linalg.norm(f) * np.linalg.norm(g))
    return float(np.arccos(np.clip(cosine, -1, 1)))


def wasserstein(first: Array, second: Array, labels: Labels) -> float:
    """Distance between all entries as two sets of numbers."""
    return float(wasserstein_distance(first.ravel(), second.ravel()))


def stochastic_means(first: Array, second: Array, labels: Labels) -> float:
    """Distance of the class means after the best rotation."""
    means, others = (
        np.stack([side[labels == label].mean(axis=0) for label in np.unique(labels)])
        for side in (first, second)
    )
    left, _, right = np.linalg.svd(others.T @ means)
    return float(np.sqrt(2 * np.square(means - others @ (left @ right)).sum() / len(means)))


def stochastic(first: Array, second: Array, labels: Labels) -> float:
    """Class Gaussians, alternating steps stopped at 1e-8."""
    return float(plain(first, second[np.newaxis], labels, 1.0)[0])


def stochastic_covariances(first: Array, second: Array, labels: Labels) -> float:
    """Class covariances, alternating steps stopped at 1e-8."""
    return float(plain(first, second[np.newaxis], labels, 0.0)[0])


METRICS: dict[str, Callable[[Array, Array, Labels], float]] = {
    metric.__name__: metric
    for metric in (
        cka,
        procrustes,
        cca,
        permutation,
        wasserstein,
        stochastic_means,
        stochastic,
        stochastic_covariances,
    )
}
