import math

import numpy as np
import pytest
from scipy import stats

from layer_pruning.report.statistics.significance import (
    Mean,
    all_inside,
    bounded_interval,
    critical_t,
    normal_quantile,
    t_quantile,
)


@pytest.mark.parametrize(
    ("freedom", "table"),
    [(1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (9, 2.262), (10, 2.228), (30, 2.042)],
)
def test_t_quantiles_of_the_printed_table(freedom, table):
    assert t_quantile(freedom) == pytest.approx(table, abs=5e-4)
    # one comparison is Student's t, whatever it is called
    for kind in ("dunnett", "separate"):
        assert critical_t(kind, 1, freedom) == pytest.approx(t_quantile(freedom), rel=1e-6)
    assert critical_t("tukey", 2, freedom) == pytest.approx(t_quantile(freedom), rel=1e-6)


# Dunnett, Biometrics 20 (1964) 482-491, two-sided, 5 %
@pytest.mark.parametrize(
    ("comparisons", "freedom", "table"),
    [(2, 5, 3.03), (3, 10, 2.76), (4, 20, 2.65), (9, 60, 2.77), (2, 60, 2.27)],
)
def test_dunnetts_printed_table(comparisons, freedom, table):
    assert critical_t("dunnett", comparisons, freedom) == pytest.approx(table, abs=6e-3)


def test_tukeys_range_is_scipys():
    for count, freedom in ((3, 4), (8, 14), (5, 7.5)):
        range_ = stats.studentized_range(count, freedom)
        for t in (1.0, 3.0, 6.0):
            assert all_inside(t, "tukey", count, freedom) == pytest.approx(
                range_.cdf(t * math.sqrt(2)), abs=1e-7
            )


def test_the_maximum_modulus_of_a_printed_table():
    # Stoline and Ury, Technometrics 21 (1979): 5 comparisons, 10 degrees of freedom
    assert critical_t("separate", 5, 10) == pytest.approx(3.103, abs=1e-3)


def test_many_degrees_of_freedom_are_a_normal_distribution():
    assert critical_t("dunnett", 1, 1e6) == pytest.approx(normal_quantile(), abs=1e-4)
    assert normal_quantile() == pytest.approx(1.959964, abs=1e-6)
    assert normal_quantile(comparisons=5) == pytest.approx(2.575829, abs=1e-6)


def test_nothing_to_compare_is_said():
    with pytest.raises(ValueError, match="nothing to compare"):
        all_inside(1.0, "tukey", 1, 4)
    with pytest.raises(ValueError, match="degrees of freedom"):
        all_inside(1.0, "dunnett", 1, 0)


def test_mean_and_interval_worked_by_hand():
    mean = Mean.of([1.0, 2.0, 3.0])
    assert (mean.values, mean.mean, mean.deviation) == (3, 2.0, 1.0)
    assert mean.low == pytest.approx(2 - 4.30265 / math.sqrt(3), abs=1e-4)
    assert mean.high == pytest.approx(2 + 4.30265 / math.sqrt(3), abs=1e-4)
    assert Mean.of([1.0, 2.0, 3.0], comparisons=3).low < mean.low


def test_one_value_has_no_interval():
    mean = Mean.of([0.3])
    assert mean.mean == 0.3
    assert all(map(math.isnan, (mean.deviation, mean.low, mean.high)))


@pytest.mark.parametrize("values", [[0.1, 0.1, 0.1], [0.0, 0.0, 0.0]])
def test_the_same_value_in_every_seed_is_not_certainty(values):
    mean = Mean.of(values)
    assert mean.deviation == 0 and math.isnan(mean.low) and math.isnan(mean.high)


def test_an_interval_of_accuracies_ends_at_what_is_possible():
    mean = Mean.of([0.96, 0.98, 1.0], (0, 1))
    assert mean.high == 1.0 and 0.9 < mean.low < 0.96
    assert Mean.of([0.96, 0.98, 1.0]).high > 1


def test_an_unknown_value_makes_the_mean_unknown():
    assert math.isnan(Mean.of([0.1, math.nan]).mean)


def test_an_interval_of_equal_numbers_keeps_its_width():
    low, high = bounded_interval(np.ones(50))
    assert low < 1.0 == high
