import pytest

from layer_pruning.models.architectures import architecture
from layer_pruning.models.candidates import Limits, candidates, most_removals


def test_blocks_of_a_resnet_20_and_why_two_of_them_stay():
    blocks = architecture("resnet20").blocks()
    assert [block.name for block in blocks if not block.removable] == [
        "stage2.block1",
        "stage3.block1",
    ]
    assert len(blocks) == 9
    assert all((block.reason is None) == block.removable for block in blocks)


@pytest.mark.parametrize(
    ("depth", "minimum", "most"), [(56, 2, 21), (56, 1, 24), (20, 1, 6), (20, 2, 3), (8, 1, 0)]
)
def test_most_removals(depth, minimum, most):
    blocks = architecture(f"resnet{depth}").blocks()
    assert most_removals(blocks, Limits(minimum)) == most


def test_every_stage_keeps_its_minimum_whatever_the_order(generator):
    blocks = architecture("resnet32").blocks()
    removed = []
    while left := candidates(blocks, removed, limits=Limits(2)):
        removed.append(left[generator.integers(len(left))])
        kept = [block.stage for block in blocks if block.name not in removed]
        assert min(kept.count(stage) for stage in ("stage1", "stage2", "stage3")) >= 2
    assert len(removed) == 9


def test_a_protected_block_is_no_candidate():
    blocks = architecture("resnet20").blocks()
    left = candidates(blocks, limits=Limits(1, ["stage1.block2"]))
    assert "stage1.block2" not in left and "stage1.block3" in left


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("resnet21", {}, "depth: 21"),
        ("alexnet", {}, "'alexnet' is unknown"),
        ("resnet20", {"depth": 32}, "another depth"),
        ("mine", {"depth": 20, "widths": [8, 4, 2]}, "widths"),
        ("mine", {"depth": 20, "shortcut": "none"}, "shortcut"),
    ],
)
def test_what_no_network_has(name, options, message):
    with pytest.raises(ValueError, match=message):
        architecture(name, options)
