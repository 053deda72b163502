"""Feature matrices: what is accepted, and how they are centred and scaled."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from layer_pruning.similarity.catalog import CATALOG

Array = NDArray[np.float64]
Labels = NDArray[Any]

# far above any network's features, and its square is still a number
_LARGEST = 1e100


def checked(
    name: str, reference: ArrayLike, candidates: ArrayLike, labels: ArrayLike
) -> tuple[Array, Array, Labels]:
    """Return reference (n, d), candidates (c, n, d) and labels (n,) fit for the metric ``name``.

    Features become float64. Raises ValueError, naming what would be right, for shapes that do not
    fit together, values that are not finite, and fewer images than the metric needs.
    """
    reference, candidates = paired(reference, candidates)
    labels = np.asarray(labels)
    images, features = reference.shape
    if labels.shape != (images,):
        raise ValueError(f"labels have shape {labels.shape}, expected ({images},)")
    enough(name, images, features)
    classes, counts = np.unique(labels, return_counts=True)
    needed = CATALOG[name].minimum_images_per_class
    if counts.min() < needed:
        raise ValueError(
            f"{name} needs at least {needed} images of every class, "
            f"got {counts.min()} of class {classes[counts.argmin()]}"
        )
    return reference, candidates, labels


def paired(reference: ArrayLike, candidates: ArrayLike) -> tuple[Array, Array]:
    """Return reference (n, d) and candidates (c, n, d) as float64, or raise ValueError."""
    reference = numbers("reference", reference)
    candidates = numbers("candidates", candidates)
    if reference.ndim != 2 or not reference.size:
        raise ValueError(f"reference has shape {reference.shape}, expected (images, features)")
    if candidates.ndim != 3 or candidates.shape[1:] != reference.shape:
        raise ValueError(
            f"candidates have shape {candidates.shape}, "
            f"expected (candidates, {reference.shape[0]}, {reference.shape[1]})"
        )
    return reference, candidates


def enough(name: str, images: int, features: int) -> None:
    """Raise ValueError where the metric ``name`` needs more images for so many features."""
    needed = CATALOG[name].minimum_images(features)
    if images < needed:
        raise ValueError(
            f"{name} of {features} features needs at least {needed} images, got {images}"
        )


def numbers(what: str, values: ArrayLike) -> Array:
    """Return ``values`` as float64, or raise ValueError where they are no finite real numbers."""
    values = np.asarray(values)
    if values.dtype.kind not in "fiub":
        raise ValueError(f"{what} holds {values.dtype} values, expected real numbers")
    values = values.astype(np.float64, copy=False)
    # the comparison is false for NaN as well
    if not np.all(np.abs(values) <= _LARGEST):
        raise ValueError(f"{what} holds values that are not finite or exceed {_LARGEST:g}")
    return values


def centred(features: Array) -> Array:
    """Subtract its mean from every column of (..., n, d).

    The first row goes first: constant columns become exactly zero, and a mean that dwarfs the
    spread costs no further digits.
    """
    moved = features - features[..., :1, :]
    result: Array = moved - moved.mean(axis=-2, keepdims=True)
    return result


def norm(features: Array) -> Array:
    """Return the Frobenius norms of (..., n, d), shape (...), free of underflow."""
    largest = np.abs(features).max(axis=(-2, -1))
    scale = np.where(largest > 0, largest, 1.0)
    scaled = features / scale[..., np.newaxis, np.newaxis]
    result: Array = scale * np.sqrt(np.square(scaled).sum(axis=(-2, -1)))
    return result


def normalised(features: Array, norms: Array) -> Array:
    """Divide (..., n, d) by its norms (...), leaving what is all zero at zero."""
    return features / np.where(norms > 0, norms, 1.0)[..., np.newaxis, np.newaxis]


def angle(cosine: Array, reference: Array, candidates: Array) -> Array:
    """Return the angles (c,) of cosines (c,) between centred features.

    Features that are constant over the images have no direction. Two such sides are the same
    (angle 0); one of them has nothing in common with the other (its cosine is 0, a right angle).
    ``reference`` () and ``candidates`` (c,) are the norms, or ranks, that tell: 0 = constant.
    """
    cosine = np.where((reference == 0) & (candidates == 0), 1.0, cosine)
    return np.arccos(np.clip(cosine, -1.0, 1.0))
