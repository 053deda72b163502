"""Aggregations: theorems about votes, and the options that each of them takes."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import layer_pruning
from layer_pruning.consensus.aggregation import (
    aggregate,
    borda,
    borda_by_family,
    lexicographic,
    median,
    weighted,
)
from layer_pruning.consensus.catalog import AGGREGATIONS, DESCRIPTIONS, Aggregation
from layer_pruning.consensus.ranks import RankTable, rank_table

SOURCE = str(Path(layer_pruning.__file__).parents[1])


def table_of(*columns: list[float]) -> RankTable:
    """Rank table of metrics m0, m1, ... that score blocks b0, b1, ... as given."""
    blocks = [f"b{number}" for number in range(len(columns[0]))]
    scores = {
        f"m{number}": dict(zip(blocks, column, strict=True))
        for number, column in enumerate(columns)
    }
    return rank_table(scores, blocks)


def options(aggregation: str, metrics: tuple[str, ...]) -> dict:
    return {"weights": dict.fromkeys(metrics, 0.7)} if aggregation == "weighted" else {}


@st.composite
def tables(draw, most_metrics: int = 5) -> RankTable:
    """Rank table of few metrics and blocks, with many ties."""
    shape = (draw(st.integers(1, most_metrics)), draw(st.integers(1, 6)))
    column = st.lists(st.integers(0, 5), min_size=shape[1], max_size=shape[1])
    return table_of(*(draw(column) for _ in range(shape[0])))


def test_the_three_sums_by_hand() -> None:
    table = table_of([1, 2, 3], [1, 3, 2], [3, 1, 2])
    assert borda(table).tolist() == [5, 6, 7]
    assert median(table).tolist() == [1, 2, 2]
    assert weighted(table, {"m0": 1, "m1": 1, "m2": 3}).tolist() == [11, 8, 11]
    assert borda_by_family(table, [["m0", "m1"], ["m2"]]).tolist() == [4, 3.5, 4.5]


@given(tables(), st.sampled_from([0.1, 1 / 3, 1.0, 3, 1e-7]))
def test_equal_weights_order_the_blocks_as_the_plain_sum_does(table, weight) -> None:
    sums = borda(table)
    by_weight = weighted(table, dict.fromkeys(table.metrics, weight))
    # Ties included: adding 0.1 in another order must not break one.
    assert (np.sign(by_weight[:, None] - by_weight) == np.sign(sums[:, None] - sums)).all()
    assert by_weight == pytest.approx(weight * sums)


@given(tables())
def test_a_whole_weight_counts_as_that_many_copies(table: RankTable) -> None:
    copies = {metric: number + 1 for number, metric in enumerate(table.metrics)}
    repeated = np.repeat(table.ranks, list(copies.values()), axis=0)
    assert weighted(table, copies).tolist() == repeated.sum(axis=0).tolist()


def test_weights_count_as_the_decimals_they_are_written_as() -> None:
    # Both are 2.7 on paper. In binary 0.1 + 0.5 is not 0.6, which would break the tie.
    table = table_of([1, 2, 1], [1, 2, 1], [2, 1, 1])
    numbers = weighted(table, {"m0": 0.1, "m1": 0.5, "m2": 0.6})
    assert numbers[:2].tolist() == [2.7, 2.7]


def test_options_are_checked_before_the_ranks_are_joined() -> None:
    with pytest.raises(ValueError, match="weighted needs weights"):
        aggregate(table_of([1, 2]), Aggregation("weighted"))
    with pytest.raises(ValueError, match="unknown aggregation mean"):
        aggregate(table_of([1, 2]), Aggregation("mean"))


@given(tables(most_metrics=1), st.integers(1, 6), st.data())
def test_copies_of_a_metric_inside_its_family_count_once(table, copies, data) -> None:
    other = data.draw(st.permutations(range(len(table.blocks))))
    one = table_of(table.ranks[0].tolist(), list(other))
    many = table_of(*[table.ranks[0].tolist()] * copies, list(other))
    family = list(many.metrics[:copies])
    assert borda_by_family(many, [family]).tolist() == borda_by_family(one, []).tolist()


@given(tables(), st.integers(2, 4))
def test_multiplying_a_whole_family_changes_nothing(table: RankTable, times: int) -> None:
    first = list(table.metrics[: (len(table.metrics) + 1) // 2])
    rest = table.metrics[len(first) :]
    copies = {f"{metric}.{n}": metric for n in range(times) for metric in first}
    rows = [table.metrics.index(copies.get(name, name)) for name in (*copies, *rest)]
    more = RankTable((*copies, *rest), table.blocks, table.ranks[rows])
    assert (
        borda_by_family(more, [list(copies)]).tolist() == borda_by_family(table, [first]).tolist()
    )


def test_copies_win_a_plain_sum_and_not_a_vote_by_family() -> None:
    crowd, dissent = [1, 2, 3, 4], [4, 3, 1, 2]
    fair = table_of(crowd, dissent)
    stuffed = table_of(crowd, crowd, crowd, crowd, dissent)
    assert borda(fair).argmin() == 2
    assert borda(stuffed).argmin() == 0
    # The copies are found, not only taken when named.
    assert aggregate(stuffed, Aggregation("borda_by_family")).argmin() == 2
    assert borda_by_family(stuffed, [["m0", "m1", "m2", "m3"]]).argmin() == 2


@given(st.permutations(range(5)), st.integers(1, 5), st.sampled_from(AGGREGATIONS))
def test_what_all_metrics_say_is_what_comes_out(ranking, metrics, aggregation) -> None:
    table = table_of(*[list(ranking)] * metrics)
    numbers = aggregate(table, Aggregation(aggregation, **options(aggregation, table.metrics)))
    assert numbers.argsort().tolist() == np.argsort(ranking).tolist()


@given(tables(), st.sampled_from(AGGREGATIONS))
def test_a_block_that_every_metric_puts_first_wins(table: RankTable, aggregation: str) -> None:
    winner = RankTable(
        table.metrics,
        (*table.blocks, "winner"),
        np.hstack([table.ranks + 1, np.ones((len(table.metrics), 1))]),
    )
    numbers = aggregate(winner, Aggregation(aggregation, **options(aggregation, winner.metrics)))
    assert (numbers[-1] < numbers[:-1]).all()


@given(tables())
def test_the_first_metric_decides_and_the_next_ones_only_where_it_ties(table: RankTable) -> None:
    places = lexicographic(table)
    rows = [tuple(column) for column in table.ranks.T.tolist()]
    for one, row in zip(places, rows, strict=True):
        for other, another in zip(places, rows, strict=True):
            assert (one < other) == (row < another)
    assert set(places) == set(range(1, len(set(rows)) + 1))


@given(tables())
def test_a_last_metric_that_ties_all_blocks_breaks_no_tie(table: RankTable) -> None:
    tied = np.full((1, len(table.blocks)), (len(table.blocks) + 1) / 2)
    more = RankTable((*table.metrics, "tied"), table.blocks, np.vstack([table.ranks, tied]))
    assert lexicographic(more).tolist() == lexicographic(table).tolist()


@given(
    tables(),
    # a lexicographic order is one by the order of the metrics
    st.sampled_from([name for name in AGGREGATIONS if name != "lexicographic"]),
    st.randoms(),
)
def test_the_order_of_the_metrics_has_no_say(table, aggregation, random) -> None:
    rows = list(range(len(table.metrics)))
    random.shuffle(rows)
    other = RankTable(tuple(table.metrics[row] for row in rows), table.blocks, table.ranks[rows])
    chosen = options(aggregation, table.metrics)
    assert (
        aggregate(other, Aggregation(aggregation, **chosen)).tolist()
        == aggregate(table, Aggregation(aggregation, **chosen)).tolist()
    )


def test_a_median_ignores_one_outlier_where_the_sum_does_not() -> None:
    table = table_of([1, 2, 3, 4, 5], [1, 2, 3, 4, 5], [5, 1, 2, 3, 4])
    assert borda(table).argmin() == 1
    assert median(table).argmin() == 0


def test_every_aggregation_is_described_in_one_sentence() -> None:
    assert AGGREGATIONS == ("borda", "median", "borda_by_family", "weighted", "lexicographic")
    for sentence in DESCRIPTIONS.values():
        assert sentence.endswith(".") and sentence.count(". ") == 0


@pytest.mark.parametrize(
    ("given_options", "message"),
    [
        ({"aggregation": "mean"}, "unknown aggregation mean; choose from borda, median"),
        ({"aggregation": "weighted"}, "weighted needs weights"),
        ({"aggregation": "weighted", "weights": {"a": 1}}, "no weight for metric b"),
        ({"aggregation": "weighted", "weights": {"a": 1, "b": 1, "c": 1}}, "unknown metric c"),
        ({"aggregation": "weighted", "weights": {"a": 1, "b": 0}}, "weight of b is 0"),
        ({"aggregation": "weighted", "weights": {"a": 1, "b": -1}}, "weight of b is -1"),
        ({"aggregation": "weighted", "weights": {"a": 1, "b": float("nan")}}, "weight of b is nan"),
        ({"aggregation": "weighted", "weights": {"a": 1, "b": "2"}}, "weight of b is 2"),
        ({"aggregation": "weighted", "weights": {"a": 1, "b": True}}, "weight of b is True"),
        ({"aggregation": "borda", "weights": {"a": 1, "b": 1}}, "borda takes no weights"),
        ({"aggregation": "median", "families": [["a", "b"]]}, "median takes no families"),
        ({"aggregation": "borda_by_family", "families": [["a", "c"]]}, "unknown metric c"),
        ({"aggregation": "borda_by_family", "families": [["a"], ["a", "b"]]}, "a is in .* twice"),
        ({"aggregation": "borda_by_family", "families": [["a", "a"]]}, "a is in .* twice"),
        ({"aggregation": "borda_by_family", "families": [[], ["a"]]}, "is no list of metrics"),
        ({"aggregation": "borda_by_family", "families": ["a"]}, "is no list of metrics"),
        ({"metrics": [], "aggregation": "borda"}, "at least one metric"),
        ({"metrics": ["a", "b", "a"], "aggregation": "borda"}, "metric a is named twice"),
    ],
)
def test_options_that_do_not_fit_are_refused_in_one_line(given_options, message) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        given = {"metrics": ["a", "b"], "weights": None, "families": None, **given_options}
        Aggregation.of(given).check(given["metrics"])
    assert "\n" not in str(caught.value)


def test_checking_a_configuration_loads_no_numpy() -> None:
    code = "import sys, layer_pruning.consensus.catalog; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": SOURCE}).returncode == 0
