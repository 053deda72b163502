"""The metrics without a closed form: bounds, planted optima, and steps that never go back."""

import numpy as np
import pytest
from scipy.linalg import sqrtm
from scipy.stats import ortho_group

from layer_pruning.similarity import METRICS
from layer_pruning.similarity.stochastic import align, stochastic, stochastic_covariances

ALPHAS = {"stochastic": 1.0, "stochastic_covariances": 0.0}


@pytest.fixture
def generator():
    return np.random.default_rng(7)


def gaussians(generator, images, features, classes, candidates, noise=0.5):
    """Return features around class means, candidates that differ by noise, and labels."""
    labels = np.repeat(np.arange(classes), images)
    spread = np.exp(generator.normal(size=(classes, features)))
    reference = generator.normal(size=(classes * images, features)) * spread[labels]
    reference += 2 * generator.normal(size=(classes, features))[labels]
    others = reference + noise * generator.normal(size=(candidates, *reference.shape))
    return reference, others, labels


def objective(reference, candidate, labels, rotation, alpha):
    """Return the distance at a rotation, term by term as in the definition."""
    total = 0.0
    classes = np.unique(labels)
    for label in classes:
        first, second = reference[labels == label], candidate[labels == label] @ rotation
        gap = np.square(first.mean(axis=0) - second.mean(axis=0)).sum()
        one, two = (np.cov(side, rowvar=False) for side in (first, second))
        cross = np.linalg.svd(symmetric_root(one) @ symmetric_root(two), compute_uv=False)
        bures = np.trace(one + two) - 2 * cross.sum()
        total += alpha * gap + (2 - alpha) * bures
    return np.sqrt(total / len(classes))


