"""Ranks: what they are, and what must not change them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata

from layer_pruning.consensus.ranks import average_ranks, rank_table

small_numbers = st.lists(st.integers(-4, 4), min_size=1, max_size=9)


@given(small_numbers)
def test_ties_get_the_mean_of_their_ranks(values: list[int]) -> None:
    assert average_ranks(np.array(values, float)).tolist() == rankdata(values).tolist()


@given(small_numbers, st.sampled_from([np.exp, np.arctan, lambda x: x**3, lambda x: 7 * x - 100]))
def test_a_rising_transformation_of_the_scores_changes_no_rank(values, rising) -> None:
    scores = np.array(values, float)
    assert average_ranks(rising(scores)).tolist() == average_ranks(scores).tolist()


@given(small_numbers)
def test_reversing_the_scores_reverses_the_ranks(values: list[int]) -> None:
    scores = np.array(values, float)
    assert (average_ranks(scores) + average_ranks(-scores) == len(values) + 1).all()


def test_the_columns_follow_the_network_and_not_the_table() -> None:
    scores = {"cka": {"b": 0.2, "c": 0.3, "a": 0.1}, "wasserstein": {"c": 1.0, "a": 3.0, "b": 2.0}}
    table = rank_table(scores, ["c", "a", "b"])
    assert table.blocks == ("c", "a", "b")
    assert table.ranks.tolist() == [[3, 1, 2], [1, 3, 2]]


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_a_score_that_is_no_number_names_its_block_and_metric(bad: float) -> None:
    with pytest.raises(ValueError, match=r"^cka of stage1\.block2 is .*finite$"):
        rank_table(
            {"cka": {"stage1.block2": bad, "stage1.block3": 1.0}},
            ["stage1.block2", "stage1.block3"],
        )


@pytest.mark.parametrize(
    ("scores", "order", "message"),
    [
        ({"cka": {"a": 1.0}}, ["a", "b"], "cka has no score for b"),
        ({"cka": {"a": 1.0, "x": 1.0}}, ["a"], "cka scores unknown block x"),
        ({"cka": {"a": 1.0}}, ["a", "a"], "block a is twice"),
        ({"cka": {}}, [], "no candidate block"),
        ({}, ["a"], "no metric"),
    ],
)
def test_tables_that_do_not_fit_the_network_are_refused(scores, order, message) -> None:
    with pytest.raises(ValueError, match=message):
        rank_table(scores, order)
