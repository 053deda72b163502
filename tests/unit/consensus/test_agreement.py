"""How firm a decision is: planted cases, and a sidecar without NaN."""

import json
from pathlib import Path

import pytest

from layer_pruning.consensus.agreement import (
    bootstrap_removal,
    describe_agreement,
    write_agreement,
)
from layer_pruning.consensus.catalog import AGGREGATIONS, Aggregation

# x and y are for a, z is so much against a that b, second with all, wins.
PLANTED = {
    "x": {"a": 1, "b": 2, "c": 3, "d": 4, "e": 5},
    "y": {"a": 1, "b": 2, "c": 3, "d": 4, "e": 5},
    "z": {"a": 5, "b": 2, "c": 1, "d": 3, "e": 4},
}


def test_the_bootstrap_counts_decisions() -> None:
    first_a = {"x": {"a": 0.1, "b": 0.2, "c": 0.3}}
    first_c = {"x": {"a": 0.3, "b": 0.2, "c": 0.1}}
    tied = {"x": {"a": 0.3, "b": 0.1, "c": 0.1}}
    share = bootstrap_removal(iter([first_a, first_c, first_c, tied]), "abc")
    assert share == {"a": 0.25, "b": 0.25, "c": 0.5}
    assert list(share) == ["a", "b", "c"]


def test_the_bootstrap_repeats_the_aggregation_it_is_given() -> None:
    assert bootstrap_removal([PLANTED], "abcde")["b"] == 1
    assert bootstrap_removal([PLANTED], "abcde", how=Aggregation("median"))["a"] == 1
    weights = {"x": 1, "y": 1, "z": 9}
    shares = bootstrap_removal([PLANTED], "abcde", how=Aggregation("weighted", weights))
    assert shares["c"] == 1


def test_a_bootstrap_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one table"):
        bootstrap_removal([], "abc")


def test_the_sidecar_of_a_bootstrap_quotes_the_share_of_the_decision() -> None:
    flipped = {"x": {"a": 2.0, "b": 1.0}}
    sidecar = describe_agreement(
        {"x": {"a": 1.0, "b": 2.0}}, "ab", resampled_scores=[flipped, flipped, flipped, PLANTED_AB]
    )
    assert sidecar["bootstrap"] == {
        "resamples": 4,
        "probability": {"a": 0.25, "b": 0.75},
        "removed_probability": 0.25,
    }


PLANTED_AB = {"x": {"a": 1.0, "b": 2.0}}


def test_one_metric_has_nobody_to_agree_with() -> None:
    sidecar = describe_agreement(PLANTED_AB, "ab")
    assert sidecar["kendall_tau"] == {"metrics": ["x"], "matrix": [[1.0]]}
    assert sidecar["kendall_w"] is None
    assert sidecar["bootstrap"] is None


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_one_block_has_no_order_to_agree_on(aggregation: str) -> None:
    weights = {"x": 1, "y": 2} if aggregation == "weighted" else None
    sidecar = describe_agreement(
        {"x": {"a": 1.0}, "y": {"a": 7.0}}, ["a"], how=Aggregation(aggregation, weights)
    )
    assert sidecar["kendall_tau"]["matrix"] == [[None, None], [None, None]]
    assert sidecar["kendall_w"] is None
    assert (sidecar["removed_block"], sidecar["tie"]) == ("a", False)


def test_a_tie_is_in_the_sidecar() -> None:
    sidecar = describe_agreement({"x": {"a": 2.0, "b": 1.0, "c": 1.0}}, ["c", "a", "b"])
    assert (sidecar["removed_block"], sidecar["tie"]) == ("c", True)
    assert sidecar["tied_blocks"] == ["c", "b"]


def test_the_sidecar_says_which_families_voted() -> None:
    found = describe_agreement(PLANTED, "abcde", how=Aggregation("borda_by_family"))
    assert found["families"] == [["x", "y"], ["z"]]
    named = describe_agreement(
        PLANTED, "abcde", how=Aggregation("borda_by_family", families=[["z", "y"]])
    )
    assert named["families"] == [["x"], ["y", "z"]]
    assert describe_agreement(PLANTED, "abcde")["families"] is None


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_the_sidecar_comes_back_as_it_went_and_holds_no_nan(aggregation, tmp_path: Path) -> None:
    path = tmp_path / "new" / "consensus.json"
    weights = {"x": 1, "y": 0.5, "z": 2, "flat": 1} if aggregation == "weighted" else None
    sidecar = describe_agreement(
        {**PLANTED, "flat": dict.fromkeys("abcde", 1)},
        "abcde",
        how=Aggregation(aggregation, weights),
    )
    write_agreement(sidecar, path)
    assert sidecar.items() < json.loads(path.read_text()).items()
    assert "NaN" not in path.read_text()
    assert json.loads(path.read_text())["kendall_tau"]["matrix"][3] == [None] * 4
    assert list(sidecar) == [
        "metrics",
        "aggregation",
        "weights",
        "families",
        "kendall_tau",
        "kendall_w",
        "bootstrap",
        "removed_block",
        "tie",
        "tied_blocks",
    ]


def test_nan_is_never_written(tmp_path: Path) -> None:
    sidecar = describe_agreement(PLANTED, "abcde")
    sidecar["kendall_w"] = float("nan")
    with pytest.raises(ValueError):
        write_agreement(sidecar, tmp_path / "consensus.json")
    assert list(tmp_path.iterdir()) == []
