"""Kendall's tau and W, and the families found by tau."""

import itertools

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform
from scipy.stats import kendalltau, rankdata

from layer_pruning.consensus.correlation import kendall_tau, kendall_w
from layer_pruning.consensus.families import FAMILY_DISTANCE, complete_families, find_families
from layer_pruning.consensus.ranks import RankTable


@st.composite
def rank_rows(draw, most: int = 5) -> np.ndarray:
    """Ranks of (metrics, blocks) with many ties."""
    metrics, blocks = draw(st.integers(1, 6)), draw(st.integers(1, 8))
    column = st.lists(st.integers(0, most), min_size=blocks, max_size=blocks)
    return np.array([rankdata(draw(column)) for _ in range(metrics)])


def table_of(ranks: np.ndarray, names: list[str] | None = None) -> RankTable:
    metrics = names or [f"m{number}" for number in range(len(ranks))]
    return RankTable(tuple(metrics), tuple(f"b{n}" for n in range(ranks.shape[1])), ranks)


@given(rank_rows())
def test_tau_is_that_of_scipy_with_ties(ranks: np.ndarray) -> None:
    assume(ranks.shape[1] > 1)  # of a single pair of numbers scipy only warns
    expected = [[kendalltau(a, b).statistic for a in ranks] for b in ranks]
    np.testing.assert_allclose(kendall_tau(ranks), expected, atol=1e-12, equal_nan=True)


def test_tau_of_the_same_and_the_opposite_order() -> None:
    ranks = np.array([[1, 2, 3, 4], [4, 3, 2, 1], [2.5, 2.5, 2.5, 2.5]])
    tau = kendall_tau(ranks)
    assert tau[:2, :2].tolist() == [[1, -1], [-1, 1]]
    assert np.isnan(tau[2]).all() and np.isnan(tau[:, 2]).all()
    assert np.isnan(kendall_tau(np.ones((2, 1)))).all()


@given(rank_rows())
def test_w_is_one_for_the_same_ranking_many_times(ranks: np.ndarray) -> None:
    assume(np.ptp(ranks[0]) > 0)
    assert kendall_w(np.repeat(ranks[:1], 4, axis=0)) == 1


@given(rank_rows())
def test_w_is_zero_for_every_ranking_with_its_opposite(ranks: np.ndarray) -> None:
    assume(np.ptp(ranks) > 0)
    assert kendall_w(np.vstack([ranks, ranks.shape[1] + 1 - ranks])) == 0


@given(rank_rows())
def test_w_is_the_textbook_formula_with_its_correction_for_ties(ranks: np.ndarray) -> None:
    m, n = ranks.shape
    assume(m > 1 and np.ptp(ranks) > 0)
    scatter = ((ranks.sum(axis=0) - m * (n + 1) / 2) ** 2).sum()
    sizes = [np.unique(row, return_counts=True)[1] for row in ranks]
    ties = sum((size**3 - size).sum() for size in sizes)
    assert kendall_w(ranks) == pytest.approx(12 * scatter / (m**2 * (n**3 - n) - m * ties))


@pytest.mark.parametrize("shape", [(1, 4), (3, 1)])
def test_w_of_one_metric_or_one_block_is_not_defined(shape: tuple[int, int]) -> None:
    assert np.isnan(kendall_w(np.tile(np.arange(1.0, shape[1] + 1), (shape[0], 1))))


@given(st.integers(2, 6), st.integers(0, 2**32 - 1))
def test_families_are_those_of_average_linkage(metrics: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    # Noisy copies of two rankings of 23 blocks: without equal distances the clusters are unique.
    roots = generator.normal(size=(2, 23))
    noise = generator.normal(scale=0.3, size=(metrics, 23))
    ranks = rankdata(roots[np.arange(metrics) % 2] + noise, axis=1)
    distance = 1 - kendall_tau(ranks)
    pairs = squareform(distance, checks=False)
    assume(len(np.unique(pairs.round(9))) == len(pairs))
    labels = fcluster(linkage(pairs, "average"), FAMILY_DISTANCE, "distance")
    expected = {frozenset(np.flatnonzero(labels == label)) for label in labels}
    found = find_families(table_of(ranks))
    assert {frozenset(int(name[1:]) for name in family) for family in found} == expected


def test_two_planted_opinions_are_found_and_a_metric_without_opinion_stays_alone() -> None:
    one, other = np.arange(1.0, 11), np.array([6, 1, 8, 3, 10, 5, 2, 7, 4, 9.0])
    near = one.copy()
    near[[3, 4]] = near[[4, 3]]
    ranks = np.array([one, other, near, np.full(10, 5.5), other])
    families = find_families(table_of(ranks, ["cka", "wasserstein", "cca", "flat", "twin"]))
    assert families == (("cka", "cca"), ("wasserstein", "twin"), ("flat",))


def test_equal_distances_are_joined_the_same_way_for_every_order_of_columns() -> None:
    # a and c each swap one pair of b, so that b could go with either.
    rows = {"a": [2, 1, 3, 4, 5.0], "b": [1, 2, 3, 4, 5.0], "c": [1, 2, 3, 5, 4.0]}
    found = {
        frozenset(
            frozenset(family)
            for family in find_families(
                table_of(np.array([rows[name] for name in names]), list(names))
            )
        )
        for names in itertools.permutations(rows)
    }
    assert found == {frozenset([frozenset("ab"), frozenset("c")])}


def test_the_threshold_itself_still_joins() -> None:
    # Of the 190 pairs of 20 blocks, m1 and m2 put 9 the other way round than m0, and m3 puts 13
    # others so: the mean distance of m3 is 2 (13 + 22 + 22) / 3 / 190 = 0.2, in floats just above.
    row = np.arange(1.0, 21)
    twin, far = row.copy(), row.copy()
    far[:5], far[5:8] = far[:5][::-1], far[5:8][::-1]
    twin[8:12], twin[12:15] = twin[8:12][::-1], twin[12:15][::-1]
    table = table_of(np.array([row, twin, twin, far]))
    assert find_families(table) == (("m0", "m1", "m2", "m3"),)
    assert find_families(table, threshold=0.1999) == (("m0", "m1", "m2"), ("m3",))


def test_a_metric_in_no_family_is_one_of_its_own() -> None:
    assert complete_families(["a", "b", "c", "d"], [["d", "b"]]) == (("a",), ("b", "d"), ("c",))
