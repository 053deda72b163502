"""What a landscape says of the choice of blocks, on landscapes whose truth is known."""

import itertools
import sys

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

from layer_pruning.report.network_tables import read_csv
from shared_files import ROOT

# benchmarks are scripts, which import each other from their own folder
sys.path.append(str(ROOT / "benchmarks"))

import choice

# three blocks, two of which may go, in one stage, and two, of which one may, in the other
BLOCKS = {"a.x": "a", "a.y": "a", "a.z": "a", "b.x": "b", "b.y": "b"}
SETS = [
    " ".join([*one, *other])
    for one in [(), ("a.x",), ("a.y",), ("a.z",), ("a.x", "a.y"), ("a.x", "a.z"), ("a.y", "a.z")]
    for other in [(), ("b.y",)]
    if one or other
]


def landscape(accuracy):
    """Rows of a baseline, and of every set with the accuracy that a function gives its profile."""
    rows = [{"criterion": "baseline", "made_by": "baseline", "removed": 0, "removed_blocks": ""}]
    for name in SETS:
        lost = len(name.split())
        rows.append(
            {"criterion": "one", "made_by": "pruned", "removed": lost, "removed_blocks": name}
            | {"accuracy_test": accuracy(choice.profile_of(name, BLOCKS))}
        )
    table = pd.DataFrame(rows).assign(seed=0, blocks=" ".join(BLOCKS))
    table["macs_reduction_percent"] = 10.0 * table["removed"]
    table["parameters_reduction_percent"] = 5.0 * table["removed"]
    return table.fillna({"accuracy_test": 0.9})


def late_matters(profile):
    """Blocks of the second stage are worth three of the first."""
    return 0.5 + 0.01 * profile[0] + 0.03 * profile[1]


def path(*blocks):
    """A criterion that removes these, one after the other."""
    sets = [" ".join(blocks[:size]) for size in range(1, len(blocks) + 1)]
    return pd.DataFrame({"criterion": "one", "removed": range(1, len(sets) + 1)}).assign(
        removed_blocks=sets
    )


def test_the_stages_of_blocks_are_read_from_the_baseline():
    assert choice.stages_of(landscape(late_matters)) == BLOCKS


def test_who_follows_the_best_profiles_regrets_nothing_and_who_does_not_what_they_are_worth():
    table = choice.trained(landscape(late_matters))
    best = choice.regrets(table, path("a.z", "a.x", "b.y"), BLOCKS)
    np.testing.assert_allclose(best.loc["one"], [0, 0, 0], atol=1e-9)
    # first the one that is worth three: two points lost, then two, then nothing is left to choose
    worst = choice.regrets(table, path("b.y", "a.x", "a.y"), BLOCKS)
    np.testing.assert_allclose(worst.loc["one"], [2, 2, 0], atol=1e-9)


def test_the_set_of_each_size_with_the_smallest_distance_is_taken_whatever_the_sets_before():
    told = pd.DataFrame({"removed": [1, 1, 2, 2], "removed_blocks": ["a", "b", "a b", "b c"]})
    told = told.assign(near=[0.1, 0.2, 0.9, 0.3], near_renewed=[4, 3, 2, 1], checksum="x", seed=0)
    found = choice.of_whole_sets(told).groupby("criterion")["removed_blocks"].agg(list)
    assert dict(found) == {
        "near over all sets": ["a", "b c"],
        "near over all sets, norms estimated anew": ["b", "b c"],
    }


def test_a_profile_that_was_not_trained_has_no_regret():
    rows = landscape(late_matters)
    table = choice.trained(rows[rows["removed_blocks"] != "b.y"])
    assert np.isnan(choice.regrets(table, path("b.y"), BLOCKS).loc["one", 1])


def test_chances_are_those_of_all_ways_to_draw():
    chances = choice.chances(BLOCKS, SETS)
    # of four blocks that may go (b.x may not), three are of the first stage
    assert chances[2, 2] == pytest.approx(3 / 4)
    assert chances[3, 1] == pytest.approx(1 / 4)
    # by brute force: every order of the four, each block dropped that may not go
    drawn = {}
    for first, second in itertools.permutations(["a.x", "a.y", "a.z", "b.y"], 2):
        profile = choice.profile_of(f"{first} {second}", BLOCKS)
        drawn[profile] = drawn.get(profile, 0) + 1 / 12
    assert {p: float(c) for p, c in chances.items() if sum(p) == 3} == pytest.approx(drawn)
    sizes = pd.Series({p: float(c) for p, c in chances.items()}).groupby(sum).sum()
    np.testing.assert_allclose(sizes, 1)


def test_a_draw_regrets_nothing_where_nothing_matters_and_lies_between_best_and_worst():
    even = choice.trained(landscape(lambda profile: 0.8))
    np.testing.assert_allclose(choice.regret_of_chance(even, BLOCKS, SETS), 0, atol=1e-9)
    drawn = choice.regret_of_chance(choice.trained(landscape(late_matters)), BLOCKS, SETS)
    assert drawn[1] == pytest.approx(2 / 4)
    assert 0 < drawn[2] < 2


