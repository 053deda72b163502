import math

import pytest
from planted_results import BLOCKS, Planted

from layer_pruning.intervals import wilson_interval
from layer_pruning.report.robustness import (
    epsilon_labels,
    paired_robustness,
    pooled_robustness,
    robust_accuracy,
)
from layer_pruning.report.significance import NO_DIFFERENCE, mcnemar, paired_interval


def outcomes(both: int, lost: int, gained: int, neither: int) -> tuple[list[int], list[int]]:
    """Outcomes an image of a baseline and of a pruned network, with these counts."""
    before = [1] * both + [1] * lost + [0] * gained + [0] * neither
    after = [1] * both + [0] * lost + [1] * gained + [0] * neither
    return before, after


def attacked(planted: Planted, seed: int, counts, epsilon=0.1, **more) -> list:
    before, after = outcomes(*counts)
    return [
        planted.attack(planted.folder(seed), {epsilon: before}, **more),
        planted.attack(planted.folder(seed, "cka", 1), {epsilon: after}, **more),
    ]


def test_discordant_images_are_counted(planted):
    (row,) = paired_robustness(attacked(planted, 0, (50, 6, 14, 30))).to_dict("records")
    assert (row["n10"], row["n01"], row["images"]) == (6, 14, 100)
    assert row["baseline_robust_accuracy"] == pytest.approx(0.56)
    assert row["robust_accuracy"] == pytest.approx(0.64)
    assert row["difference"] == pytest.approx(0.08)
    assert row["interval_low"] < 0.08 < row["interval_high"]
    assert row["p_value"] == mcnemar(6, 14)
    assert row["p_holm"] == row["p_value"]
    assert row["verdict"] == NO_DIFFERENCE
    assert (row["criterion"], row["removed"], row["attack"], row["norm"], row["epsilon"]) == (
        *("cka", 1, "fgsm", "linf"),
        0.1,
    )


def test_planted_gains_and_losses_are_significant_in_their_direction(planted):
    gain = paired_robustness(attacked(planted, 0, (50, 0, 20, 30)))
    assert list(gain["verdict"]) == ["higher"]
    loss = paired_robustness(attacked(planted, 1, (50, 20, 0, 30)))
    assert list(loss["verdict"]) == ["lower"]
    assert loss["difference"].item() == pytest.approx(-0.2)


def test_the_number_of_comparisons_is_paid_for(planted):
    alone = attacked(planted, 0, (50, 2, 12, 36))
    assert paired_robustness(alone)["verdict"].item() == "higher"
    many = [path for seed in range(1, 10) for path in attacked(planted, seed, (50, 5, 5, 40))]
    table = paired_robustness(alone + many)
    row = table[table["seed"] == 0].iloc[0]
    assert row["p_value"] < 0.05
    assert row["p_holm"] == pytest.approx(10 * row["p_value"])
    assert row["verdict"] == NO_DIFFERENCE


def test_what_changed_without_an_attack_is_beside_it(planted):
    paths = [
        planted.attack(planted.folder(0), {0.1: [1, 1, 0, 0]}, clean=[1, 1, 1, 1]),
        planted.attack(planted.folder(0, "cka", 1), {0.1: [1, 0, 0, 0]}, clean=[1, 1, 1, 0]),
    ]
    assert paired_robustness(paths)["clean_difference"].item() == pytest.approx(-0.25)


def test_pooled_seeds_add_up_and_repeats_of_an_image_are_one_image(planted):
    paths = [path for seed in (0, 1, 2) for path in attacked(planted, seed, (50, 1, 6, 43))]
    (row,) = pooled_robustness(paths).to_dict("records")
    assert (row["seeds"], row["images"], row["n10"], row["n01"]) == (3, 100, 3, 18)
    assert row["difference"] == pytest.approx(0.05)
    # Three seeds with identical outcomes are no more evidence than one.
    assert row["p_value"] == pytest.approx(mcnemar(1, 6))
    assert math.isnan(row["seed_interval_low"])  # the same difference in every seed


def test_pooled_seeds_on_different_images_are_independent(planted):
    paths = [
        path
        for seed in (0, 1)
        for path in attacked(
            planted, seed, (50, 1, 6, 43), indices=range(100 * seed, 100 * seed + 100)
        )
    ]
    (row,) = pooled_robustness(paths).to_dict("records")
    assert row["images"] == 200
    assert row["p_value"] == mcnemar(2, 12)


def test_one_seed_pooled_is_the_same_as_paired(planted):
    paths = attacked(planted, 0, (50, 6, 14, 30))
    paired, pooled = paired_robustness(paths).iloc[0], pooled_robustness(paths).iloc[0]
    for name in ("p_value", "difference", "interval_low", "interval_high", "n10", "n01"):
        assert pooled[name] == pytest.approx(paired[name])


def test_intervals_of_a_table_are_corrected_for_its_rows(planted):
    paths = [path for seed in (0, 1, 2) for path in attacked(planted, seed, (50, 6, 14, 30))]
    changes = [0] * 80 + [-1] * 6 + [1] * 14
    paired, pooled = paired_robustness(paths), pooled_robustness(paths)
    assert len(paired) == 3 and len(pooled) == 1
    for frame in (paired, pooled):
        for _, row in frame.iterrows():
            ends = (row["interval_low"], row["interval_high"])
            assert ends == pytest.approx(paired_interval(changes, len(frame)))


def test_networks_attacked_on_other_images_are_not_compared(planted):
    base = planted.attack(planted.folder(0), {0.1: [1, 0]}, indices=[0, 1])
    pruned = planted.attack(planted.folder(0, "cka", 1), {0.1: [1, 0]}, indices=[0, 2])
    with pytest.raises(ValueError, match="other images than its baseline"):
        paired_robustness([base, pruned])
    with pytest.raises(ValueError, match="its baseline was not given"):
        paired_robustness([pruned])
    pruned = planted.attack(planted.folder(0, "cka", 1), {0.2: [1, 0]}, indices=[0, 1])
    with pytest.raises(ValueError, match=r"not attacked at epsilon 0\.2"):
        paired_robustness([base, pruned])


def test_outcomes_that_are_not_one_an_image_are_refused(planted):
    path = planted.attack(planted.folder(0), {0.1: [1, 0, 1]}, indices=[0, 1])
    with pytest.raises(ValueError, match="each of 2 images"):
        robust_accuracy([path])


def test_epsilon_0_is_the_clean_accuracy_on_the_same_images(planted):
    planted.network(0, "cka", BLOCKS[:1])
    path = planted.attack(planted.folder(0, "cka", 1), {0.1: [1, 0, 0, 0]}, clean=[1, 1, 1, 0])
    table = robust_accuracy([path])
    assert list(table["epsilon"]) == [0.0, 0.1]
    assert list(table["robust_accuracy"]) == [0.75, 0.25]
    assert (table["interval_low"][0], table["interval_high"][0]) == wilson_interval(3, 4)


def test_without_attacks_the_tables_are_empty():
    for make in (robust_accuracy, paired_robustness, pooled_robustness):
        assert make([]).empty


def test_epsilons_are_written_as_people_write_them():
    assert epsilon_labels([0.0, 1 / 255, 8 / 255]) == ["0", "1/255", "8/255"]
    assert epsilon_labels([0.25 / 255]) == ["0.25/255"]
    assert epsilon_labels([0.03, 0.1, 0.2]) == ["0.03", "0.1", "0.2"]
    assert epsilon_labels([0.5, 1.0]) == ["0.5", "1"]
