import itertools

import pytest

from layer_pruning.models.architectures import architecture, candidates
from layer_pruning.planning import Cost, around, reachable_points


def resnet(depth):
    """Costs of a ResNet with equal blocks: each one of a hundred parts of the network."""
    blocks = architecture(f"resnet{depth}").blocks()
    costs = [Cost(b.name, b.stage, 1.0, 1.0 + (b.stage == "stage3"), 2.0) for b in blocks]
    kept = dict.fromkeys(("stage1", "stage2", "stage3"), (depth - 2) // 6)
    can_go = candidates(blocks, min_blocks_per_stage=1)
    return [cost for cost in costs if cost.name in can_go], kept


TOTAL = {"macs": 100.0, "parameters": 200.0, "latency": 50.0}


@pytest.mark.parametrize("minimum", [1, 2])
def test_points_are_those_of_every_set_of_blocks_counted_by_hand(minimum):
    costs, kept = resnet(20)
    points = reachable_points(costs, kept, TOTAL, min_blocks_per_stage=minimum)
    by_hand = set()
    for count in range(len(costs) + 1):
        for chosen in itertools.combinations(costs, count):
            stages = [cost.stage for cost in chosen]
            if all(kept[s] - stages.count(s) >= minimum for s in set(stages)):
                parameters = sum(cost.parameters for cost in chosen)
                by_hand.add((count, tuple(stages.count(s) for s in kept), parameters))
    found = {(p.removals, tuple(p.by_stage.values()), 2 * p.parameters) for p in points}
    assert found == by_hand
    assert len(points) == len(found)


def test_reductions_are_percentages_of_the_whole():
    costs, kept = resnet(56)
    points = reachable_points(costs, kept, TOTAL, min_blocks_per_stage=2)
    assert points[-1].removals == 21
    assert points[-1].macs == pytest.approx(21.0)
    assert points[-1].latency == pytest.approx(100 * 42 / 50)
    assert points[0].removals == 0 and points[0].macs == 0.0


def test_levels_stand_on_both_sides_of_the_target():
    costs, kept = resnet(56)
    points = reachable_points(costs, kept, TOTAL, min_blocks_per_stage=1)
    levels = around(points, "macs", 10.5, count=2)
    assert [level[0].macs for level in levels] == pytest.approx([9, 10, 11, 12])
    assert all(point.removals == 10 for point in levels[1])
    assert [level[0].macs for level in around(points, "macs", 10, count=1)] == pytest.approx(
        [9, 10]
    )


def test_a_target_beyond_reach_is_said_with_the_most_there_is():
    costs, kept = resnet(20)
    points = reachable_points(costs, kept, TOTAL, min_blocks_per_stage=1)
    with pytest.raises(ValueError, match=r"50 % fewer macs cannot be reached: 6\.00 % is the most"):
        around(points, "macs", 50)


def test_latency_that_was_not_measured_is_no_number():
    costs = [Cost("a", "s", 1.0, 1.0), Cost("b", "s", 1.0, 1.0)]
    points = reachable_points(costs, {"s": 3}, {"macs": 4, "parameters": 4}, min_blocks_per_stage=1)
    with pytest.raises(ValueError, match="latency of the blocks was not measured"):
        around(points, "latency", 10)
