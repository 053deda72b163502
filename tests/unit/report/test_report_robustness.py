import numpy as np
import pandas as pd
import pytest
from planted_results import BLOCKS, Planted

from layer_pruning.intervals import wilson_interval
from layer_pruning.report.findings.robustness import compared_robustness, robust_accuracy
from layer_pruning.report.statistics.paired import NO_CHANGE, beside_each
from layer_pruning.report.wording import epsilon_labels


def paired_robustness(attacks, **how):
    """A row a network."""
    return compared_robustness(attacks, pooled=False, **how)


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
    assert (row["worse"], row["better"], row["images"]) == (6, 14, 100)
    assert row["other_robust_accuracy"] == pytest.approx(0.56)
    assert row["robust_accuracy"] == pytest.approx(0.64)
    assert row["difference"] == pytest.approx(0.08)
    assert row["interval_low"] < 0.0 < 0.08 < row["interval_high"]
    # McNemar's exact p is 0.115
    assert row["p_value"] == pytest.approx(0.115, rel=0.4)
    assert row["verdict"] == NO_CHANGE and 0.08 < row["detectable"] < 0.2
    assert (row["criterion"], row["removed"], row["attack"], row["norm"], row["epsilon"]) == (
        *("cka", 1, "fgsm", "linf"),
        0.1,
    )


def test_planted_gains_and_losses_are_shown_in_their_direction(planted):
    gain = paired_robustness(attacked(planted, 0, (50, 0, 20, 30)))
    assert list(gain["verdict"]) == ["higher"]
    loss = paired_robustness(attacked(planted, 1, (50, 20, 0, 30)))
    assert list(loss["verdict"]) == ["lower"]
    assert loss["difference"].item() == pytest.approx(-0.2)


def test_the_number_of_comparisons_is_paid_for(planted):
    alone = attacked(planted, 0, (50, 2, 12, 36))
    own = paired_robustness(alone).iloc[0]
    assert own["verdict"] == "higher"
    many = [path for seed in range(1, 10) for path in attacked(planted, seed, (50, 5, 5, 40))]
    table = paired_robustness(alone + many)
    row = table[table["seed"] == 0].iloc[0]
    assert row["p_value"] == pytest.approx(10 * own["p_value"])
    assert row["verdict"] == NO_CHANGE and row["interval_low"] < 0 < own["interval_low"]


def test_what_changed_without_an_attack_is_beside_it(planted):
    paths = [
        planted.attack(planted.folder(0), {0.1: [1, 1, 0, 0]}, clean=[1, 1, 1, 1]),
        planted.attack(planted.folder(0, "cka", 1), {0.1: [1, 0, 0, 0]}, clean=[1, 1, 1, 0]),
    ]
    assert paired_robustness(paths)["clean_difference"].item() == pytest.approx(-0.25)


def test_pooled_seeds_add_up_and_repeats_of_an_image_are_one_image(planted):
    paths = [path for seed in (0, 1, 2) for path in attacked(planted, seed, (50, 1, 6, 43))]
    (row,) = compared_robustness(paths).to_dict("records")
    assert (row["seeds"], row["images"], row["worse"], row["better"]) == (3, 100, 3, 18)
    assert row["difference"] == pytest.approx(0.05)
    # three seeds with identical outcomes are hardly more evidence than one
    one = compared_robustness(paths[:2]).iloc[0]
    width = row["interval_high"] - row["interval_low"]
    assert width == pytest.approx(one["interval_high"] - one["interval_low"], rel=0.1)
    apart = [
        path
        for seed in (0, 1, 2)
        for path in attacked(
            planted, seed, (50, 1, 6, 43), indices=range(100 * seed, 100 * seed + 100)
        )
    ]
    (other,) = compared_robustness(apart).to_dict("records")
    assert other["images"] == 300
    assert other["interval_high"] - other["interval_low"] < width


def test_seeds_that_share_some_images_are_compared_on_those(planted):
    paths = attacked(planted, 0, (4, 1, 0, 0), indices=[0, 1, 2, 3, 4])
    paths += attacked(planted, 1, (4, 0, 1, 0), indices=[9, 4, 3, 8, 7])
    (row,) = compared_robustness(paths).to_dict("records")
    # of images 3 and 4: right and lost in one seed, right twice in the other
    assert (row["images"], row["worse"], row["better"]) == (2, 1, 0)


def test_seeds_that_disagree_show_nothing(planted):
    """One training gains what another loses: over images alone three of these were "shown"."""
    paths = attacked(planted, 0, (40, 0, 30, 30)) + attacked(planted, 1, (40, 20, 0, 40))
    (row,) = compared_robustness(paths).to_dict("records")
    assert row["verdict"] == NO_CHANGE
    assert (row["interval_low"], row["interval_high"]) == (-1.0, 1.0)


