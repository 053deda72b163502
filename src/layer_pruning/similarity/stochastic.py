"""Gaussian stochastic shape metrics: class means and covariances after the best rotation.

Source: Duong et al., arXiv 2211.11665. For K classes with means m and covariances S (ddof 1),

    d^2 = min over rotations T of 1/K sum_k alpha |m_k - m'_k T|^2 + (2 - alpha) B^2(S_k, T'S'_k T)

with B the Bures distance. ``stochastic_means`` (alpha = 2) has a closed form.
``stochastic`` (alpha = 1) and ``stochastic_covariances`` (alpha = 0) have none: the value is the
optimum reached from a start, and the start belongs to the definition.

The covariances are never formed. With A the centred images of a class over sqrt(n_k - 1),
A'A = S, and B^2(S, T'S'T) is the least |A - Q'A'T|^2 over rotations Q, so that classes with
fewer images than features, where the reference implementation fails, need no special case.
Given T the best Q, and given Q the best T, are the orthogonal factors of a polar decomposition.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from layer_pruning.similarity.features import (
    Array,
    Labels,
    centred,
    checked,
    norm,
    normalised,
    numbers,
)

# numbers in one batch of class factors: 2 MiB keep the many small products within the cache
_BATCH_NUMBERS = 2**18

# how many earlier steps an extrapolation looks back on
_DEPTH = 5

# smallest over largest singular value below which a squared matrix has too few digits
_SINGULAR = 1e-5

# share of the features' own size below which a change of the squared distance is rounding
_ROUNDING = 1e-14


@dataclass(frozen=True)
class Alignment:
    """Where the alternating steps ended, for each of c candidates.

    ``rotations`` (c, d, d) multiply candidate features from the right; they are None unless asked
    for, and where there are more features than images they act on the span of the candidate's
    features and are zero beside it. ``steps`` counts updates of the rotation.
    """

    distances: Array
    steps: Labels
    converged: Labels
    rotations: Array | None


def stochastic_means(reference: Array, candidates: Array, labels: Labels) -> Array:
    """Return the distances of class means alone (alpha = 2), shape (c,), in feature units.

    It does not change when a side is rotated, and does when it is shifted.
    """
    members = _members(labels)
    first, _ = _spanned(_means(reference, members))
    second, _ = _spanned(_means(candidates, members))
    sizes = norm(first), norm(second)
    rotation = _polar(normalised(second, sizes[1]).swapaxes(-1, -2) @ normalised(first, sizes[0]))
    result: Array = np.sqrt(2 / len(members)) * norm(first - second @ rotation)
    return result


def stochastic(
    reference: Array, candidates: Array, labels: Labels, *, init: str | Array = "identity"
) -> Array:
    """Return the distances of class Gaussians (alpha = 1), shape (c,), in feature units.

    See ``align`` for ``init``. Rotating both sides alike changes nothing; rotating one changes
    the start, and so possibly the optimum that is found. A shift of one side counts.
    """
    return align(reference, candidates, labels, alpha=1.0, init=init).distances


def stochastic_covariances(
    reference: Array, candidates: Array, labels: Labels, *, init: str | Array = "identity"
) -> Array:
    """Return the distances of class covariances alone (alpha = 0), shape (c,), in feature units.

    See ``align`` for ``init``. As ``stochastic``, but shifting a class of a side changes nothing.
    """
    return align(reference, candidates, labels, alpha=0.0, init=init).distances


def align(
    reference: ArrayLike,
    candidates: ArrayLike,
    labels: ArrayLike,
    *,
    alpha: float,
    init: str | Array = "identity",
    tolerance: float = 1e-6,
    max_steps: int = 1000,
    keep_rotations: bool = False,
) -> Alignment:
    """Rotate every candidate towards the reference by alternating polar steps.

    A plain step never raises the distance. Steps are extrapolated from the last few (Anderson
    acceleration); one that would raise the distance is replaced by the plain step.

    Args:
        reference: features (n, d).
        candidates: features (c, n, d).
        labels: classes (n,), each with at least two images.
        alpha: weight of the means, in [0, 2]; the covariances weigh 2 - alpha.
        init: "identity", which is what a network less one block suggests; "means", the rotation
            that aligns the class means, which is where the reference implementation starts, but
            nearest to the identity where the means leave it free; or rotations (c, d, d) to
            continue from, such as those of the full sample when images are drawn again.
        tolerance: stop a candidate once a step lowers its distance by no more than this share.
        max_steps: stop after so many steps in any case, at least 1.
        keep_rotations: return the rotations as well, c d^2 numbers.

    Raises:
        ValueError: as for ``similarity.distances``, or an option out of its range.

    """
    reference, candidates, labels = checked("stochastic", reference, candidates, labels)
    if not 0 <= alpha <= 2:
        raise ValueError(f"alpha is {alpha}, expected a number from 0 to 2")
    if max_steps < 1:
        raise ValueError(f"max_steps is {max_steps}, expected at least 1")
    count, (_, features) = len(candidates), reference.shape
    rotations = _given_rotations(init, (count, features, features))
    members = _members(labels)
    whole = _side(reference, members, alpha)
    size = max(1, _BATCH_NUMBERS // (whole.means.size + whole.roots.size))
    parts = []
    for first in range(0, count, size):
        chosen = slice(first, first + size)
        side = _side(candidates[chosen], members, alpha)
        start = _restricted(None if rotations is None else rotations[chosen], whole, side)
        if rotations is not None:
            # whatever was given, what the steps start from is a rotation
            start = _polar(start)
        elif init == "means":
            start = _means_start(whole.centres, side.centres, start)
        parts.append(_ascend(whole, side, start, tolerance, max_steps, keep_rotations))
    if not parts:
        empty = np.empty((0, features, features)) if keep_rotations else None
        return Alignment(np.empty(0), np.empty(0, int), np.empty(0, bool), empty)
    return _joined(parts)


def _joined(parts: list[Alignment]) -> Alignment:
    """Return the alignments of all batches as one."""
    rotations = [part.rotations for part in parts if part.rotations is not None]
    return Alignment(
        distances=np.concatenate([part.distances for part in parts]),
        steps=np.concatenate([part.steps for part in parts]),
        converged=np.concatenate([part.converged for part in parts]),
        rotations=np.concatenate(rotations) if rotations else None,
    )


def _given_rotations(init: str | Array, shape: tuple[int, int, int]) -> Array | None:
    """Return the rotations (c, d, d) among the kinds of ``init``, or None for a named start."""
    if isinstance(init, str):
        if init not in ("identity", "means"):
            raise ValueError(f"init is {init!r}, expected 'identity', 'means' or rotations")
        return None
    rotations = numbers("init", init)
    if rotations.shape != shape:
        raise ValueError(f"init has shape {rotations.shape}, expected {shape}")
    return rotations


@dataclass(frozen=True)
class _Side:
    """Weighted class means (..., K, r) and covariance factors (..., K, p, r) of unit total size.

    ``sizes`` (...) undo the scaling, and ``centres`` are the means of unit size without weight.
    Where there are more features than images, r coordinates of the span replace the d features,
    and ``basis`` (..., d, r) leads back.
    """

    centres: Array
    means: Array
    roots: Array
    sizes: Array
    basis: Array | None

    @property
    def stacked(self) -> Array:
        """Return means and factors as the rows of one matrix, (..., K + K p, r)."""
        rows = self.roots.reshape(*self.roots.shape[:-3], -1, self.roots.shape[-1])
        return np.concatenate([self.means, rows], axis=-2)


def _side(features: Array, members: list[Labels], alpha: float) -> _Side:
    """Return what the alternating steps need of (..., n, d)."""
    coordinates, basis = _spanned(features)
    centres = _means(coordinates, members)
    means = np.sqrt(alpha) * centres
    roots = np.sqrt(2 - alpha) * _roots(coordinates, members)
    sizes = np.hypot(norm(means), norm(roots.reshape(*means.shape[:-2], -1, means.shape[-1])))
    means = normalised(means, sizes)
    roots = roots / np.where(sizes > 0, sizes, 1.0)[..., np.newaxis, np.newaxis, np.newaxis]
    return _Side(normalised(centres, norm(centres)), means, roots, sizes, basis)


def _members(labels: Labels) -> list[Labels]:
    """Return the rows of every class, in the order of the class labels."""
    classes, inverse = np.unique(labels, return_inverse=True)
    return [np.flatnonzero(inverse == index) for index in range(len(classes))]


def _means(features: Array, members: list[Labels]) -> Array:
    """Return the class means (..., K, d) of (..., n, d)."""
    return np.stack([features[..., rows, :].mean(axis=-2) for rows in members], axis=-2)


def _roots(features: Array, members: list[Labels]) -> Array:
    """Return factors A (..., K, p, d) with A'A = class covariance (ddof 1), short ones padded.

    A reflection that sends the vector of ones to the first axis turns n_k centred images into
    n_k - 1 rows with the same covariance; more rows than features are folded by QR.
    """
    dimensions = features.shape[-1]
    height = min(max(len(rows) for rows in members) - 1, dimensions)
    roots = np.zeros((*features.shape[:-2], len(members), height, dimensions))
    for index, rows in enumerate(members):
        count = len(rows)
        block = centred(features[..., rows, :])
        mirror = np.full(count, 1 / np.sqrt(count))
        mirror[0] += 1
        mirror *= np.sqrt(2) / np.linalg.norm(mirror)
        block = block - mirror[:, np.newaxis] * (mirror @ block)[..., np.newaxis, :]
        block = block[..., 1:, :] / np.sqrt(count - 1)
        if count - 1 > dimensions:
            block = np.asarray(np.linalg.qr(block, mode="r"))
        roots[..., index, : block.shape[-2], :] = block
    return roots


def _spanned(features: Array) -> tuple[Array, Array | None]:
    """Return (..., n, d) in coordinates of its own span, and the basis, where d > n."""
    rows, dimensions = features.shape[-2:]
    if dimensions <= rows:
        return features, None
    basis, triangle = np.linalg.qr(features.swapaxes(-1, -2))
    return triangle.swapaxes(-1, -2), basis


def _restricted(rotations: Array | None, reference: _Side, candidates: _Side) -> Array:
    """Return rotations, or the identity for None, in the coordinates of both spans, (c, r, r)."""
    if reference.basis is None or candidates.basis is None:
        if rotations is not None:
            return rotations
        features = reference.means.shape[-1]
        return np.broadcast_to(np.eye(features), (len(candidates.means), features, features))
    back = candidates.basis.swapaxes(-1, -2)
    return (back if rotations is None else back @ rotations) @ reference.basis


def _means_start(reference: Array, candidates: Array, start: Array) -> Array:
    """Return the rotations (c, r, r) that align class means, otherwise nearest to ``start``.

    K means (K, r) and (c, K, r) fix K directions at most; the reference implementation leaves the
    others to rounding.
    """
    left, values, right = np.linalg.svd(candidates.swapaxes(-1, -2) @ reference)
    rounding = np.finfo(np.float64).eps * values.shape[-1]
    fixed = values > rounding * values[..., :1]
    left = left * fixed[..., np.newaxis, :]
    right = right * fixed[..., np.newaxis]
    identity = np.eye(values.shape[-1])
    free = identity - left @ left.swapaxes(-1, -2), identity - right.swapaxes(-1, -2) @ right
    return _polar(left @ right + free[0] @ start @ free[1])


def _polar(matrices: Array) -> Array:
    """Return the orthogonal factors of (..., d, d): the rotations with the largest product."""
    left, _, right = np.linalg.svd(matrices)
    result: Array = left @ right
    return result


def _polar_stack(matrices: Array) -> Array:
    """Return the orthogonal factors of (c, K, p, p), in two thirds of the time of ``_polar``.

    They are M (M'M)^(-1/2). The square has half the digits, so that nearly singular matrices go
    the long way.
    """
    values, vectors = np.linalg.eigh(matrices.swapaxes(-1, -2) @ matrices)
    hard = values[..., 0] <= _SINGULAR**2 * values[..., -1]
    values = np.where(hard[..., np.newaxis], 1.0, values)
    scaled = vectors / np.sqrt(values)[..., np.newaxis, :]
    factors = (matrices @ scaled) @ vectors.swapaxes(-1, -2)
    if hard.any():
        factors[hard] = _polar(matrices[hard])
    result: Array = factors
    return result


def _ascend(
    reference: _Side,
    candidates: _Side,
    start: Array,
    tolerance: float,
    max_steps: int,
    keep_rotations: bool,
) -> Alignment:
    """Run the alternating steps for candidates of one batch, dropping those that are done.

    What there is to maximise is <T, G(T)> with G(T) the ``image`` below, and a plain step is
    T -> polar(G(T)). Extrapolation works on the images, which form a linear space, where
    rotations do not.
    """
    count, classes = len(start), reference.means.shape[-2]
    stacked, targets = candidates.stacked, candidates.roots.shape
    unit, *sizes = _in_units_of_the_larger(reference.sizes, candidates.sizes)
    total = np.square(sizes[0]) + np.square(sizes[1])
    squared = np.full(count, np.inf)
    steps, converged = np.zeros(count, int), np.zeros(count, bool)
    kept = np.empty(start.shape) if keep_rotations else None

    active: Labels = np.arange(count)
    rotation = point = start
    gradient, plain = np.empty_like(start), np.ones(count, bool)
    images, residuals = list[Array](), list[Array]()
    for step in range(max_steps + 1):
        moved = stacked @ rotation
        target = _target(reference, moved[:, classes:].reshape(-1, *targets[1:]))
        image = stacked.swapaxes(-1, -2) @ target
        first, second = sizes[0][active], sizes[1][active]
        if step == 0:
            value = _squared_at_start(first, second, rotation, image)
        else:
            value = _squared_gap(first, second, target, moved)
            images, residuals = [*images, image][-_DEPTH:], [*residuals, image - point][-_DEPTH:]
        rounding = _ROUNDING * total[active]
        worse = value > squared[active] + rounding
        gain = squared[active] - value
        done = np.where(worse, plain, gain <= 2 * tolerance * value + rounding) & (step > 0)
        better = ~worse
        squared[active[better]] = value[better]
        steps[active] = step
        if kept is not None:
            kept[active[better]] = rotation[better]
        gradient = np.where(worse[:, np.newaxis, np.newaxis], gradient, image)
        converged[active[done]] = True
        if done.all() or step == max_steps:
            break
        active, worse = active[~done], worse[~done]
        stacked, gradient = stacked[~done], gradient[~done]
        images, residuals = [x[~done] for x in images], [x[~done] for x in residuals]
        # too short a memory, or an extrapolation that went wrong: a plain step
        plain = worse if len(images) > 1 else np.ones(len(active), bool)
        point = gradient if plain.all() else _extrapolated(images, residuals)
        point = np.where(plain[:, np.newaxis, np.newaxis], gradient, point)
        rotation = _polar(point)
    if kept is not None and reference.basis is not None and candidates.basis is not None:
        kept = candidates.basis @ kept @ reference.basis.T
    return Alignment(unit * np.sqrt(squared / classes), steps, converged, kept)


def _in_units_of_the_larger(first: Array, second: Array) -> tuple[Array, Array, Array]:
    """Return the larger of two sizes and both in units of it: no square is then too small."""
    unit = np.maximum(first, second)
    unit = np.where(unit > 0, unit, 1.0)
    return unit, first / unit, second / unit


def _squared_at_start(first: Array, second: Array, rotation: Array, image: Array) -> Array:
    """Return the squared distances (c,) as expanded squares of sides of the given sizes.

    A start need not be orthogonal, and only this form holds for it.
    """
    product = first * second * (rotation * image).sum(axis=(-2, -1))
    result: Array = np.maximum(np.square(first) + np.square(second) - 2 * product, 0)
    return result


def _squared_gap(first: Array, second: Array, target: Array, moved: Array) -> Array:
    """Return the same without the cancellation that the expanded square suffers near 0."""
    gap = first[:, np.newaxis, np.newaxis] * target
    gap -= second[:, np.newaxis, np.newaxis] * moved
    result: Array = np.square(norm(gap))
    return result


def _target(reference: _Side, moved: Array) -> Array:
    """Return the reference's means and factors Q A, each Q turned towards moved (c, K, p, r)."""
    turned = _polar_stack(moved @ reference.roots.swapaxes(-1, -2)) @ reference.roots
    means = np.broadcast_to(reference.means, (len(moved), *reference.means.shape))
    rows = turned.reshape(len(moved), -1, turned.shape[-1])
    return np.concatenate([means, rows], axis=-2)


def _extrapolated(images: list[Array], residuals: list[Array]) -> Array:
    """Return the combination of the last images whose residual would be the smallest.

    Anderson acceleration (Walker and Ni, SIAM J. Numer. Anal. 49, 2011), one small system a
    candidate. The ridge is below what rounding leaves of the residuals.
    """
    shape = images[-1].shape
    image = np.stack(images, axis=1).reshape(shape[0], len(images), -1)
    residual = np.stack(residuals, axis=1).reshape(shape[0], len(images), -1)
    changes = np.diff(residual, axis=1)
    system = changes @ changes.swapaxes(-1, -2)
    ridge = 1e-12 * np.trace(system, axis1=-2, axis2=-1) + 1e-30
    system += ridge[:, np.newaxis, np.newaxis] * np.eye(len(images) - 1)
    weights = np.linalg.solve(system, changes @ residual[:, -1, :, np.newaxis])
    step = np.diff(image, axis=1).swapaxes(-1, -2) @ weights
    return (image[:, -1] - step[..., 0]).reshape(shape)
