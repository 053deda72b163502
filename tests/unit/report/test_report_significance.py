import math
from itertools import product

import numpy as np
import pytest
from scipy import stats

from layer_pruning.report.significance import (
    NO_DIFFERENCE,
    NO_SPREAD,
    ONE_SEED,
    Mean,
    holm,
    mcnemar,
    paired_interval,
    sign_flip,
    t_inside,
    t_quantile,
)


@pytest.mark.parametrize(
    ("freedom", "table"),
    [(1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (9, 2.262), (10, 2.228), (30, 2.042)],
)
def test_t_quantiles_of_the_printed_table(freedom, table):
    assert t_quantile(freedom) == pytest.approx(table, abs=5e-4)


def test_closed_form_of_t_is_scipys():
    for freedom in range(1, 40):
        for t in (0.0, 0.1, 1.0, 2.5, 12.0):
            assert t_inside(t, freedom) == pytest.approx(1 - 2 * stats.t.sf(t, freedom), abs=1e-12)


def test_mean_and_interval_worked_by_hand():
    mean = Mean.of([1.0, 2.0, 3.0])
    assert (mean.values, mean.mean, mean.deviation) == (3, 2.0, 1.0)
    assert mean.low == pytest.approx(2 - 4.30265 / math.sqrt(3), abs=1e-4)
    assert mean.high == pytest.approx(2 + 4.30265 / math.sqrt(3), abs=1e-4)
    assert mean.p_value == pytest.approx(stats.ttest_1samp([1.0, 2.0, 3.0], 0).pvalue)


def test_one_value_has_no_interval():
    mean = Mean.of([0.3])
    assert mean.mean == 0.3
    assert all(map(math.isnan, (mean.deviation, mean.low, mean.high, mean.p_value)))
    assert mean.verdict("up", "down") == ONE_SEED


def test_the_same_difference_in_every_seed_is_not_certainty():
    assert Mean.of([0.1, 0.1, 0.1]).verdict("up", "down") == NO_SPREAD
    assert Mean.of([0.0, 0.0]).verdict("up", "down") == NO_DIFFERENCE


def test_an_unknown_value_makes_the_mean_unknown():
    assert math.isnan(Mean.of([0.1, math.nan]).mean)


def test_verdicts():
    assert Mean.of([0.010, 0.011, 0.012]).verdict("up", "down") == "up"
    assert Mean.of([-0.010, -0.011, -0.012]).verdict("up", "down") == "down"
    assert Mean.of([-0.01, 0.011, 0.012]).verdict("up", "down") == NO_DIFFERENCE


@pytest.mark.parametrize(("lost", "gained"), [(0, 0), (1, 0), (0, 6), (2, 5), (4, 4), (9, 1)])
def test_mcnemar_is_the_enumeration_of_all_coin_flips(lost, gained):
    observed = abs(lost - gained)
    flips = [abs(sum(signs)) for signs in product((-1, 1), repeat=lost + gained)]
    assert mcnemar(lost, gained) == np.mean([flip >= observed for flip in flips])


def test_mcnemar_of_large_counts_does_not_overflow():
    assert mcnemar(5000, 5000) == 1.0
    assert 0 < mcnemar(4000, 4500) < 1e-6


@pytest.mark.parametrize(
    "differences", [[3, -1, 2, 0, 1, 1], [2, 2, -2], [1, 1, 1, 1, 1, 1], [0, 0], [], [-3, 3, 2, 2]]
)
def test_sign_flip_is_the_enumeration_of_all_signs(differences):
    observed = abs(sum(differences))
    totals = [
        abs(sum(s * d for s, d in zip(signs, differences, strict=True)))
        for signs in product((-1, 1), repeat=len(differences))
    ]
    assert sign_flip(differences) == pytest.approx(np.mean([t >= observed for t in totals]))


def test_sign_flip_of_single_networks_is_mcnemar():
    assert sign_flip([1] * 7 + [-1] * 2 + [0] * 50) == mcnemar(2, 7)


def test_seeds_that_repeat_each_other_add_no_evidence():
    one = [1] * 6 + [-1]
    assert sign_flip([3 * change for change in one]) == pytest.approx(mcnemar(1, 6))
    assert mcnemar(3, 18) < mcnemar(1, 6)  # what counting the repeats as images would claim


def test_holm_worked_by_hand():
    # sorted 0.005 x 4, 0.01 x 3, 0.03 x 2, then 0.04 x 1, which may not fall below 0.06
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9]) == [1.0, 1.0]


def test_holm_does_not_count_what_was_not_tested():
    corrected = holm([math.nan, 0.02, 0.04])
    assert math.isnan(corrected[0])
    assert corrected[1:] == pytest.approx([0.04, 0.04])


def test_paired_interval_is_agresti_and_min():
    both, lost, gained, neither = 50, 6, 14, 30
    images = both + lost + gained + neither + 2
    p21, p12 = (gained + 0.5) / images, (lost + 0.5) / images
    half = 1.959964 * math.sqrt((p21 + p12 - (p21 - p12) ** 2) / images)
    low, high = paired_interval([0] * (both + neither) + [-1] * lost + [1] * gained)
    assert low == pytest.approx(p21 - p12 - half, abs=1e-6)
    assert high == pytest.approx(p21 - p12 + half, abs=1e-6)


def test_paired_interval_without_a_difference_keeps_its_width():
    low, high = paired_interval([0] * 100)
    assert low < -0.01
    assert high > 0.01


def test_intervals_of_many_comparisons_hold_at_once():
    """Of tables without any difference, about 5 % have an interval without 0, not 1 - 0.95^20."""
    generator = np.random.default_rng(3)
    comparisons, tables, images = 20, 300, 200

    def wrong(m: int) -> float:
        found = 0
        for _ in range(tables):
            changes = generator.choice([-1, 0, 1], size=(comparisons, images), p=[0.1, 0.8, 0.1])
            ends = [paired_interval(row, m) for row in changes]
            found += any(low > 0 or high < 0 for low, high in ends)
        return found / tables

    assert wrong(comparisons) < 0.09
    assert wrong(1) > 0.5