def symmetric_root(matrix):
    """Return the symmetric square root of a covariance, singular or not."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    # the root of a rounding error is none
    values = np.where(values > 1e-13 * values[-1], values, 0)
    return (vectors * np.sqrt(values)) @ vectors.T


def test_the_square_root_of_these_tests_is_the_square_root():
    matrix = np.cov(np.random.default_rng(0).normal(size=(4, 9)))
    np.testing.assert_allclose(symmetric_root(matrix), sqrtm(matrix), atol=1e-12)


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0, 1.7])
@pytest.mark.parametrize("init", ["identity", "means"])
@pytest.mark.parametrize(("images", "features"), [(20, 4), (3, 4), (2, 9), (5, 40)])
def test_the_distance_is_the_objective_at_an_orthogonal_map(
    alpha, init, images, features, generator
):
    reference, candidates, labels = gaussians(generator, images, features, 3, 2)
    found = align(
        reference, candidates, labels, alpha=alpha, init=init, keep_rotations=True, max_steps=25
    )
    for distance, candidate, rotation in zip(
        found.distances, candidates, found.rotations, strict=True
    ):
        values = np.linalg.svd(rotation, compute_uv=False)
        # where features outnumber images, the map acts on the span of the images alone
        rank = min(features, len(labels))
        np.testing.assert_allclose(values[:rank], 1)
        np.testing.assert_allclose(values[rank:], 0, atol=1e-9)
        expected = objective(reference, candidate, labels, rotation, alpha)
        assert distance == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("alpha", [0.0, 1.0])
@pytest.mark.parametrize("images", [30, 3])
def test_no_step_raises_the_objective(alpha, images, generator):
    reference, candidates, labels = gaussians(generator, images, 5, 3, 4, noise=2.0)
    previous = [objective(reference, c, labels, np.eye(5), alpha) for c in candidates]
    for steps in range(1, 15):
        found = align(
            reference,
            candidates,
            labels,
            alpha=alpha,
            max_steps=steps,
            tolerance=0,
            keep_rotations=True,
        )
        current = [
            objective(reference, candidate, labels, rotation, alpha)
            for candidate, rotation in zip(candidates, found.rotations, strict=True)
        ]
        assert np.all(np.array(current) <= np.array(previous) * (1 + 1e-9))
        previous = current
    # and they do go down
    start = [objective(reference, c, labels, np.eye(5), alpha) for c in candidates]
    assert np.all(np.array(current) < 0.999 * np.array(start))


@pytest.mark.parametrize("name", ALPHAS)
def test_extrapolation_ends_where_plain_steps_end(name, generator):
    reference, candidates, labels = gaussians(generator, 12, 6, 4, 5, noise=0.3)
    for candidate, distance in zip(
        candidates,
        align(reference, candidates, labels, alpha=ALPHAS[name]).distances,
        strict=True,
    ):
        assert distance == pytest.approx(
            plain_steps(reference, candidate, labels, ALPHAS[name]), rel=1e-5
        )


def plain_steps(reference, candidate, labels, alpha):
    """Return the distance after plain alternating steps from the identity, to 1e-10."""
    classes, rotation, distance = np.unique(labels), np.eye(reference.shape[1]), np.inf
    while True:
        cross = np.zeros_like(rotation)
        for label in classes:
            first, second = reference[labels == label], candidate[labels == label]
            cross += alpha * np.outer(second.mean(axis=0), first.mean(axis=0))
            roots = [symmetric_root(np.cov(side, rowvar=False)) for side in (second, first)]
            left, _, right = np.linalg.svd(roots[0] @ rotation @ roots[1])
            cross += (2 - alpha) * roots[0] @ left @ right @ roots[1]
        left, _, right = np.linalg.svd(cross)
        rotation = left @ right
        last, distance = distance, objective(reference, candidate, labels, rotation, alpha)
        if last - distance <= 1e-10 * distance:
            return distance


@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
def test_covariances_of_one_class_have_a_closed_form(scale, generator):
    # the best rotation pairs the axes by size: sqrt(2 sum (sorted standard deviations)^2)
    reference, candidates, labels = gaussians(generator, 200, 5, 1, 6, noise=3.0)
    reference, candidates = scale * reference, scale * candidates
    found = stochastic_covariances(reference, candidates, labels)
    deviations = [
        np.sqrt(np.linalg.eigvalsh(np.cov(side, rowvar=False))) for side in (reference, *candidates)
    ]
    expected = [np.sqrt(2) * np.linalg.norm(other - deviations[0]) for other in deviations[1:]]
    assert np.all(found >= np.array(expected) * (1 - 1e-9))
    assert np.all(found <= np.array(expected) * 1.01)


def test_the_rotation_between_rotated_copies_is_found_near_the_identity(generator):
    reference, _, labels = gaussians(generator, 30, 4, 3, 1)
    skew = 0.1 * generator.normal(size=(4, 4))
    rotation = np.linalg.qr(np.eye(4) + skew - skew.T)[0]
    rotation *= np.sign(np.diag(rotation))
    for name in ALPHAS:
        assert METRICS[name](reference, reference @ rotation, labels) < 1e-3
    # the class means of the shifted copy are elsewhere, its covariances are not
    shifted = reference @ rotation + 1
    assert METRICS["stochastic_covariances"](reference, shifted, labels) < 1e-3
    assert METRICS["stochastic"](reference, shifted, labels) > 0.1


@pytest.mark.parametrize("name", ALPHAS)
def test_rotating_both_sides_alike_changes_nothing(name, generator):
    reference, candidates, labels = gaussians(generator, 15, 5, 3, 1)
    rotation = ortho_group.rvs(5, random_state=2)
    here = METRICS[name](reference, candidates[0], labels)
    there = METRICS[name](reference @ rotation, candidates[0] @ rotation, labels)
    assert there == pytest.approx(here, rel=1e-5)


def test_the_start_from_the_means_survives_any_rotation_that_means_can_see(generator):
    # more classes than features: their means fix the rotation
    reference, _, labels = gaussians(generator, 6, 4, 8, 1)
    rotated = (reference @ ortho_group.rvs(4, random_state=5))[np.newaxis]
    for metric in (stochastic, stochastic_covariances):
        np.testing.assert_allclose(metric(reference, rotated, labels, init="means"), 0, atol=1e-7)
        assert metric(reference, rotated, labels) >= 0


def test_the_start_from_too_few_means_stays_near_the_identity(generator):
    # one class of two features: its mean fixes one direction, and nothing need turn in the others
    reference, _, labels = gaussians(generator, 40, 6, 1, 1)
    found = align(
        reference, reference[np.newaxis], labels, alpha=0, init="means", keep_rotations=True
    )
    np.testing.assert_allclose(found.rotations[0], np.eye(6), atol=1e-6)


@pytest.mark.parametrize("name", ALPHAS)
@pytest.mark.parametrize(("images", "features"), [(20, 5), (4, 30)])
def test_known_rotations_are_a_start_that_saves_steps(name, images, features, generator):
    reference, candidates, labels = gaussians(generator, images, features, 3, 4, noise=0.5)
    cold = align(
        reference, candidates, labels, alpha=ALPHAS[name], tolerance=1e-8, keep_rotations=True
    )
    warm = align(
        reference,
        candidates,
        labels,
        alpha=ALPHAS[name],
        init=cold.rotations,
        tolerance=1e-6,
    )
    np.testing.assert_allclose(warm.distances, cold.distances, rtol=1e-6)
    assert np.all(warm.steps <= 2)
    assert np.all(cold.steps > 3)


def test_a_start_that_is_no_rotation_is_made_one(generator):
    reference, candidates, labels = gaussians(generator, 20, 3, 2, 2)
    scaled = np.broadcast_to(50 * np.eye(3), (2, 3, 3))
    np.testing.assert_allclose(
        stochastic(reference, candidates, labels, init=scaled),
        stochastic(reference, candidates, labels),
    )


def test_the_metrics_are_the_alignment_at_their_alpha(generator):
    reference, candidates, labels = gaussians(generator, 10, 4, 3, 2)
    for name, alpha in {**ALPHAS, "stochastic_means": 2.0}.items():
        found = align(reference, candidates, labels, alpha=alpha).distances
        expected = [METRICS[name](reference, candidate, labels) for candidate in candidates]
        np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_classes_of_unequal_size_and_any_name(generator):
    counts = [2, 3, 9, 40]
    labels = np.repeat(["owl", "cat", "ant", "dog"], counts)
    reference = generator.normal(size=(sum(counts), 5))
    candidate = reference + 0.4 * generator.normal(size=reference.shape)
    order = generator.permutation(len(labels))
    for name, alpha in ALPHAS.items():
        found = align(reference, candidate[np.newaxis], labels, alpha=alpha, keep_rotations=True)
        expected = objective(reference, candidate, labels, found.rotations[0], alpha)
        assert found.distances[0] == pytest.approx(expected, rel=1e-6)
        shuffled = METRICS[name](reference[order], candidate[order], labels[order])
        assert shuffled == pytest.approx(found.distances[0], rel=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"alpha": 2.1}, "alpha is 2.1, expected a number from 0 to 2"),
        ({"alpha": 1, "max_steps": 0}, "max_steps is 0, expected at least 1"),
        ({"alpha": 1, "init": "random"}, "init is 'random', expected 'identity', 'means'"),
        ({"alpha": 1, "init": np.eye(4)}, r"init has shape \(4, 4\), expected \(1, 4, 4\)"),
        ({"alpha": 1, "init": np.full((1, 4, 4), np.nan)}, "init holds values that are not"),
    ],
)
def test_options_out_of_range_are_refused(options, message, generator):
    reference, candidates, labels = gaussians(generator, 5, 4, 2, 1)
    with pytest.raises(ValueError, match=message):
        align(reference, candidates, labels, **options)
