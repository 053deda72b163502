import json
import math

import pytest

from layer_pruning.report.findings.areas import area_columns, areas_of_images, compared_areas
from layer_pruning.report.findings.attack_checks import attack_warnings
from layer_pruning.report.statistics.significance import bounded_interval


def test_planted_curves_have_their_areas(planted):
    # always right; right up to 0.1; right without an attack only; never right
    outcomes = {0.1: [1, 1, 0, 0], 0.4: [1, 0, 0, 0]}
    path = planted.attack(planted.folder(0), outcomes, clean=[1, 1, 1, 0])
    # of the width 0.4: all; 0.1 and half of 0.3; half of 0.1; nothing
    areas = [1.0, (0.1 + 0.15) / 0.4, 0.05 / 0.4, 0.0]
    assert areas_of_images(json.loads(path.read_text()), path) == pytest.approx(areas)
    columns = area_columns([path])[planted.folder(0)]
    assert columns["robust_area_fgsm_linf"] == pytest.approx(sum(areas) / 4)
    ends = [columns[f"robust_area_fgsm_linf_interval_{end}"] for end in ("low", "high")]
    assert ends == pytest.approx(bounded_interval(areas))


def test_areas_of_pruned_networks_are_paired_with_their_baseline(planted):
    before = planted.attack(planted.folder(0), {0.1: [1, 1, 1, 0]})
    after = planted.attack(planted.folder(0, "cka", 1), {0.1: [1, 1, 0, 0]})
    (row,) = compared_areas([before, after], pooled=False).to_dict("records")
    assert row["difference"] == pytest.approx(-0.5 / 4)
    assert row["interval_low"] < -0.125 < row["interval_high"]
    assert row["other_robust_area"] == pytest.approx(7 / 8)
    assert (row["epsilons"], row["images"]) == (1, 4)
    # areas over other epsilons are not compared
    other = planted.attack(planted.folder(0, "cka", 2), {0.2: [1, 1, 0, 0]})
    assert compared_areas([before, other]).empty


def test_epsilons_out_of_order_have_no_area(planted):
    path = planted.attack(planted.folder(0), {0.2: [1, 0], 0.1: [1, 0]})
    with pytest.raises(ValueError, match="should rise"):
        compared_areas([path])


def test_an_interval_of_zeros_and_ones_is_agresti_and_coulls():
    low, high = bounded_interval([1] * 7 + [0] * 3)
    p = 9 / 14
    half = 1.959963984540054 * math.sqrt(p * (1 - p) / 14)
    assert (low, high) == pytest.approx((p - half, p + half))
    assert bounded_interval([1.0] * 50)[0] < 1.0


def test_a_weak_attack_that_surpasses_a_strong_one_is_flagged(planted):
    folder = planted.folder(0)
    paths = [
        planted.attack(folder, {0.1: [0, 0, 1, 1], 0.2: [0, 0, 0, 1]}),
        planted.attack(folder, {0.1: [1, 0, 1, 1], 0.2: [0, 0, 0, 0]}, attack="autoattack"),
    ]
    (row,) = attack_warnings(paths).to_dict("records")
    assert row["attack"] == "autoattack" and row["criterion"] == "baseline"
    assert row["warning"].startswith("fgsm broke 1 images at epsilon 0.1 that autoattack did not")
    assert "masked" in row["warning"]


def test_attacks_are_compared_in_one_norm_at_one_epsilon_on_the_same_images(planted):
    folder = planted.folder(0)
    strong = planted.attack(folder, {0.1: [1, 1]}, attack="autoattack")
    for change in ({"norm": "L2"}, {"indices": [0, 2]}):
        weak = planted.attack(folder, {0.1: [0, 0]}, **change)
        assert attack_warnings([weak, strong]).empty
    weak = planted.attack(folder, {0.2: [0, 0]})
    assert attack_warnings([weak, strong]).empty


def test_warnings_of_the_attacks_are_collected(planted):
    path = planted.attack(planted.folder(1, "cka", 2), {0.1: [1, 0]})
    record = json.loads(path.read_text())
    path.write_text(json.dumps(record | {"warnings": ["Square alone broke 3 images"]}))
    (row,) = attack_warnings([path]).to_dict("records")
    assert (row["criterion"], row["seed"], row["removed"]) == ("cka", 1, 2)
    assert row["warning"] == "Square alone broke 3 images"
