"""What every metric must leave alone, what it must see, and values known in closed form."""

import numpy as np
import pytest
from held_out import held_out
from scipy.stats import ortho_group, wasserstein_distance

from layer_pruning.similarity import METRICS, VARIANTS, distances
from layer_pruning.similarity.catalog import CATALOG, PAPER_METRICS

ALL = {**METRICS, **VARIANTS}
ANGLES = ("procrustes", "cca", "permutation")
SCALE_FREE = ("cka", "cka_debiased", *ANGLES)
SHIFT_FREE = (*SCALE_FREE, "stochastic_covariances")
# the optimum of the last two is found from a start that a rotation moves: see test_stochastic
ROTATION_FREE = ("cka", "cka_debiased", "procrustes", "cca", "stochastic_means")
# an angle is the arc cosine of a number near 1, which has half the digits
CLOSE = 1e-7


@pytest.fixture
def generator():
    return np.random.default_rng(20241122)


@pytest.fixture
def labels():
    return np.repeat([0, 1, 2], 20)


@pytest.fixture
def reference(generator, labels):
    spread = np.linspace(1, 3, 5)
    return generator.normal(size=(60, 5)) * spread + 2 * generator.normal(size=(3, 5))[labels]


@pytest.fixture
def candidate(generator, reference):
    mixed = reference @ (np.eye(5) + 0.3 * generator.normal(size=(5, 5)))
    return mixed + generator.normal(size=(60, 5)) + 0.5


@pytest.mark.parametrize("name", ALL)
def test_identical_features_are_at_distance_zero(name, reference, labels):
    assert ALL[name](reference, reference, labels) == pytest.approx(0, abs=CLOSE)


@pytest.mark.parametrize("name", ALL)
def test_different_features_are_not(name, reference, candidate, labels):
    assert ALL[name](reference, candidate, labels) > 1e-2


@pytest.mark.parametrize("name", ALL)
def test_symmetry(name, reference, candidate, labels):
    there, back = ALL[name](reference, candidate, labels), ALL[name](candidate, reference, labels)
    assert there == pytest.approx(back, rel=1e-5)


@pytest.mark.parametrize("name", ALL)
def test_the_order_of_the_images_does_not_matter(name, generator, reference, candidate, labels):
    order = generator.permutation(60)
    shuffled = ALL[name](reference[order], candidate[order], labels[order])
    assert shuffled == pytest.approx(ALL[name](reference, candidate, labels), rel=1e-5)


@pytest.mark.parametrize("name", sorted(set(ALL) - {"wasserstein"}))
def test_which_image_has_which_features_matters(name, generator, reference, labels):
    shuffled = reference[generator.permutation(60)]
    assert ALL[name](reference, shuffled, labels) > 1e-2


@pytest.mark.parametrize("name", ROTATION_FREE)
def test_rotating_one_side_changes_nothing(name, reference, candidate, labels):
    rotation = ortho_group.rvs(5, random_state=1)
    rotated = ALL[name](reference, candidate @ rotation, labels)
    assert rotated == pytest.approx(ALL[name](reference, candidate, labels), rel=1e-9)
    assert ALL[name](reference, reference @ rotation, labels) == pytest.approx(0, abs=CLOSE)


@pytest.mark.parametrize("name", ["permutation", "wasserstein"])
def test_rotating_one_side_is_seen(name, reference, labels):
    rotation = ortho_group.rvs(5, random_state=1)
    assert ALL[name](reference, reference @ rotation, labels) > 1e-2


@pytest.mark.parametrize("name", sorted(set(ALL) - {"stochastic", "stochastic_covariances"}))
def test_reordering_the_features_of_one_side_changes_nothing(name, reference, candidate, labels):
    order = [3, 0, 4, 1, 2]
    reordered = ALL[name](reference, candidate[:, order], labels)
    assert reordered == pytest.approx(ALL[name](reference, candidate, labels), rel=1e-9)


@pytest.mark.parametrize("name", SCALE_FREE)
def test_the_scale_of_one_side_changes_nothing(name, reference, candidate, labels):
    scaled = ALL[name](1e8 * reference, 1e-8 * candidate, labels)
    assert scaled == pytest.approx(ALL[name](reference, candidate, labels), rel=1e-9)


