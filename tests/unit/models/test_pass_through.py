"""Routes: which arguments of a block are which of its outputs, as JSON."""

import json

import pytest
import torch

from layer_pruning.models.blocks import Block
from layer_pruning.models.pass_through import PassThrough, route_of

ONE, OTHER = torch.rand(2, 3), torch.rand(2, 3)


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (ONE, {"argument": [0]}),
        (OTHER, {"argument": ["mask"]}),
        (
            (OTHER, None, 7),
            {"tuple": [{"argument": ["mask"]}, {"constant": None}, {"constant": 7}]},
        ),
        (
            [ONE, {"a": OTHER}],
            {"list": [{"argument": [0]}, {"dict": {"a": {"argument": ["mask"]}}}]},
        ),
    ],
)
def test_a_route_gives_back_what_it_was_made_of(output, expected):
    given = {0: ONE, 1: [5, 3], "mask": OTHER}
    route = route_of(output, given, torch.equal)
    assert route == expected
    again = PassThrough(json.dumps(route))(ONE, [5, 3], mask=OTHER)
    assert str(again) == str(output) and type(again) is type(output)


def test_a_number_that_is_an_argument_follows_it():
    given = {0: ONE, 1: [5, 3]}
    route = route_of((ONE, 3), given, torch.equal)
    assert PassThrough(json.dumps(route))(OTHER, [8, 9]) == (OTHER, 9)


@pytest.mark.parametrize(
    "route", ['{"argument": []}', '{"run": "code"}', "[]", '{"tuple": {"a": 1}}', "7"]
)
def test_what_is_no_route_does_nothing(route):
    with pytest.raises(ValueError, match="is no route"):
        PassThrough(route)(ONE)


def test_an_output_that_is_no_argument_is_named():
    with pytest.raises(ValueError, match="a tensor that is none of its arguments"):
        route_of(ONE + 1, {0: ONE}, torch.equal)
    with pytest.raises(ValueError, match="it returns a set, which is no tensor"):
        route_of({1}, {0: ONE}, torch.equal)


def test_records_of_blocks_are_as_short_as_before():
    plain = Block("stage1.block1", "stage1", True)
    assert plain.record() == {
        "name": "stage1.block1",
        "stage": "stage1",
        "removable": True,
        "reason": None,
    }
    full = Block("a", "stage1", True, None, ("b",), '{"argument": ["x"]}')
    assert Block.of(json.loads(json.dumps(full.record()))) == full
    with pytest.raises(TypeError, match="a block has names and texts"):
        Block.of(plain.record() | {"name": 3})
