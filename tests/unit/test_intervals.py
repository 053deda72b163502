import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layer_pruning.intervals import median_interval, wilson_interval

Z2 = 1.959963984540054**2


@given(st.integers(1, 10**6).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_it_contains_the_proportion_and_mirrors(case):
    successes, n = case
    low, high = wilson_interval(successes, n)
    assert 0 <= low <= successes / n <= high <= 1
    assert low < high
    mirrored = wilson_interval(n - successes, n)
    assert math.isclose(mirrored[0], 1 - high, abs_tol=1e-12)


@pytest.mark.parametrize("n", [1, 10, 1000])
def test_none_and_all_have_their_closed_form(n):
    assert wilson_interval(0, n) == (0.0, pytest.approx(Z2 / (n + Z2)))
    assert wilson_interval(n, n) == (pytest.approx(n / (n + Z2)), 1.0)


@pytest.mark.parametrize(("successes", "n"), [(3, 10), (1, 7), (50, 100)])
def test_the_ends_solve_the_score_equation(successes, n):
    p = successes / n
    for end in wilson_interval(successes, n):
        assert (p - end) ** 2 == pytest.approx(Z2 * end * (1 - end) / n)


@pytest.mark.parametrize(("successes", "n"), [(-1, 5), (6, 5), (0, 0)])
def test_impossible_counts_are_refused(successes, n):
    with pytest.raises(ValueError, match="successes"):
        wilson_interval(successes, n)


@pytest.mark.parametrize(
    ("n", "k", "coverage"),
    [
        (1, 1, 0.0),
        (2, 1, 0.5),
        (5, 1, 0.9375),
        (6, 1, 0.96875),
        (8, 1, 0.9921875),
        (10, 2, 0.978515625),
    ],
)
def test_median_interval_has_its_binomial_coverage(n, k, coverage):
    low, high, found = median_interval([float(i) for i in range(n, 0, -1)])
    assert (low, high) == (k, n + 1 - k)
    assert found == pytest.approx(coverage)


def test_median_interval_covers_as_often_as_it_says():
    generator = random.Random(0)
    hits = 0
    for _ in range(4000):
        low, high, coverage = median_interval([generator.expovariate(1) for _ in range(12)])
        hits += low <= math.log(2) <= high
    assert hits / 4000 == pytest.approx(coverage, abs=0.01)
