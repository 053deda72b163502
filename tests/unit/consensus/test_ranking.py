"""The decision and its table: names, never positions; the tie rule; files that are refused."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from layer_pruning.consensus.catalog import AGGREGATIONS, Aggregation
from layer_pruning.consensus.ranking import (
    rank_blocks,
    read_ranking,
    read_scores,
    removal_order,
    write_ranking,
)

NETWORK = ["stage1.block2", "stage1.block3", "stage2.block2", "stage3.block2"]
SCORES = {
    "cka": dict(zip(NETWORK, [0.3, 0.2, 0.1, 0.4], strict=True)),
    "wasserstein": dict(zip(NETWORK, [3.0, 2.0, 1.5, 0.1], strict=True)),
    "cca": dict(zip(NETWORK, [0.03, 0.04, 0.01, 0.02], strict=True)),
}


def options(aggregation: str) -> dict:
    return {"weights": dict.fromkeys(SCORES, 0.3)} if aggregation == "weighted" else {}


def write_scores(path: Path, scores: dict, rows: list[str] | tuple[str, ...]) -> Path:
    lines = [",".join(["block", *scores])]
    lines += [",".join([block, *(repr(scores[name][block]) for name in scores)]) for block in rows]
    path.write_text("\n".join(lines) + "\n")
    return path


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=8), st.sampled_from(AGGREGATIONS))
def test_a_consensus_of_one_removes_its_smallest_score(values, aggregation) -> None:
    blocks = [f"b{number}" for number in range(len(values))]
    weights = {"cka": 0.4} if aggregation == "weighted" else None
    ranking = rank_blocks(
        {"cka": dict(zip(blocks, values, strict=True))},
        blocks,
        how=Aggregation(aggregation, weights),
    )
    assert ranking.removed_block == blocks[int(np.argmin(values))]
    assert list(ranking.order) == [blocks[i] for i in np.argsort(values, kind="stable")]


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_every_row_order_gives_the_same_table(aggregation: str, tmp_path: Path) -> None:
    written = set()
    for rows in itertools.permutations(NETWORK):
        scores = read_scores(write_scores(tmp_path / "scores.csv", SCORES, rows), NETWORK)
        ranking = rank_blocks(scores, NETWORK, how=Aggregation(aggregation, **options(aggregation)))
        write_ranking(ranking, tmp_path / "ranking.csv")
        written.add((tmp_path / "ranking.csv").read_bytes())
    assert len(written) == 1


@given(st.data())
def test_every_order_of_keys_gives_the_same_ranking(data: st.DataObject) -> None:
    numbers = st.lists(st.integers(0, 3), min_size=4, max_size=4)
    scores = {m: dict(zip(NETWORK, data.draw(numbers), strict=True)) for m in SCORES}
    shuffled = {
        metric: {block: column[block] for block in data.draw(st.permutations(NETWORK))}
        for metric, column in scores.items()
    }
    assert rank_blocks(shuffled, NETWORK) == rank_blocks(scores, NETWORK)


def test_scores_sorted_by_rank_still_remove_the_named_block(tmp_path: Path) -> None:
    # The defect of the reference code: it sorts the scores by rank and then reads the position in
    # that list as depth, which removes the first block of the network whatever the scores say.
    ranking = rank_blocks(SCORES, NETWORK)
    by_rank = ranking.order
    assert by_rank[0] == "stage2.block2" != NETWORK[0]
    again = read_scores(write_scores(tmp_path / "scores.csv", SCORES, by_rank), NETWORK)
    assert rank_blocks(again, NETWORK) == ranking
    # And for every block that the scores can point at, not only for this one.
    for winner in NETWORK:
        scores = {"cka": {block: float(block != winner) for block in NETWORK}}
        rows = sorted(NETWORK, key=scores["cka"].__getitem__)
        path = write_scores(tmp_path / "scores.csv", scores, rows)
        assert rank_blocks(read_scores(path, NETWORK), NETWORK).removed_block == winner


@pytest.mark.parametrize("network", list(itertools.permutations("abc")))
def test_a_tie_goes_to_the_first_of_the_network_and_is_marked(network: tuple[str, ...]) -> None:
    scores = {"x": {"a": 1.0, "b": 2.0, "c": 3.0}, "y": {"a": 2.0, "b": 1.0, "c": 3.0}}
    ranking = rank_blocks(scores, network)
    tied = tuple(block for block in network if block != "c")
    assert ranking.removed_block == tied[0]
    assert ranking.tied_blocks == tied
    assert ranking.order == (*tied, "c")


def test_a_tie_behind_the_winner_is_not_marked() -> None:
    ranking = rank_blocks({"x": {"a": 1.0, "b": 0.0, "c": 1.0}}, "abc")
    assert (ranking.removed_block, ranking.tied_blocks) == ("b", ())
    assert ranking.order == ("b", "a", "c")


def test_the_table_is_the_documented_one(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "ranking.csv"
    scores = {"x": {"b": 0.1, "a": 0.25}, "y": {"b": 1e-17, "a": 1e-17}}
    write_ranking(rank_blocks(scores, ["a", "b"]), path)
    lines = path.read_text().splitlines()
    assert [line.rpartition(",")[0] for line in lines] == [
        "block,x,x_rank,y,y_rank,rank_sum,order,removed,tied",
        "a,0.25,2.0,1e-17,1.5,3.5,2,false,false",
        "b,0.1,1.0,1e-17,1.5,2.5,1,true,false",
    ]
    assert lines[0].endswith(",checksum")
    write_ranking(rank_blocks(scores, ["a", "b"], how=Aggregation("median")), path)
    assert [line.rpartition(",")[0] for line in path.read_text().splitlines()[1:]] == [
        "a,0.25,2.0,1e-17,1.5,3.5,1.75,2,false,false",
        "b,0.1,1.0,1e-17,1.5,2.5,1.25,1,true,false",
    ]


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_a_ranking_comes_back_as_it_went(aggregation: str, tmp_path: Path) -> None:
    scores = {name: {b: value / 3 for b, value in SCORES[name].items()} for name in SCORES}
    ranking = rank_blocks(scores, NETWORK, how=Aggregation(aggregation, **options(aggregation)))
    write_ranking(ranking, tmp_path / "ranking.csv")
    assert read_ranking(tmp_path / "ranking.csv") == ranking
    assert removal_order(tmp_path / "ranking.csv") == ranking.order
    assert ranking.order[0] == ranking.removed_block


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_any_metric_name_but_one_that_clashes(aggregation: str, tmp_path: Path) -> None:
    path = tmp_path / "ranking.csv"
    column = {"a": 1.0, "b": 2.0}
    weights = {"loss, per image": 2, "x": 1} if aggregation == "weighted" else None
    ranking = rank_blocks(
        {"loss, per image": column, "x": column}, "ab", how=Aggregation(aggregation, weights)
    )
    write_ranking(ranking, path)
    assert read_ranking(path) == ranking
    clashes = ({"order": column}, {"x": column, "x_rank": column}, {"checksum": column})
    for clash in clashes:
        with pytest.raises(ValueError, match="two columns would be called"):
            write_ranking(rank_blocks(clash, "ab"), path)
    assert read_ranking(path) == ranking


def test_scores_come_back_by_name(tmp_path: Path) -> None:
    path = write_scores(tmp_path / "scores.csv", SCORES, NETWORK[::-1])
    scores = read_scores(path, NETWORK)
    assert scores == SCORES
    assert list(scores["cka"]) == NETWORK


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no header"),
        ("\n", "no header"),
        ("a,1\nb,2\n", "no header"),
        ("block\na\nb\n", "no metric"),
        ("block,cka,cka\na,1,1\nb,2,2\n", "a name of its own"),
        ("block,cka,\na,1,1\nb,2,2\n", "a name of its own"),
        ("block,cka\n", "no rows"),
        ("block,cka\na,1\n", "no row for block b"),
        ("block,cka\na,1\nb,2\nc,3\n", "c is no candidate"),
        ("block,cka\na,1\nb,2\na,1\n", "block a has two rows"),
        ("block,cka\na,1\nb\n", "row 3 has 1 cells, not 2"),
        ("block,cka\na,1\nb,nan\n", "cka of b is 'nan'"),
        ("block,cka\na,1\nb,inf\n", "cka of b is 'inf'"),
        ("block,cka\na,1\nb,\n", "cka of b is ''"),
        ("block,cka\na,1\nb,small\n", "cka of b is 'small'"),
        ('block,cka\na,1\nb,"2\n', "not a CSV table"),
        (b"block,cka\na,1\n\xff,2\n", "not a CSV table"),
    ],
)
def test_bad_scores_are_refused_in_one_line_that_names_the_file(text, message, tmp_path) -> None:
    path = tmp_path / "cka.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ValueError, match=message) as caught:
        read_scores(path, ["a", "b"])
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


HEADER = "block,cka,cka_rank,rank_sum,order,removed,tied\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no header"),
        ("block,cka\na,1\n", "not the header of a ranking"),
        ("block,rank_sum,order,removed,tied\na,1.0,1,true,false\n", "not the header of a ranking"),
        (HEADER.replace("cka_rank", "cca_rank") + "a,1,1,1,1,true,false\n", "not the header"),
        (HEADER, "no rows"),
        (HEADER + "a,1,1,1,1,false,false\nb,2,2,2,2,false,false\n", "0 blocks are marked removed"),
        (HEADER + "a,1,1,1,1,true,false\nb,2,2,2,2,true,false\n", "2 blocks are marked removed"),
        (HEADER + "a,1,1,1,1,false,false\nb,2,2,2,2,true,false\n", "b is marked .* not first"),
        (HEADER + "a,1,1,1,1,true,false\nb,2,2,2,1,false,false\n", "count the blocks from 1 to 2"),
        (HEADER + "a,1,1,1,1.5,true,false\n", "order of a is '1.5'"),
        (HEADER + "a,1,1,1,1,True,false\n", "removed of a is 'True'"),
        (HEADER + "a,1,1,1,1,true,\n", "tied of a is ''"),
        (HEADER + "a,1,one,1,1,true,false\n", "cka_rank of a is 'one'"),
        (HEADER + "a,1,1,nan,1,true,false\n", "rank_sum of a is 'nan'"),
    ],
)
def test_bad_rankings_are_refused_in_one_line_that_names_the_file(text, message, tmp_path) -> None:
    path = tmp_path / "cka.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=message) as caught:
        removal_order(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"absent\.csv"):
        removal_order(tmp_path / "absent.csv")
    with pytest.raises(FileNotFoundError, match=r"absent\.csv"):
        read_scores(tmp_path / "absent.csv", NETWORK)
