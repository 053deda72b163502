import math

import numpy as np
import pytest
from planted_results import BLOCKS

from layer_pruning.report.answers.robustness import on_other_images
from layer_pruning.report.figures.calibration import calibration_figure
from layer_pruning.report.figures.corruptions import corruptions_figure
from layer_pruning.report.findings.calibration import reliability
from layer_pruning.report.findings.shift import (
    compared_shift,
    corruption_accuracies,
    mean_corruption_error,
)
from layer_pruning.report.network_tables import read_csv, write_csv
from layer_pruning.report.pages.table_pages import robustness_page
from layer_pruning.report.statistics.paired import NO_CHANGE
from layer_pruning.report.summary import summarise


def planted_pair(planted, seed=0):
    """Ten images, two corruptions of two severities: the pruned network makes twice the errors."""
    base, pruned = planted.folder(seed), planted.folder(seed, "cka", 1)
    return [
        planted.corruptions(
            base, {"fog": [9, 8], "snow": [10, 5]}, [4] * 4 + [3] * 4 + [2] * 2, {"new": [1] * 10}
        ),
        planted.corruptions(
            pruned, {"fog": [7, 7], "snow": [5, 5]}, [3] * 4 + [2] * 6, {"new": [1] * 9 + [0]}
        ),
    ]


def test_the_mean_corruption_error_is_the_mean_of_ratios_and_100_for_the_baseline(planted):
    import json

    base, pruned = (json.loads(path.read_text()) for path in planted_pair(planted))
    # errors: fog 6 against 3, snow 10 against 5
    assert mean_corruption_error(pruned, base) == pytest.approx(200)
    assert mean_corruption_error(base, base) == 100
    half = pruned | {"corruptions": {"fog": [9, 8], "snow": [5, 5]}}
    assert mean_corruption_error(half, base) == pytest.approx((100 + 200) / 2)
    perfect = base | {"corruptions": {"fog": [10, 10], "snow": [5, 5]}}
    assert math.isnan(mean_corruption_error(pruned, perfect))


def test_a_planted_loss_is_found_image_by_image(planted):
    rows = compared_shift(planted_pair(planted), pooled=False).set_index("test")
    row = rows.loc["corrupted"]
    assert row["other_accuracy"] == pytest.approx(32 / 40)
    assert row["accuracy"] == pytest.approx(24 / 40)
    assert row["difference"] == pytest.approx(-0.2)
    assert row["interval_low"] < -0.2 < row["interval_high"]
    # eight of ten images lose one outcome of four each, and none gains any
    assert (row["worse"], row["better"]) == (8, 0)
    assert row["mean_corruption_error_percent"] == pytest.approx(200)
    assert rows.loc["new", "difference"] == pytest.approx(-0.1)
    assert rows.loc["new", "verdict"] == NO_CHANGE


def test_a_loss_that_is_said_is_in_the_interval(planted):
    """ "lower throughout" stood beside an interval from -12 to +5 points."""
    generator = np.random.default_rng(0)
    paths = []
    for seed in range(3):
        before = generator.integers(1, 5, 60)
        after = before - (generator.random(60) < 0.8)
        sums = [{"fog": [int((own > s).sum()) for s in range(4)]} for own in (before, after)]
        folders = planted.folder(seed), planted.folder(seed, "cka", 1)
        paths += [
            planted.corruptions(folder, correct, own.tolist())
            for folder, correct, own in zip(folders, sums, (before, after), strict=True)
        ]
    (row,) = compared_shift(paths).to_dict("records")
    assert (row["verdict"], row["seeds"], row["images"]) == ("lower", 3, 60)
    assert row["interval_high"] < 0 and row["p_value"] < 0.05
    assert row["difference"] == pytest.approx(-0.2, abs=0.03)


def test_networks_tested_on_other_images_are_not_compared(planted):
    base, pruned = planted_pair(planted)
    with pytest.raises(ValueError, match="its baseline was not given"):
        compared_shift([pruned])
    planted.corruptions(planted.folder(0), {"fog": [1, 1]}, [2])
    with pytest.raises(ValueError, match="other images"):
        compared_shift([base, pruned])


