"""The linear metrics fitted on some images and scored on others, as the paper's own code does."""

import numpy as np
from numpy.typing import ArrayLike

from layer_pruning.similarity.features import (
    Array,
    angle,
    centred,
    enough,
    norm,
    normalised,
    paired,
)
from layer_pruning.similarity.procrustes import _kept


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


def _whitening(features: Array) -> Array:
    """Return the map (..., d, d) to orthonormal columns, zero where the rank ends."""
    _, values, right = np.linalg.svd(np.asarray(np.linalg.qr(features, mode="r")))
    kept = _kept(features, values)
    inverse = np.where(kept, 1.0, 0.0) / np.where(kept, values, 1.0)
    return right.swapaxes(-1, -2) * inverse[..., np.newaxis, :]
