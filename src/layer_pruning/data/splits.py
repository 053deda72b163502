"""Stratified, seeded splits, and the probe set that all metrics share."""

import numpy as np

from layer_pruning.data.catalog import split_sizes

SPLITS = ("train", "validation", "test")


def stratified_split(
    labels: np.ndarray, *, validation_fraction: float, test_fraction: float, seed: int
) -> np.ndarray:
    """Assign every image to a split: an index into ``SPLITS`` for each label, shape (n,).

    Each class is shuffled by itself and cut by :func:`split_sizes`, so that the sizes are known
    before any job starts.
    """
    generator = np.random.default_rng([seed, len(labels)])
    assignment = np.empty(len(labels), dtype=np.uint8)
    for label in np.unique(labels):
        members = generator.permutation(np.flatnonzero(labels == label))
        sizes = split_sizes(
            len(members), validation_fraction=validation_fraction, test_fraction=test_fraction
        )
        assignment[members] = np.repeat(np.arange(3, dtype=np.uint8), sizes)
    return assignment


def completed_split(
    labels: np.ndarray,
    official: np.ndarray,
    *,
    validation_fraction: float,
    test_fraction: float,
    seed: int,
) -> np.ndarray:
    """The splits that a data set has of its own, and those that it lacks, taken from train.

    ``official`` (n,) holds an index into ``SPLITS`` for each image, all 0 for a data set without
    splits. The result does too, and leaves what is official for validation or test as it is.
    """
    train, validation, test = (official == index for index in range(len(SPLITS)))
    split = official.copy()
    split[train] = stratified_split(
        labels[train],
        validation_fraction=0.0 if validation.any() else validation_fraction,
        test_fraction=0.0 if test.any() else test_fraction,
        seed=seed,
    )
    return split


def probe_set(labels: np.ndarray, *, images_per_class: int, seed: int) -> np.ndarray:
    """Indices of a probe set: as many images of every class, sorted by class.

    ``labels`` (n,) are those of the training split. Raises ValueError where a class has fewer.
    """
    generator = np.random.default_rng([seed, images_per_class])
    chosen = []
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        if len(members) < images_per_class:
            raise ValueError(
                f"probe.images_per_class: {images_per_class} is more than the {len(members)} "
                f"training images of class {label}"
            )
        chosen.append(np.sort(generator.permutation(members)[:images_per_class]))
    return np.concatenate(chosen)


def fixed_subset(count: int, size: int, seed: int) -> np.ndarray:
    """Sorted indices of ``size`` of ``count`` images, the same for every network."""
    return np.sort(np.random.default_rng([seed, count]).permutation(count)[:size])