@pytest.mark.parametrize("name", SCALE_FREE)
@pytest.mark.parametrize("scale", [1e-200, 1e-8, 1e8, 1e97])
def test_no_scale_is_out_of_reach(name, scale, reference, candidate, labels):
    # the square of the smallest is no longer a number
    scaled = ALL[name](scale * reference, candidate, labels)
    assert scaled == pytest.approx(ALL[name](reference, candidate, labels), rel=1e-9)


@pytest.mark.parametrize("name", sorted(set(ALL) - set(SCALE_FREE)))
@pytest.mark.parametrize("scale", [1e-200, 1e-8, 1e8, 1e97])
def test_a_common_scale_is_that_of_the_distance(name, scale, reference, candidate, labels):
    scaled = ALL[name](scale * reference, scale * candidate, labels)
    assert scaled / scale == pytest.approx(ALL[name](reference, candidate, labels), rel=1e-9)
    assert ALL[name](reference, 3 * reference, labels) > 1e-2


@pytest.mark.parametrize("name", SHIFT_FREE)
def test_shifting_one_side_changes_nothing(name, reference, candidate, labels):
    shift = np.array([100.0, -3.0, 0.0, 7.0, 1e4])
    shifted = ALL[name](reference, candidate + shift, labels)
    assert shifted == pytest.approx(ALL[name](reference, candidate, labels), rel=1e-7)


@pytest.mark.parametrize("name", sorted(set(ALL) - set(SHIFT_FREE)))
def test_shifting_one_side_is_seen(name, reference, labels):
    assert ALL[name](reference, reference + 1.5, labels) > 1e-2


def test_cca_alone_forgives_any_invertible_linear_map(generator, reference, candidate, labels):
    mixing = generator.normal(size=(5, 5))
    mixed = METRICS["cca"](reference, candidate @ mixing, labels)
    assert mixed == pytest.approx(METRICS["cca"](reference, candidate, labels), rel=1e-9)
    assert METRICS["cca"](reference, reference @ mixing, labels) == pytest.approx(0, abs=CLOSE)
    for name in set(ALL) - {"cca"}:
        assert ALL[name](reference, reference @ mixing, labels) > 1e-2


@pytest.mark.parametrize("name", (*ANGLES, "wasserstein", "stochastic_means"))
def test_triangle_inequality(name, generator, labels):
    # near pairs and far ones: six points, and six more close to them
    points = generator.normal(size=(12, 60, 5))
    points[6:] = points[:6] + 0.2 * points[6:]
    table = np.stack([distances(name, point, points, labels) for point in points])
    detour = (table[:, :, np.newaxis] + table[np.newaxis, :, :]).min(axis=1)
    assert np.all(table <= detour + CLOSE)


@pytest.mark.parametrize("name", ALL)
def test_a_batch_equals_its_members(name, generator, reference, labels):
    candidates = reference + generator.uniform(0.1, 2, (7, 1, 1)) * generator.normal(
        size=(7, 60, 5)
    )
    batch = distances(name, reference, candidates, labels)
    single = [ALL[name](reference, candidate, labels) for candidate in candidates]
    assert batch.shape == (7,)
    assert batch.dtype == np.float64
    np.testing.assert_allclose(batch, single, rtol=1e-9)


@pytest.mark.parametrize("name", ALL)
def test_a_batch_cut_into_parts_is_the_same_batch(name, reference, candidate, labels, monkeypatch):
    candidates = np.stack([candidate, reference, candidate + reference**2, 2 * candidate])
    whole = distances(name, reference, candidates, labels)
    monkeypatch.setattr("layer_pruning.similarity.batch._BATCH_NUMBERS", 3 * reference.size)
    monkeypatch.setattr("layer_pruning.similarity.stochastic._BATCH_NUMBERS", 1)
    np.testing.assert_allclose(
        distances(name, reference, candidates, labels), whole, rtol=1e-9, atol=CLOSE
    )


@pytest.mark.parametrize("name", ALL)
def test_no_candidates_no_distances(name, reference, labels):
    assert distances(name, reference, np.empty((0, 60, 5)), labels).shape == (0,)