def test_the_summary_has_the_columns_and_says_where_corruptions_come_from(planted, tmp_path):
    folders = [planted.network(0), planted.network(0, "cka", BLOCKS[:1])]
    calibrations = [planted.calibration(f, (0.1, 0.02)) for f in folders[:1]]
    calibrations.append(planted.calibration(folders[1], (0.2, 0.0), temperature=None))
    summary = summarise(folders, corruptions=planted_pair(planted), calibrations=calibrations)
    write_csv(summary, tmp_path / "summary.csv")
    base, pruned = read_csv(tmp_path / "summary.csv").to_dict("records")
    assert base["corrupted_accuracy"] == pytest.approx(0.8)
    assert base["corrupted_accuracy_interval_low"] < 0.8 < base["corrupted_accuracy_interval_high"]
    assert base["mean_corruption_error_percent"] == 100
    assert pruned["mean_corruption_error_percent"] == pytest.approx(200)
    assert "not comparable" in base["corruption_source"]
    assert pruned["shifted_accuracy_new"] == pytest.approx(0.9)
    assert base["expected_calibration_error"] == pytest.approx(0.1)
    assert base["brier_score_scaled"] == pytest.approx(0.04)
    assert base["temperature"] == 2
    assert math.isnan(pruned["expected_calibration_error_scaled"])
    assert pruned["notes"] == "no temperature fits"
    with pytest.raises(ValueError, match="no listed network"):
        summarise(folders[:1], calibrations=calibrations)


def test_the_front_page_names_the_source_of_corruptions(planted):
    pooled = compared_shift(planted_pair(planted))
    (corrupted, anew) = on_other_images(pooled, 1)
    assert (corrupted.question, anew.question) == ("On corrupted images?", "On new?")
    assert "not comparable" in corrupted.evidence and "not comparable" not in anew.evidence
    assert corrupted.facts.before == pytest.approx(0.8)
    assert corrupted.facts.criteria["cka"]["difference"] == pytest.approx(-0.2)
    assert corrupted.verdict.startswith("For this one trained network: ")
    assert (corrupted.number, corrupted.n) == (pytest.approx(-20), "1 seed, 10 images")
    assert on_other_images(compared_shift([]), 1) == []
    assert on_other_images(None, 1) == []


def test_the_page_has_a_table_or_a_sentence_for_everything(planted):
    html = robustness_page([], planted_pair(planted))
    assert html.count("<table>") == 1
    assert "No network was attacked." in html and "There are none." in html
    assert "not comparable with the official" in html and "corrupted" in html


def bars(figure):
    return [patch for axis in figure.axes for patch in axis.patches]


def test_bars_stand_for_every_network_and_corruption_and_their_mean(planted):
    figure = corruptions_figure(corruption_accuracies(planted_pair(planted)))
    # two networks; fog, snow, their mean, and the test set collected anew
    widths = sorted(round(patch.get_width(), 6) for patch in bars(figure))
    assert widths == sorted([85, 75, 80, 100, 70, 50, 60, 90])
    assert "not comparable" in figure.get_suptitle()
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == ["fog", "snow", "mean", "new"]


def test_many_criteria_become_a_map(planted):
    paths = [planted_pair(planted)[0]]
    for number in range(6):
        folder = planted.folder(0, f"c{number}", 1)
        of_image = [1] * number + [0] * (6 - number)
        paths.append(planted.corruptions(folder, {"fog": [number, 0]}, of_image))
    figure = corruptions_figure(corruption_accuracies(paths))
    assert len(figure.axes[0].images) == 1
    assert figure.axes[0].images[0].get_array().shape == (4, 7)


def test_reliability_pools_seeds_and_errors_are_drawn(planted):
    paths = [planted.calibration(planted.folder(seed), (0.1, 0.02)) for seed in (0, 1)]
    paths += [planted.calibration(planted.folder(0, "cka", 1), (0.3, 0.0), temperature=None)]
    frame = reliability(paths)
    assert set(frame["images"]) == {10, 90}
    figure = calibration_figure(frame)
    left, right = figure.axes
    points = left.collections[0].get_offsets()
    assert np.allclose(points, [[65, 60], [95, 90]])
    assert [round(p.get_width(), 6) for p in right.patches] == [10, 2, 30]
    assert any("no temperature" in text.get_text() for text in right.texts)


def test_where_a_seed_has_no_temperature_is_said_beside_the_interval(planted):
    temperatures = {0: 2.0, 1: 2.0, 2: None}
    paths = [
        planted.calibration(planted.folder(seed), (0.1, 0.02 + 0.04 * seed), temperature)
        for seed, temperature in temperatures.items()
    ]
    right = calibration_figure(reliability(paths)).axes[1]
    (said,) = [text for text in right.texts if "no temperature" in text.get_text()]
    ends = [end for line in right.collections for end in line.get_segments()[0]]
    at_its_height = [x for x, y in ends if np.isclose(y, said.xy[1])]
    # two points of four apart: an interval that goes far beyond both
    assert said.xy[0] == pytest.approx(max(at_its_height)) and said.xy[0] > 6


def test_without_records_figures_say_so():
    for draw, frame in (
        (corruptions_figure, corruption_accuracies([])),
        (calibration_figure, reliability([])),
    ):
        assert "No network was" in draw(frame).texts[0].get_text()
