"""CPU seconds of every similarity metric, and whether stopping early costs ranks.

    OMP_NUM_THREADS=1 PYTHONPATH=src python benchmarks/metrics.py
    PYTHONPATH=src python benchmarks/metrics.py --oracle resnet56_reference.npz
    PYTHONPATH=src python benchmarks/metrics.py --features 2048 --candidates 16 --no-check

The two metrics without a closed form stop at a relative change of 1e-6 and extrapolate their
steps. They are compared with plain alternating steps, written from the definition with square
roots of the class covariances and stopped at 1e-8, which take minutes at 512 features.
"""

import argparse
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from options import parser_of

from layer_pruning.similarity import distances
from layer_pruning.similarity.catalog import CATALOG, PAPER_METRICS

Array = NDArray[np.float64]

ALPHAS = {"stochastic": 1.0, "stochastic_covariances": 0.0}


def main() -> None:
    """Print one line a metric and the total."""
    options = parsed()
    if options.oracle:
        with np.load(options.oracle, allow_pickle=False) as arrays:
            names = ("features", "features_bypassed", "labels")
            reference, candidates, labels = (arrays[name] for name in names)
    else:
        reference, candidates, labels = synthetic(
            options.images, options.features, options.classes, options.candidates
        )
    images, features = reference.shape
    classes = len(np.unique(labels))
    print(f"{len(candidates)} candidates, {images} images, {features} features, {classes} classes")
    print(f"{'metric':<24}{'CPU s':>9}  ranks against 1e-8")
    total = 0.0
    for name in PAPER_METRICS:
        if images < CATALOG[name].minimum_images(features):
            needed = CATALOG[name].minimum_images(features)
            print(f"{name:<24}{'-':>9}  needs {needed} images")
            continue
        # the first call of a metric may import scipy, which is not its cost
        distances(name, reference[:, :1], candidates[:1, :, :1], labels)
        seconds, values = timed(name, reference, candidates, labels, options.repeats)
        total += seconds
        verdict = "closed form"
        if name in ALPHAS:
            verdict = "not checked"
            if options.check:
                verdict = compared(values, plain(reference, candidates, labels, ALPHAS[name]))
        print(f"{name:<24}{seconds:>9.3f}  {verdict}", flush=True)
    print(f"{'total':<24}{total:>9.3f}")


def parsed() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = parser_of(__doc__)
    parser.add_argument(
        "--oracle",
        type=Path,
        help=".npz with features (n, d), features_bypassed (c, n, d) and labels (n,); "
        "synthetic features without",
    )
    parser.add_argument("--images", type=int, default=1000, help="synthetic images [1000]")
    parser.add_argument("--features", type=int, default=64, help="synthetic features [64]")
    parser.add_argument("--classes", type=int, default=10, help="synthetic classes [10]")
    parser.add_argument("--candidates", type=int, default=24, help="synthetic candidates [24]")
    parser.add_argument("--repeats", type=int, default=1, help="runs, of which the best counts [1]")
    parser.add_argument(
        "--no-check", dest="check", action="store_false", help="skip the slow run to 1e-8"
    )
    return parser.parse_args()


def synthetic(
    images: int, features: int, classes: int, candidates: int
) -> tuple[Array, Array, NDArray[np.int64]]:
    """Return rectified features with a decaying spectrum; candidate i is perturbed the more."""
    generator = np.random.default_rng(0)
    labels = np.arange(images) * classes // images
    spread = np.sqrt(1 / np.arange(1, features + 1))
    mixing = np.linalg.qr(generator.normal(size=(features, features)))[0]
    latent = 3 * generator.normal(size=(classes, features))[labels]
    latent += 10 * generator.normal(size=(images, features))
    latent = (latent * spread) @ mixing
    reference = np.maximum(latent, 0)
    changed = np.empty((candidates, images, features))
    for index in range(candidates):
        share = 0.1 + 0.4 * index / candidates
        turned = latent @ (
            np.eye(features) + share * generator.normal(size=mixing.shape) / np.sqrt(features)
        )
        changed[index] = np.maximum(turned, 0)
    return reference, changed, labels


def timed(
    name: str, reference: Array, candidates: Array, labels: NDArray[np.int64], repeats: int
) -> tuple[float, Array]:
    """Return the CPU seconds, of all threads, of the best of ``repeats`` runs, and the values."""
    best = np.inf
    for _ in range(repeats):
        start = time.process_time()
        values = distances(name, reference, candidates, labels)
        best = min(best, time.process_time() - start)
    return best, values


def compared(values: Array, exact: Array) -> str:
    """Return whether both sort the candidates alike, and the largest relative difference."""
    same = np.array_equal(np.argsort(values), np.argsort(exact))
    return (
        f"{'equal' if same else 'DIFFERENT'}, values within {np.abs(values / exact - 1).max():.0e}"
    )


def plain(reference: Array, candidates: Array, labels: NDArray[np.int64], alpha: float) -> Array:
    """Return the distances by plain alternating steps from the identity, stopped at 1e-8."""
    means, roots = moments(reference, labels)
    result = np.empty(len(candidates))
    for index, candidate in enumerate(candidates):
        others, factors = moments(candidate, labels)
        rotation, distance = np.eye(reference.shape[1]), np.inf
        while True:
            left, _, right = np.linalg.svd(factors @ rotation @ roots)
            turned = (left @ right) @ roots
            # what moves onto what, with both square roots symmetric
            gaps = np.square(means - others @ rotation).sum()
            bures = np.square(turned - factors @ rotation).sum()
            last, distance = distance, np.sqrt((alpha * gaps + (2 - alpha) * bures) / len(means))
            if last - distance <= 1e-8 * distance:
                break
            cross = alpha * others.T @ means + (2 - alpha) * (factors @ turned).sum(axis=0)
            left, _, right = np.linalg.svd(cross)
            rotation = left @ right
        result[index] = distance
    return result


def moments(features: Array, labels: NDArray[np.int64]) -> tuple[Array, Array]:
    """Return class means (K, d) and symmetric square roots of the covariances (K, d, d)."""
    means, roots = [], []
    for label in np.unique(labels):
        rows = features[labels == label].astype(np.float64)
        values, vectors = np.linalg.eigh(np.cov(rows, rowvar=False))
        means.append(rows.mean(axis=0))
        roots.append((vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T)
    return np.stack(means), np.stack(roots)


if __name__ == "__main__":
    main()
