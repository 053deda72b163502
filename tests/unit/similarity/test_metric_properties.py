"""Whatever the features, a distance is a number in its range, or the error says what is needed."""

import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from layer_pruning.similarity import METRICS, VARIANTS, distances
from layer_pruning.similarity.catalog import CATALOG

ALL = {**METRICS, **VARIANTS}
QUICK = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)


@st.composite
def cases(draw):
    """Draw features of two networks, with what makes real ones awkward, and labels."""
    images, features = draw(st.integers(1, 14)), draw(st.integers(1, 9))
    classes = draw(st.integers(1, max(1, images // 2)))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    labels = np.arange(images) % classes
    sides = generator.normal(size=(2, images, features))
    if draw(st.booleans()):
        sides[1] = sides[0] + draw(st.sampled_from([0.0, 1e-9, 1e-3, 1.0])) * sides[1]
    for side in sides:
        kinds = st.sampled_from(["plain", "relu", "dead", "one alive", "constant", "copies"])
        kind = draw(kinds)
        if kind == "relu":
            np.maximum(side, 0, out=side)
        elif kind == "dead":
            side[:, generator.random(features) < 0.5] = 0
        elif kind == "one alive":
            side[:, 1:] = 0
        elif kind == "constant":
            side[:] = side[0]
        elif kind == "copies":
            side[:] = side[generator.integers(0, images, images)]
        side *= 10.0 ** draw(st.integers(-8, 8))
        if draw(st.booleans()):
            # scales of single features, and offsets, as far apart
            side *= 10.0 ** generator.integers(-8, 9, features)
        if draw(st.booleans()):
            side += 10.0 ** draw(st.integers(-8, 8))
    return sides[0], sides[1], labels


@pytest.mark.parametrize("name", ALL)
@QUICK
@given(case=cases())
def test_a_distance_is_in_its_range_or_the_error_says_what_is_needed(name, case):
    reference, candidate, labels = case
    images, features = reference.shape
    information = CATALOG[name]
    enough = (
        images >= information.minimum_images(features)
        and np.bincount(labels).min() >= information.minimum_images_per_class
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        if not enough:
            with pytest.raises(ValueError, match=r"needs at least \d+ images"):
                ALL[name](reference, candidate, labels)
            return
        value = ALL[name](reference, candidate, labels)
    assert np.isfinite(value)
    assert 0 <= value <= information.upper_bound


@pytest.mark.parametrize("name", ALL)
@QUICK
@given(case=cases())
def test_features_are_at_distance_zero_from_themselves(name, case):
    reference, _, labels = case
    try:
        value = ALL[name](reference, reference, labels)
    except ValueError as error:
        assert "needs at least" in str(error)
        return
    # relative to the features, for metrics that have their units
    size = 1.0 if np.isfinite(CATALOG[name].upper_bound) else np.abs(reference).max()
    assert value <= 1e-6 * size


@pytest.mark.parametrize("name", ALL)
@QUICK
@given(case=cases(), data=st.data())
def test_a_candidate_does_not_see_its_neighbours(name, case, data):
    reference, candidate, labels = case
    others = data.draw(st.permutations([reference, candidate, candidate * 2, candidate + 1]))
    where = next(index for index, other in enumerate(others) if other is candidate)
    try:
        alone = ALL[name](reference, candidate, labels)
    except ValueError:
        return
    together = distances(name, reference, np.stack(others), labels)[where]
    size = (
        1.0
        if np.isfinite(CATALOG[name].upper_bound)
        else max(np.abs(reference).max(), np.abs(candidate).max())
    )
    assert together == pytest.approx(alone, rel=1e-6, abs=1e-7 * size)


@QUICK
@given(case=cases())
def test_the_order_of_two_sides_does_not_matter(case):
    reference, candidate, labels = case
    for name in ("cka", "procrustes", "cca", "permutation", "wasserstein", "stochastic_means"):
        try:
            there = ALL[name](reference, candidate, labels)
        except ValueError:
            continue
        back = ALL[name](candidate, reference, labels)
        size = (
            1.0
            if np.isfinite(CATALOG[name].upper_bound)
            else max(np.abs(reference).max(), np.abs(candidate).max())
        )
        assert there == pytest.approx(back, rel=1e-6, abs=1e-7 * size)
