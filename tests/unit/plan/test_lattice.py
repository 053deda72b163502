import itertools
import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layer_pruning.evaluation.reduction import reaches
from layer_pruning.models.architectures import architecture
from layer_pruning.models.candidates import Limits, candidates
from layer_pruning.plan.lattice import (
    Cost,
    around,
    fewest_by_profile,
    reachable_points,
    recommended,
    removals_for,
)


def resnet(depth):
    """Costs of a ResNet with equal blocks: each one of a hundred parts of the network."""
    blocks = architecture(f"resnet{depth}").blocks()
    costs = [Cost(b.name, b.stage, 1.0, 1.0 + (b.stage == "stage3"), 2.0) for b in blocks]
    kept = dict.fromkeys(("stage1", "stage2", "stage3"), (depth - 2) // 6)
    can_go = candidates(blocks, limits=Limits(1))
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


@pytest.mark.parametrize("total", [0, 0.0, -1.0, math.nan])
def test_of_nothing_nothing_is_saved(total):
    assert not reaches(0, total, 40) and not reaches(1, total, 40)


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


def admissible(costs, kept, minimum, count):
    """Every set of ``count`` blocks that leaves each stage its minimum."""
    for chosen in itertools.combinations(costs, count):
        stages = [cost.stage for cost in chosen]
        if all(kept[stage] - stages.count(stage) >= minimum for stage in stages):
            yield chosen


@given(
    blocks=st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 6)), min_size=1, max_size=7),
    fixed=st.tuples(*[st.integers(0, 2)] * 3),
    minimum=st.integers(1, 2),
    percent=st.integers(1, 70),
    limit=st.none() | st.integers(1, 4),
)
def test_the_bound_is_the_fewest_removals_that_suffice_whichever_blocks_go(
    blocks, fixed, minimum, percent, limit
):
    costs = [Cost(f"b{n}", stage, cost, 0) for n, (stage, cost) in enumerate(blocks)]
    kept = {s: sum(c.stage == s for c in costs) + n for s, n in zip("abc", fixed, strict=True)}
    total = {"macs": sum(cost.macs for cost in costs) + 10}
    bound = removals_for(
        costs, kept, total, "macs", percent, min_blocks_per_stage=minimum, limit=limit
    )
    savings = {}
    for count in range(1, (limit or len(costs)) + 1):
        sets = list(admissible(costs, kept, minimum, count))
        if sets:
            savings[count] = [sum(cost.macs for cost in chosen) for chosen in sets]

    def printed(saved):
        return Decimal(f"{100 * saved / total['macs']:.2f}") >= percent

    enough = [count for count, saved in savings.items() if printed(min(saved))]
    assert bound.removals == min(enough, default=max(savings, default=0))
    assert bound.most == max((max(saved) for saved in savings.values()), default=0)
    assert bound.reached == printed(bound.most)


@given(st.integers(1, 10**12), st.data())
def test_a_percentage_as_tables_print_it_is_reached_by_what_has_it_and_no_larger_one(total, data):
    saved = data.draw(st.integers(0, total))
    printed = Decimal(f"{100 * saved / total:.2f}")
    assert reaches(saved, total, float(printed))
    assert not reaches(saved, total, float(printed + Decimal("0.01")))
    assert not reaches(math.nan, total, 0.01) and not reaches(saved, math.nan, 0.01)


def test_a_target_exactly_on_the_lattice_is_reached():
    costs, kept = resnet(20)
    for removals in range(1, 7):
        found = removals_for(costs, kept, TOTAL, "macs", removals, min_blocks_per_stage=1)
        assert found.removals == removals


@given(
    savings=st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=3), min_size=1, max_size=3),
    percent=st.integers(1, 40),
    minimum=st.integers(1, 2),
)
def test_the_fewest_removals_of_a_profile_are_those_of_all_numbers_by_stage(
    savings, percent, minimum
):
    costs = [
        Cost(f"{stage}.{place}", str(stage), saving, saving)
        for stage, members in enumerate(savings)
        for place, saving in enumerate(members)
    ]
    kept = {str(stage): len(members) for stage, members in enumerate(savings)}
    reached = [
        sum(counts)
        for counts in itertools.product(
            *(range(max(len(members) - minimum, 0) + 1) for members in savings)
        )
        # whichever blocks of a stage go: the cheapest
        if sum(sum(sorted(m)[:n]) for m, n in zip(savings, counts, strict=True)) >= percent / 4
    ]
    found = fewest_by_profile(
        costs, kept, {"macs": 25}, "macs", percent, min_blocks_per_stage=minimum
    )
    assert found == min(reached, default=None)


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 9)), min_size=1, max_size=7),
    st.integers(0, 2),
)
def test_taking_the_block_of_fewest_weights_again_and_again_is_what_is_recommended(blocks, minimum):
    kept = {stage: sum(s == stage for s, _ in blocks) + 1 for stage in "abc"}
    # frozen whole: its parameters count for nothing, its weights do
    costs = [Cost(str(n), stage, 1.0, 0.0, weights=w) for n, (stage, w) in enumerate(blocks)]
    total = {"macs": 20.0, "parameters": 0.0}
    points = reachable_points(costs, kept, total, min_blocks_per_stage=minimum)
    left, saved = dict(kept), 0.0
    ascending = sorted(costs, key=lambda cost: cost.weights)
    for removals in range(1, points[-1].removals + 1):
        gone = next(cost for cost in ascending if left[cost.stage] > minimum)
        ascending.remove(gone)
        left[gone.stage] -= 1
        saved += gone.weights
        assert {way.weights for way in recommended(points)[removals]} == {saved}


def test_ways_that_keep_as_many_weights_are_all_recommended():
    costs = [Cost(f"{stage}{n}", stage, 1.0, 1.0, weights=5) for stage in "ab" for n in range(2)]
    costs += [Cost(f"c{n}", "c", 1.0, 1.0, weights=6) for n in range(2)]
    points = reachable_points(
        costs, dict.fromkeys("abc", 3), {"macs": 9, "parameters": 9}, min_blocks_per_stage=1
    )
    ways = {
        n: [tuple(w.by_stage.values()) for w in those] for n, those in recommended(points).items()
    }
    assert set(ways[1]) == {(1, 0, 0), (0, 1, 0)}
    assert set(ways[2]) == {(2, 0, 0), (1, 1, 0), (0, 2, 0)}
    assert (ways[4], ways[5]) == ([(2, 2, 0)], [(2, 2, 1)])
