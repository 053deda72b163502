"""Linear centred kernel alignment (CKA), biased and debiased.

Both compare the Gram matrices of the images. They do not change when the features of a side are
rotated, shifted or scaled as a whole. Where both sides are constant over the images the distance
is 0, where one is it is 1.
"""

import numpy as np

from layer_pruning.similarity.features import Array, Labels, centred, norm, normalised

# below this share of a Gram matrix, what is left of it after debiasing is rounding
_ROUNDING = 1e-12


def cka(reference: Array, candidates: Array, labels: Labels) -> Array:
    """Return 1 - CKA of (n, d) with each of (c, n, d), shape (c,), in [0, 1].

    Biased estimator, Kornblith et al. (arXiv 1905.00414), equation 4. The labels are not used.
    """
    first, second = _directions(reference), _directions(candidates)
    return 1 - np.clip(
        _cosine(_products(first, second), _products(first, first), _products(second, second)), 0, 1
    )


def cka_debiased(reference: Array, candidates: Array, labels: Labels) -> Array:
    """Return 1 - debiased CKA of (n, d) with each of (c, n, d), shape (c,), in [0, 2].

    The unbiased HSIC of Song et al. (2012), equation 5, as Nguyen et al. (arXiv 2010.15327) use
    it: independent features come out near 1 however many there are. The estimate of the
    similarity can be negative, hence distances above 1. The labels are not used.
    """
    first, second = _directions(reference), _directions(candidates)
    cross, own, other = (
        _unbiased(*pair) for pair in ((first, second), (first, first), (second, second))
    )
    # squared distances that are sums of one number an image leave nothing but rounding
    own = np.where(own > _ROUNDING * _products(first, first), own, 0.0)
    other = np.where(other > _ROUNDING * _products(second, second), other, 0.0)
    return 1 - np.clip(_cosine(cross, own, other), -1, 1)


def _directions(features: Array) -> Array:
    """Return centred features of unit norm, or zeros where they are constant."""
    moved = centred(features)
    return normalised(moved, norm(moved))


def _products(first: Array, second: Array) -> Array:
    """Return the inner products of the Gram matrices, by features or by images: the fewer."""
    images, features = first.shape[-2:]
    if features <= images:
        terms = np.square(first.swapaxes(-1, -2) @ second)
    else:
        terms = (first @ first.swapaxes(-1, -2)) * (second @ second.swapaxes(-1, -2))
    products: Array = terms.sum(axis=(-2, -1))
    return products


def _unbiased(first: Array, second: Array) -> Array:
    """Return n (n - 3) times the unbiased HSIC of centred features.

    Centring makes the rows of a Gram matrix sum to zero, so that without their diagonals k and l
    the row sums are -k and -l, and the three terms of the estimator need no Gram matrix.
    """
    images = first.shape[-2]
    diagonals = np.square(first).sum(axis=-1), np.square(second).sum(axis=-1)
    shared = (diagonals[0] * diagonals[1]).sum(axis=-1)
    totals = diagonals[0].sum(axis=-1) * diagonals[1].sum(axis=-1)
    estimate: Array = (
        _products(first, second)
        - images / (images - 2) * shared
        + totals / ((images - 1) * (images - 2))
    )
    return estimate


def _cosine(cross: Array, own: Array, other: Array) -> Array:
    """Return cross / sqrt(own other); without any structure, 1 on both sides and 0 on one."""
    scale = np.sqrt(own * other)
    cosine = np.where(scale > 0, cross, 0.0) / np.where(scale > 0, scale, 1.0)
    return np.where((own == 0) & (other == 0), 1.0, cosine)