@pytest.mark.parametrize("name", ALL)
def test_more_features_than_images(name, generator):
    # the wide path against the narrow one: 8 images of 30 features, of which only 6 are alive
    labels = np.repeat([0, 1], 4)
    alive = generator.normal(size=(4, 8, 6)) + labels[:, np.newaxis]
    wide = np.zeros((4, 8, 30))
    wide[..., ::5] = alive
    if name == "cca":
        with pytest.raises(ValueError, match="at least 32 images, got 8"):
            distances(name, wide[0], wide[1:], labels)
        return
    expected = distances(name, alive[0], alive[1:], labels)
    if name == "wasserstein":
        # the dead features are 144 more pairs, and zeros sort between the signs
        assert np.all(distances(name, wide[0], wide[1:], labels) < expected)
        return
    if name == "permutation":
        # a feature may be matched with a dead one, where no match is better than a bad one
        assert np.all(distances(name, wide[0], wide[1:], labels) <= expected + CLOSE)
        return
    np.testing.assert_allclose(distances(name, wide[0], wide[1:], labels), expected, rtol=1e-5)


# values known in closed form


def test_cka_of_orthogonal_and_of_half_shared_directions():
    rows = np.array([[1.0, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
    first, second, third = rows[:, :1], rows[:, 1:2], rows[:, 2:]
    assert METRICS["cka"](first, second, np.zeros(4)) == pytest.approx(1)
    # one of two orthonormal directions shared: 1 / sqrt(2 * 2)
    shared = METRICS["cka"](np.hstack([first, second]), np.hstack([first, third]), np.zeros(4))
    assert shared == pytest.approx(0.5)


def test_debiased_cka_is_the_estimator_written_with_gram_matrices(reference, candidate, labels):
    def independence(first, second):
        n = len(first)
        k, ell = first @ first.T, second @ second.T
        np.fill_diagonal(k, 0)
        np.fill_diagonal(ell, 0)
        terms = np.trace(k @ ell), k.sum() * ell.sum(), (k @ ell).sum()
        return (terms[0] + terms[1] / ((n - 1) * (n - 2)) - 2 * terms[2] / (n - 2)) / (n * (n - 3))

    expected = 1 - independence(reference, candidate) / np.sqrt(
        independence(reference, reference) * independence(candidate, candidate)
    )
    assert VARIANTS["cka_debiased"](reference, candidate, labels) == pytest.approx(
        expected, rel=1e-9
    )


def test_debiasing_puts_independent_features_at_distance_one(generator):
    # 100 images, 200 features: the biased estimator calls pure noise similar
    reference = generator.normal(size=(100, 200))
    candidates = generator.normal(size=(30, 100, 200))
    labels = np.zeros(100)
    assert distances("cka_debiased", reference, candidates, labels).mean() == pytest.approx(
        1, abs=0.01
    )
    assert distances("cka", reference, candidates, labels).mean() < 0.5


@pytest.mark.parametrize("name", ["procrustes", "cca", "permutation"])
@pytest.mark.parametrize("degrees", [0.5, 30, 89])
def test_angle_between_two_single_features(name, degrees):
    first, second = np.array([1.0, 1, -1, -1]), np.array([1.0, -1, 1, -1])
    turned = np.cos(np.radians(degrees)) * first + np.sin(np.radians(degrees)) * second
    value = METRICS[name](first[:, np.newaxis], turned[:, np.newaxis], np.zeros(4))
    assert np.degrees(value) == pytest.approx(degrees)


def test_only_a_rotation_turns_a_sign_round():
    feature = np.array([[1.0], [2.0], [-4.0]])
    assert METRICS["procrustes"](feature, -feature, np.zeros(3)) == pytest.approx(0, abs=CLOSE)
    assert METRICS["permutation"](feature, -feature, np.zeros(3)) == pytest.approx(np.pi)


def test_procrustes_of_stretched_orthonormal_features():
    # S = diag(a_i b_i), so that the cosine is that of the vectors a and b
    basis = np.linalg.qr(np.random.default_rng(0).normal(size=(9, 4)))[0]
    basis = np.linalg.qr(basis - basis.mean(axis=0))[0]
    first, second = np.array([1.0, 2, 3, 4]), np.array([4.0, 1, 1, 2])
    cosine = first @ second / np.linalg.norm(first) / np.linalg.norm(second)
    value = METRICS["procrustes"](basis * first, basis * second, np.zeros(9))
    assert value == pytest.approx(np.arccos(cosine))


def test_cca_is_the_mean_of_planted_canonical_correlations(generator):
    basis = np.linalg.qr(generator.normal(size=(40, 7)))[0]
    basis = np.linalg.qr(basis - basis.mean(axis=0))[0][:, :6]
    correlations = np.array([0.9, 0.5, 0.1])
    second = basis[:, :3] * correlations + basis[:, 3:] * np.sqrt(1 - correlations**2)
    mixing = generator.normal(size=(2, 3, 3))
    value = METRICS["cca"](basis[:, :3] @ mixing[0], second @ mixing[1], np.zeros(40))
    assert value == pytest.approx(np.arccos(0.5))


def test_cca_of_spaces_of_unequal_rank(generator):
    # 2 of 3 directions, with a dead feature for the third: 2 / sqrt(2 * 3)
    features = generator.normal(size=(20, 3))
    value = METRICS["cca"](features, features * [1, 1, 0], np.zeros(20))
    assert value == pytest.approx(np.arccos(2 / np.sqrt(6)))


def test_permutation_finds_the_planted_matching_where_greedy_matching_fails():
    # 3 + 3 beats the greedy 4 + 1
    basis = np.array([[1.0, 1], [1, -1], [-1, 1], [-1, -1]]) / 2
    products = np.array([[4.0, 3], [3, 1]])
    second = basis @ products
    cosine = 6 / np.sqrt(2) / np.linalg.norm(products)
    assert METRICS["permutation"](basis, second, np.zeros(4)) == pytest.approx(np.arccos(cosine))


def test_wasserstein_is_that_of_the_flattened_samples(reference, candidate, labels):
    expected = wasserstein_distance(reference.ravel(), candidate.ravel())
    assert METRICS["wasserstein"](reference, candidate, labels) == pytest.approx(expected)
    assert METRICS["wasserstein"](reference, reference + 1.25, labels) == pytest.approx(1.25)


def test_stochastic_means_of_stretched_orthogonal_means():
    # means a_k e_k and b_k e_k: aligned already, sqrt(2 / K sum (a - b)^2)
    first, second = np.diag([3.0, 2, 1]), np.diag([1.0, 2, 5])
    labels = np.repeat([0, 1, 2], 2)
    noise = np.tile([[1.0], [-1.0]], (3, 1)) * np.array([0.3, 0.2, 0.1])
    value = METRICS["stochastic_means"](first[labels] + noise, second[labels] - 5 * noise, labels)
    assert value == pytest.approx(np.sqrt(2 / 3 * (4 + 0 + 16)))


# held-out images


@pytest.mark.parametrize(("name", "whiten"), [("procrustes", False), ("cca", True)])
def test_scoring_the_fitted_images_is_the_metric_itself(name, whiten, reference, candidate, labels):
    sides = reference, candidate[np.newaxis]
    expected = METRICS[name](reference, candidate, labels)
    np.testing.assert_allclose(held_out(sides, sides, whiten=whiten), [expected], rtol=1e-9)


@pytest.mark.parametrize("whiten", [False, True])
def test_a_linear_map_holds_on_other_images(whiten, generator, reference):
    mixing = generator.normal(size=(5, 5)) if whiten else 2 * ortho_group.rvs(5, random_state=3)
    second = (reference @ mixing + 9)[np.newaxis]
    fitted, scored = (reference[:40], second[:, :40]), (reference[40:], second[:, 40:])
    np.testing.assert_allclose(held_out(fitted, scored, whiten=whiten), [0], atol=CLOSE)


@pytest.mark.parametrize("whiten", [False, True])
def test_images_are_centred_by_the_fitted_ones(whiten, reference):
    # the same shift of all images is forgiven, one that appears after fitting is not
    fitted = reference[:40], reference[np.newaxis, :40]
    scored = reference[40:], reference[np.newaxis, 40:] + 2
    assert held_out(fitted, scored, whiten=whiten) > 0.1


def test_held_out_images_are_where_overfitting_shows(generator):
    # 12 images of 10 features can be rotated to look alike; 200 others then do not
    noise = generator.normal(size=(2, 212, 10))
    sides = [(noise[0, part], noise[1:, part]) for part in (slice(12), slice(12, None))]
    assert held_out(sides[0], sides[0], whiten=True) < 0.7
    assert held_out(sides[0], sides[1], whiten=True) > 1.2


def test_held_out_says_what_it_needs(reference):
    sides = reference[:6], reference[np.newaxis, :6]
    with pytest.raises(ValueError, match="at least 7 images, got 6"):
        held_out(sides, sides, whiten=True)
    with pytest.raises(ValueError, match="as many candidates and features as fitted"):
        held_out(sides, (reference, np.stack([reference] * 2)))


# constant features, and what is refused


@pytest.mark.parametrize("constant", [0.0, 0.1, -1e8])
def test_constant_features(constant, reference, labels):
    still = np.full_like(reference, constant)
    for name in SCALE_FREE:
        right = 1 if "cka" in name else np.pi / 2
        assert ALL[name](still, still + 3, labels) == 0
        assert ALL[name](reference, still, labels) == pytest.approx(right)
        assert ALL[name](still, reference, labels) == pytest.approx(right)
    assert METRICS["stochastic_covariances"](still, still + 3, labels) == 0


def test_debiased_cka_of_images_that_are_equally_far_apart():
    # nothing but the distances of single images is left: no structure, as for constant features
    simplex, line = np.eye(6), np.arange(6.0)[:, np.newaxis] * np.ones((1, 6))
    assert VARIANTS["cka_debiased"](simplex, line, np.zeros(6)) == 1
    assert VARIANTS["cka_debiased"](simplex, 2 * simplex, np.zeros(6)) == 0


def test_a_mean_that_dwarfs_the_spread_costs_few_digits(reference, candidate, labels):
    for name in SHIFT_FREE:
        far = ALL[name](reference + 1e8, candidate - 1e8, labels)
        assert far == pytest.approx(ALL[name](reference, candidate, labels), rel=1e-5)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f, g, y: (f[:, 0], g, y), "reference has shape"),
        (lambda f, g, y: (f, g[:, :3], y), "candidates have shape"),
        (lambda f, g, y: (f, g[:30], y), "candidates have shape"),
        (lambda f, g, y: (f, g, y[1:]), r"labels have shape \(59,\), expected \(60,\)"),
        (lambda f, g, y: (f, g, np.eye(60)), "labels have shape"),
        (lambda f, g, y: (np.where(f > 0, np.nan, f), g, y), "reference holds values that are not"),
        (lambda f, g, y: (f, np.where(g > 0, np.inf, g), y), "candidates holds values that are"),
        (lambda f, g, y: (f * 1j, g, y), "expected real numbers"),
        (lambda f, g, y: (f.astype(str), g, y), "expected real numbers"),
        (lambda f, g, y: (f[:0], g[:0], y[:0]), "reference has shape"),
    ],
)
def test_what_does_not_fit_is_refused(name, change, message, reference, candidate, labels):
    with pytest.raises(ValueError, match=message):
        ALL[name](*change(reference, candidate, labels))


def test_an_unknown_metric_is_refused(reference, labels):
    with pytest.raises(ValueError, match="unknown metric 'cosine', expected one of: cka, "):
        distances("cosine", reference, reference[np.newaxis], labels)


@pytest.mark.parametrize("name", PAPER_METRICS)
def test_single_precision_and_lists_are_taken(name, reference, candidate, labels):
    single = METRICS[name](reference.astype(np.float32), candidate.astype(np.float32), labels)
    assert single == pytest.approx(METRICS[name](reference, candidate, labels), rel=1e-4)
    listed = METRICS[name](reference.tolist(), candidate.tolist(), labels.tolist())
    assert listed == METRICS[name](reference, candidate, labels)


def test_inputs_are_left_as_they_were(reference, candidate, labels):
    copies = reference.copy(), candidate.copy(), labels.copy()
    for name in CATALOG:
        ALL[name](reference, candidate, labels)
    for before, after in zip(copies, (reference, candidate, labels), strict=True):
        np.testing.assert_array_equal(before, after)
