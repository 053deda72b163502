import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from layer_pruning.evaluation.accuracy import accuracy_record
from layer_pruning.evaluation.calibration import (
    calibration_errors,
    calibration_record,
    fitted_temperature,
)


def calibrated(n: int, classes: int = 5, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits, and labels drawn from the very probabilities that they say."""
    generator = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(n, classes, generator=generator)
    labels = torch.multinomial(logits.softmax(1), 1, generator=generator).squeeze(1)
    return logits, labels


def test_calibrated_predictions_have_hardly_any_error():
    logits, labels = calibrated(200_000)
    assert calibration_errors(logits, labels)["expected_calibration_error"] < 0.005
    # and the same logits, three times too confident, much
    assert calibration_errors(3 * logits, labels)["expected_calibration_error"] > 0.1


@pytest.mark.parametrize("factor", [0.5, 1.0, 4.0])
def test_a_planted_temperature_is_found_again(factor):
    logits, labels = calibrated(200_000)
    temperature, reason = fitted_temperature(factor * logits, labels)
    assert temperature == pytest.approx(factor, rel=0.02)
    assert reason is None


def test_no_temperature_is_likelier_than_the_one_found():
    logits, labels = calibrated(500, seed=3)
    logits = 2.5 * logits

    def loss(temperature):
        errors = calibration_errors(logits.double() / temperature, labels)
        return errors["negative_log_likelihood"]

    temperature, _ = fitted_temperature(logits, labels)
    assert all(loss(temperature) <= loss(t) for t in (1.0, 0.99 * temperature, 1.01 * temperature))


def test_scaling_never_raises_the_loss_of_validation_and_keeps_accuracy():
    outputs = {"validation": calibrated(300, seed=1), "test": calibrated(300, seed=2)}
    outputs = {split: (3 * logits, labels) for split, (logits, labels) in outputs.items()}
    record = calibration_record(outputs)
    for errors in record["splits"].values():
        before, after = errors["as_trained"], errors["scaled"]
        assert after["negative_log_likelihood"] <= before["negative_log_likelihood"]
        assert after["expected_calibration_error"] < before["expected_calibration_error"]
        hits = [
            sum(b["images"] * b["accuracy"] for b in e["bins"] if b["images"])
            for e in (before, after)
        ]
        assert hits[0] == pytest.approx(hits[1])
    assert record["temperature"] == pytest.approx(3, rel=0.2)


def test_where_every_image_is_right_no_temperature_fits_and_none_is_made_up():
    labels = torch.tensor([0, 1, 2])
    logits = 3 * torch.nn.functional.one_hot(labels, 3).float()
    record = calibration_record({"validation": (logits, labels), "test": (logits, labels)})
    assert record["temperature"] is None
    assert "so well" in record["reason"]
    assert record["splits"]["test"]["scaled"] is None
    assert fitted_temperature(-logits, labels)[0] is None
    assert "so badly" in fitted_temperature(-logits, labels)[1]


def test_logits_that_are_all_equal_are_not_called_a_success():
    labels = torch.tensor([0, 0, 0])
    for logits in (
        torch.zeros(3, 4),
        torch.full((3, 4), 7.0),
        torch.arange(3.0)[:, None] + torch.zeros(3, 4),
    ):
        temperature, reason = fitted_temperature(logits, labels)
        assert temperature is None
        assert "the logits of every class are the same" in reason


def test_planted_bins():
    # four images at 0.8, three of them right; two at 0.6, one right: gaps of 0.05 and 0.1
    p = torch.tensor([0.8, 0.8, 0.8, 0.8, 0.6, 0.6])
    logits = torch.stack([p, 1 - p], 1).log()
    labels = torch.tensor([0, 0, 0, 1, 0, 1])
    errors = calibration_errors(logits, labels)
    assert errors["expected_calibration_error"] == pytest.approx((4 * 0.05 + 2 * 0.1) / 6)
    full = {round(b["low"] * 15): b for b in errors["bins"] if b["images"]}
    # 0.8 = 12 / 15 may round to either side of its edge; 0.6 = 9 / 15 too
    assert sorted(b["images"] for b in full.values()) == [2, 4]
    assert sum(b["images"] for b in errors["bins"]) == 6
    assert len(errors["bins"]) == 15
    brier = (3 * 2 * 0.2**2 + 2 * 0.8**2 + 2 * 0.4**2 + 2 * 0.6**2) / 6
    assert errors["brier_score"] == pytest.approx(brier)
    loss = -(3 * math.log(0.8) + math.log(0.2) + math.log(0.6) + math.log(0.4)) / 6
    assert errors["negative_log_likelihood"] == pytest.approx(loss)


@given(st.integers(0, 1000), st.integers(2, 6), st.floats(0.0, 300.0))
def test_errors_lie_within_their_bounds(seed, classes, scale):
    generator = torch.Generator().manual_seed(seed)
    logits = scale * torch.randn(20, classes, generator=generator)
    labels = torch.randint(classes, (20,), generator=generator)
    errors = calibration_errors(logits, labels)
    assert 0 <= errors["expected_calibration_error"] <= 1
    assert 0 <= errors["brier_score"] <= 2
    assert errors["negative_log_likelihood"] >= 0
    assert sum(b["images"] for b in errors["bins"]) == 20


def test_the_worst_and_the_best_brier_score():
    labels = torch.tensor([0, 1])
    sure = 1e3 * torch.nn.functional.one_hot(labels, 2).float()
    assert calibration_errors(sure, labels)["brier_score"] == 0
    assert calibration_errors(-sure, labels)["brier_score"] == pytest.approx(2)
    assert calibration_errors(-sure, labels)["expected_calibration_error"] == pytest.approx(1)


def test_accuracy_counts_each_split():
    logits = torch.eye(3)
    outputs = {
        "validation": (logits, torch.tensor([0, 1, 2])),
        "test": (logits, torch.tensor([0, 1, 0])),
    }
    splits = accuracy_record(outputs)["splits"]
    assert splits["validation"]["correct"] == 3
    assert (splits["test"]["correct"], splits["test"]["images"]) == (2, 3)
    assert splits["test"]["interval_low"] < splits["test"]["accuracy"] == 2 / 3


def test_intervals_of_calibration_errors_cover_what_is_true():
    """Two classes, probabilities from 0.6 to 0.95, right six points less often than they say."""
    generator = torch.Generator().manual_seed(1)
    runs, images, gap = 100, 500, 0.06
    covered = {"expected_calibration_error": 0, "negative_log_likelihood": 0}
    grid = torch.linspace(0.6, 0.95, 10_001, dtype=torch.float64)
    right = grid - gap
    surprise = -(right * grid.log() + (1 - right) * (1 - grid).log()).mean()
    truth = {"expected_calibration_error": gap, "negative_log_likelihood": float(surprise)}
    for _ in range(runs):
        p = 0.6 + 0.35 * torch.rand(images, generator=generator, dtype=torch.float64)
        logits = torch.stack([(p / (1 - p)).log(), torch.zeros(images, dtype=torch.float64)], 1)
        labels = (torch.rand(images, generator=generator, dtype=torch.float64) >= p - gap).long()
        errors = calibration_errors(logits, labels)
        for name in covered:
            low, high = (errors[f"{name}_interval_{end}"] for end in ("low", "high"))
            assert low <= high and low >= 0
            covered[name] += low <= truth[name] <= high
    # 95 of 100 with a deviation of 2.2
    assert min(covered.values()) >= 89