def test_one_seed_pooled_is_the_same_as_paired(planted):
    paths = attacked(planted, 0, (50, 6, 14, 30))
    paired, pooled = paired_robustness(paths).iloc[0], compared_robustness(paths).iloc[0]
    for name in ("p_value", "difference", "interval_low", "interval_high", "worse", "better"):
        assert pooled[name] == pytest.approx(paired[name])


def test_networks_stand_beside_those_that_were_trained_as_long(planted):
    before, after = outcomes(50, 0, 30, 20)
    folders = {name: planted.folder(0, name, 1) for name in ("cka", "scratch")}
    paths = [planted.attack(planted.folder(0), {0.1: before})]
    paths += [planted.attack(folders["cka"], {0.1: after})]
    paths += [planted.attack(folders["scratch"], {0.1: after})]
    deeper = planted.attack(planted.folder(0, "cka", 2), {0.1: after})
    made = [("cka", "pruned", 1), ("cka", "pruned", 2), ("scratch", "scratch", 1)]
    summary = pd.DataFrame(made, columns=["criterion", "made_by", "removed"])
    place = {"dataset": "toy", "architecture": "resnet8", "macs": 100, "parameters": 10}
    table = beside_each(compared_robustness, [*paths, deeper], summary.assign(**place))
    cka = table[(table["criterion"] == "cka") & (table["removed"] == 1)].set_index("other")
    assert cka.loc["baseline", "verdict"] == "higher"
    assert cka.loc["scratch", "difference"] == 0 and cka.loc["scratch", "verdict"] == NO_CHANGE
    # nothing stands beside the network after two removals but the baseline
    assert set(table[table["removed"] == 2]["other"]) == {"baseline"}


def test_what_is_apart_does_not_widen_the_intervals_of_the_others(planted):
    generator = np.random.default_rng(0)

    def noisy(share):
        return (generator.random(100) < share).astype(int).tolist()

    paths = []
    for seed in (0, 1, 2):
        fixed = [1] * 40 + [0] * 60
        paths += [planted.attack(planted.folder(seed), {0.1: fixed})]
        paths += [planted.attack(planted.folder(seed, "cka", 1), {0.1: [*fixed[2:], 1, 1]})]
        share = 0.1 + 0.4 * seed
        paths += [planted.attack(planted.folder(seed, "scratch", 1), {0.1: noisy(share)})]
    together = compared_robustness(paths).set_index("criterion")
    apart = compared_robustness(paths, apart=["scratch"]).set_index("criterion")
    width = [
        t.loc["cka", "interval_high"] - t.loc["cka", "interval_low"] for t in (together, apart)
    ]
    assert width[1] < width[0] / 2


def test_networks_attacked_on_other_images_are_not_compared(planted):
    base = planted.attack(planted.folder(0), {0.1: [1, 0]}, indices=[0, 1])
    pruned = planted.attack(planted.folder(0, "cka", 1), {0.1: [1, 0]}, indices=[0, 2])
    with pytest.raises(ValueError, match="other images than its baseline"):
        paired_robustness([base, pruned])
    with pytest.raises(ValueError, match="its baseline was not given"):
        paired_robustness([pruned])
    pruned = planted.attack(planted.folder(0, "cka", 1), {0.2: [1, 0]}, indices=[0, 1])
    with pytest.raises(ValueError, match=r"its baseline was not given for fgsm linf 0\.2"):
        paired_robustness([base, pruned])


def test_outcomes_that_are_not_one_an_image_are_refused(planted):
    path = planted.attack(planted.folder(0), {0.1: [1, 0, 1]}, indices=[0, 1])
    with pytest.raises(ValueError, match="image_indices has 2 entries for 3 labels"):
        robust_accuracy([path])


def test_epsilon_0_is_the_clean_accuracy_on_the_same_images(planted):
    planted.network(0, "cka", BLOCKS[:1])
    path = planted.attack(planted.folder(0, "cka", 1), {0.1: [1, 0, 0, 0]}, clean=[1, 1, 1, 0])
    table = robust_accuracy([path])
    assert list(table["epsilon"]) == [0.0, 0.1]
    assert list(table["robust_accuracy"]) == [0.75, 0.25]
    assert (table["interval_low"][0], table["interval_high"][0]) == wilson_interval(3, 4)


def test_without_attacks_the_tables_are_empty():
    for make in (robust_accuracy, paired_robustness, compared_robustness):
        assert make([]).empty


def test_epsilons_are_written_as_people_write_them():
    assert epsilon_labels([0.0, 1 / 255, 8 / 255]) == ["0", "1/255", "8/255"]
    assert epsilon_labels([0.25 / 255]) == ["0.25/255"]
    assert epsilon_labels([0.03, 0.1, 0.2]) == ["0.03", "0.1", "0.2"]
    assert epsilon_labels([0.5, 1.0]) == ["0.5", "1"]
