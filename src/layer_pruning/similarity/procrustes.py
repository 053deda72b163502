"""The linear shape metrics: the angle that the best rotation leaves, plain and after whitening.

Source: Williams et al., arXiv 2110.14739, with alpha = 1 (Procrustes) and alpha = 0 (canonical
correlations). The reference implementation indexes images by class number here and fits on eight
of them; these use every image. Where both sides are constant over the images the angle is 0,
where one is it is a right angle.
"""

import numpy as np
from numpy.typing import NDArray

from layer_pruning.similarity.features import (
    Array,
    Labels,
    angle,
    centred,
    norm,
    normalised,
)


def procrustes(reference: Array, candidates: Array, labels: Labels) -> Array:
    """Return arccos(|S|_* / (|F||G|)) of (n, d) with each of (c, n, d), shape (c,), in radians.

    F and G are the centred features, S = F'G and |S|_* its nuclear norm. The range is [0, pi/2].
    It does not change when a side is rotated, shifted or scaled. The labels are not used.
    """
    first, second = _compact(centred(reference)), _compact(centred(candidates))
    sizes = norm(first), norm(second)
    cosine = _nuclear(normalised(first, sizes[0]).swapaxes(-1, -2) @ normalised(second, sizes[1]))
    return angle(cosine, *sizes)


def cca(reference: Array, candidates: Array, labels: Labels) -> Array:
    """Return arccos of the mean canonical correlation, shape (c,), in radians.

    For features of unequal rank r and s, the sum of the canonical correlations is divided by
    sqrt(r s). The range is [0, pi/2]. It does not change under any invertible linear map of a
    side. The labels are not used. With fewer than d + 2 images it would be 0 for everything.
    """
    (first, rank), (second, ranks) = _whitened(centred(reference)), _whitened(centred(candidates))
    scale = np.sqrt(np.maximum(rank * ranks, 1))
    return angle(_nuclear(first.swapaxes(-1, -2) @ second) / scale, rank, ranks)


def _compact(features: Array) -> Array:
    """Return (..., n, d) in coordinates of its own span where d > n: (..., n, n), same angles."""
    images, dimensions = features.shape[-2:]
    if dimensions <= images:
        return features
    return np.asarray(np.linalg.qr(features.swapaxes(-1, -2), mode="r")).swapaxes(-1, -2)


def _nuclear(matrices: Array) -> Array:
    """Return the nuclear norms of (..., d, e), shape (...)."""
    result: Array = np.linalg.svd(matrices, compute_uv=False).sum(axis=-1)
    return result


def _whitened(features: Array) -> tuple[Array, Array]:
    """Return an orthonormal basis (..., n, d) of the columns and its ranks (...).

    Columns beyond the rank are zero.
    """
    basis, triangle = np.linalg.qr(features)
    left, values, _ = np.linalg.svd(triangle)
    kept = _kept(features, values)
    return basis @ (left * kept[..., np.newaxis, :]), kept.sum(axis=-1)


def _kept(features: Array, values: Array) -> NDArray[np.bool_]:
    """Return which singular values (..., d) of (..., n, d) are more than rounding."""
    rounding = np.finfo(np.float64).eps * max(features.shape[-2:])
    kept: NDArray[np.bool_] = values > rounding * values[..., :1]
    return kept
