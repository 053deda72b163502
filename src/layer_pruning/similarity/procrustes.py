"""The linear shape metrics: the angle that the best rotation leaves, plain and after whitening.

Source: Williams et al., arXiv 2110.14739, with alpha = 1 (Procrustes) and alpha = 0 (canonical
correlations). The reference implementation indexes images by class number here and fits on eight
of them; these use every image. Where both sides are constant over the images the angle is 0,
where one is it is a right angle.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from layer_pruning.similarity.features import (
    Array,
    Labels,
    angle,
    centred,
    enough,
    norm,
    normalised,
    paired,
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


def held_out(
    fitted: tuple[ArrayLike, ArrayLike],
    scored: tuple[ArrayLike, ArrayLike],
    *,
    whiten: bool = False,
) -> Array:
    """Fit centring, whitening and rotation on some images and return the angles on others.

    Args:
        fitted: reference (n, d) and candidates (c, n, d) on the images to fit.
        scored: the same networks on the images to score, (m, d) and (c, m, d).
        whiten: whiten both sides first, which makes it the held-out form of ``cca``;
            without, of ``procrustes``.

    Returns:
        (c,) angles in radians, in [0, pi]. On the fitted images themselves they are those of
        ``procrustes`` and ``cca``.

    Raises:
        ValueError: shapes that do not fit, values that are not finite, or fewer images to fit
            than ``procrustes``, or with whitening ``cca``, needs.

    """
    fitted, scored = paired(*fitted), paired(*scored)
    if scored[1].shape[::2] != fitted[1].shape[::2]:
        raise ValueError(
            f"scored candidates have shape {scored[1].shape}, expected as many candidates and "
            f"features as fitted: {fitted[1].shape}"
        )
    enough("cca" if whiten else "procrustes", *fitted[0].shape)
    fits, scores = [], []
    for fit, score in zip(fitted, scored, strict=True):
        moved = centred(fit)
        # the mean of the fitted images, reached without losing the digits of the spread
        shifted = score - fit[..., :1, :] + (moved - (fit - fit[..., :1, :]))[..., :1, :]
        if whiten:
            weights = _whitening(moved)
            moved, shifted = moved @ weights, shifted @ weights
        fits.append(moved)
        scores.append(shifted)
    left, _, right = np.linalg.svd(fits[0].swapaxes(-1, -2) @ fits[1])
    sizes = norm(scores[0]), norm(scores[1])
    first = normalised(scores[0], sizes[0]) @ (left @ right)
    cosine = (first * normalised(scores[1], sizes[1])).sum(axis=(-2, -1))
    return angle(cosine, *sizes)


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


def _whitening(features: Array) -> Array:
    """Return the map (..., d, d) to orthonormal columns, zero where the rank ends."""
    _, values, right = np.linalg.svd(np.asarray(np.linalg.qr(features, mode="r")))
    kept = _kept(features, values)
    inverse = np.where(kept, 1.0, 0.0) / np.where(kept, values, 1.0)
    return right.swapaxes(-1, -2) * inverse[..., np.newaxis, :]


def _kept(features: Array, values: Array) -> NDArray[np.bool_]:
    """Return which singular values (..., d) of (..., n, d) are more than rounding."""
    rounding = np.finfo(np.float64).eps * max(features.shape[-2:])
    kept: NDArray[np.bool_] = values > rounding * values[..., :1]
    return kept
