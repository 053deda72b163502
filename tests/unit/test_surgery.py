"""Several blocks at a time: the first of an order that may go, one after another."""

import itertools

import numpy as np
import pytest

from layer_pruning.models.candidates import Limits, candidates
from layer_pruning.surgery import without_block, without_blocks
from small_networks import header

WHOLE = header("resnet14")
NAMES = [block.name for block in WHOLE.blocks]
TENSORS = {f"{name}.conv1.weight": np.ones(1) for name in NAMES}
CAN_GO = candidates(WHOLE.blocks, limits=Limits(1))


def removed(order, count, protect=()):
    after, tensors = without_blocks(WHOLE, TENSORS, order, count=count, limits=Limits(1, protect))
    assert set(tensors) == {f"{name}.conv1.weight" for name in after.kept_blocks()}
    return list(after.removed_blocks)


def test_blocks_go_in_the_order_given_and_one_alone_as_without_block():
    for order in itertools.permutations(CAN_GO):
        assert removed(order, 1) == [order[0]]
        after, _ = without_block(WHOLE, TENSORS, order[0])
        assert after == without_blocks(WHOLE, TENSORS, order, count=1, limits=Limits(1))[0]


def test_the_last_block_that_a_stage_has_to_keep_is_passed_over():
    # both blocks of the first stage of a ResNet-14 may go first, but not both of them
    order = ["stage1.block2", "stage1.block1", "stage3.block2", "stage2.block2"]
    assert removed(order, 3) == ["stage1.block2", "stage3.block2", "stage2.block2"]
    for order in itertools.permutations(CAN_GO):
        gone = removed(order, 3)
        assert all(order.index(a) < order.index(b) for a, b in itertools.pairwise(gone))
        assert len({name.split(".")[0] for name in gone}) == 3


def test_protected_blocks_stay_and_what_cannot_be_done_is_said():
    assert removed(CAN_GO, 1, protect=CAN_GO[:1]) == [CAN_GO[1]]
    with pytest.raises(ValueError, match=r"4 blocks should go, and only 3 of stage1\.block1, .*"):
        removed(CAN_GO, 4)