def test_agreement_looks_within_sizes_only():
    sizes = pd.Series([1, 1, 1, 2, 2, 2])
    accuracies = pd.Series([0.9, 0.8, 0.7, 0.5, 0.4, 0.3])
    assert choice.agreement(pd.Series([1, 2, 3, 0, 1, 2]), accuracies, sizes) == pytest.approx(-1)
    assert choice.agreement(pd.Series([3, 2, 1, 9, 5, 2]), accuracies, sizes) == pytest.approx(1)
    # one that knows no more than that more removals are worse
    assert np.isnan(choice.agreement(pd.Series([1, 1, 1, 2, 2, 2]), accuracies, sizes))
    # any growing function of a distance says the same
    distances = pd.Series([0.3, 0.1, 0.7, 0.2, 0.9, 0.4])
    assert choice.agreement(distances, accuracies, sizes) == pytest.approx(
        choice.agreement(np.exp(5 * distances), accuracies, sizes)
    )


def test_the_chance_of_an_agreement_is_the_share_of_orders_that_agree_as_much():
    sizes = pd.Series([1, 1, 1, 2, 2, 2])
    accuracies = pd.Series([0.9, 0.8, 0.7, 0.5, 0.4, 0.3])
    perfect = choice.chance_of_agreement(pd.Series([1, 2, 3, 0, 1, 2]), accuracies, sizes)
    # of 36 orders, one agrees wholly and one is wholly reversed
    assert perfect == pytest.approx(2 / 36, abs=0.01)
    distances = pd.Series([0.3, 0.1, 0.7, 0.2, 0.9, 0.4])
    found = abs(choice.agreement(distances, accuracies, sizes))
    orders = [
        choice.agreement(distances, pd.Series([*one, *other]), sizes)
        for one in itertools.permutations([0.9, 0.8, 0.7])
        for other in itertools.permutations([0.5, 0.4, 0.3])
    ]
    share = np.mean(np.abs(orders) >= found - 1e-9)
    assert choice.chance_of_agreement(distances, accuracies, sizes) == pytest.approx(
        share, abs=0.02
    )


def test_no_number_is_below_zero_that_is_written_as_zero():
    assert [choice._with_sign(value) for value in (-0.004, 0.0, -0.005001)] == [
        "+0.00",
        "+0.00",
        "−0.01",
    ]


def test_the_tables_name_the_best_first_and_what_foretells_it():
    rows = landscape(late_matters)
    told = pd.DataFrame({"removed_blocks": SETS, "removed": [len(one.split()) for one in SETS]})
    told["wise"] = [-late_matters(choice.profile_of(one, BLOCKS)) for one in SETS]
    told["wise_renewed"] = -told["wise"]
    text = choice.choice_tables(rows, told, path("b.y", "a.x", "a.y"))
    assert "| 1 | 10.0 | 4 | 2, 2: 58.00; 2, 2: 58.00; 2, 2: 58.00; 3, 1: 56.00 | 2.00 |" in text
    # who is misled is named beside the criterion that goes the same way
    assert "| one; wise over all sets, norms estimated anew | 2.00 | 2.00 | 2.00 |" in text
    assert "| wise over all sets | 0.00 | 0.00 | 0.00 |" in text
    assert text.index("| a draw at random |") < text.index("| one; ")
    assert "| wise | −1.00 | 0.014 | +1.00 | 0.014 |" in text


def test_the_figure_has_a_point_for_every_set_and_a_path_for_a_criterion():
    rows = landscape(late_matters)
    steps = path("a.z", "a.x", "b.y").assign(criterion="consensus")
    left, right = choice.choice_figure(rows, steps).axes
    for axis in (left, right):
        points, way = axis.lines[0], axis.lines[1]
        assert len(points.get_xdata()) == len(SETS)
        assert list(way.get_ydata()) == pytest.approx([58.0, 57.0, 54.0])


def test_labels_of_the_published_landscape_cover_no_other_label():
    rows, steps = (
        read_csv(ROOT / "docs" / "data" / f"landscape{suffix}.csv") for suffix in ("", choice.PATHS)
    )
    figure = choice.choice_figure(rows, steps)
    figure.draw_without_rendering()
    for axis in figure.axes:
        # without the line that leads to a label
        labels = [Text.get_window_extent(text) for text in axis.texts]
        assert len(labels) == len(choice.trained(rows))
        pairs = itertools.combinations(labels, 2)
        assert not any(one.overlaps(other) for one, other in pairs)


def test_sets_of_one_profile_stand_together_and_a_profile_of_one_set_is_left_out():
    rows = landscape(late_matters)
    rows.loc[rows["removed_blocks"] == "a.y", "accuracy_test"] += 0.004
    text = choice._of_one_profile(choice.trained(rows))
    [line] = [line for line in text.splitlines() if line.startswith("| 2, 2 |")]
    assert line == "| 2, 2 | a.y: 58.40; a.x: 58.00; a.z: 58.00 | 0.40 |"
    # all of the first stage and one block of the second are left by one set
    assert "| 3, 1 |" not in text
    one = rows[rows["removed_blocks"].isin(["", "a.x", "b.y"])]
    assert choice._of_one_profile(choice.trained(one)) == ""
