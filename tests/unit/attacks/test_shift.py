import json

import numpy as np
import pytest
import torch
from linear_network import Linear
from torch import nn

from layer_pruning.attacks.catalog import BUILT_IN, CORRUPTIONS
from layer_pruning.attacks.corruptions import corrupt
from layer_pruning.attacks.shift import BuiltIn, shift_record
from layer_pruning.runtime.atomic import write_json


class Brightest(nn.Module):
    """Logits of two classes: dark below a mean of 0.5, bright above."""

    def forward(self, images):
        mean = images.flatten(1).mean(1)
        return torch.stack([0.5 - mean, mean - 0.5], 1) * 10


def grey(*levels: float) -> np.ndarray:
    return np.array(levels, dtype=np.float32)[:, None, None, None] * np.ones(
        (1, 1, 8, 8), dtype=np.float32
    )


def record(network, images, labels, **options):
    source = BuiltIn(len(images), lambda chosen: (images[chosen], labels[chosen]), seed=0)
    settings = {
        "corruptions": CORRUPTIONS,
        "severities": [1, 2, 3, 4, 5],
        "chosen": np.arange(len(images)),
        "shifted": {},
        "batch_size": 100,
    }
    return shift_record(network.eval(), source, **(settings | options))


def test_a_planted_corruption_is_counted_image_by_image():
    # brightness adds 0.1 to 0.5: the dark images turn bright after 4, 2 and 0 severities
    images, labels = grey(0.05, 0.25, 0.45, 0.6), np.array([0, 0, 0, 1])
    found = record(Brightest(), images, labels, corruptions=["brightness"])
    assert found["corruptions"] == {"brightness": [3, 3, 2, 2, 1]}
    assert found["correct_of_image"] == [4, 2, 0, 5]
    assert found["corrupted_accuracy"] == 11 / 20
    assert found["clean_correct"] == 4
    assert found["note"] == BUILT_IN


def test_the_mean_over_corruptions_and_severities_is_plain():
    generator = np.random.default_rng(0)
    images = generator.random((30, 1, 8, 8), dtype=np.float32)
    labels = generator.integers(0, 4, 30)
    network = Linear(4)
    found = record(network, images, labels)
    accuracies = [
        (
            network(corrupt(torch.from_numpy(images), name, s, indices=range(30), seed=0))
            .argmax(1)
            .numpy()
            == labels
        ).mean()
        for name in CORRUPTIONS
        for s in range(1, 6)
    ]
    assert found["corrupted_accuracy"] == pytest.approx(np.mean(accuracies))
    assert sum(map(sum, found["corruptions"].values())) == sum(found["correct_of_image"])


def test_batches_and_chosen_images_change_no_outcome_of_an_image():
    generator = np.random.default_rng(1)
    images = generator.random((20, 1, 8, 8), dtype=np.float32)
    labels = generator.integers(0, 4, 20)
    whole = record(Linear(4), images, labels)
    batches = record(Linear(4), images, labels, batch_size=3)
    some = record(Linear(4), images, labels, chosen=np.arange(5, 15))
    assert batches == whole
    assert some["correct_of_image"] == whole["correct_of_image"][5:15]


def test_newly_collected_images_are_bytes_in_batches():
    images = np.array([10, 250, 240], dtype=np.uint8)[:, None, None, None]
    images = np.broadcast_to(images, (3, 1, 8, 8))
    part = (images, np.array([0, 1, 0]))
    found = record(
        Brightest(), grey(0.2), np.array([0]), corruptions=[], shifted={"new": part}, batch_size=2
    )
    assert found["shifted"] == {"new": {"correct": [1, 1, 0]}}
    assert found["corrupted_accuracy"] is None and found["clean_correct"] is None


def test_the_record_is_written_as_json(tmp_path):
    found = record(Brightest(), grey(0.2, 0.8), np.array([0, 1]), batch_size=1)
    write_json(tmp_path / "corruptions.json", found)
    assert json.loads((tmp_path / "corruptions.json").read_text()) == found


class Random(Brightest):
    def forward(self, images):
        return super().forward(images) + torch.randn(len(images), 2)


@pytest.mark.parametrize(
    ("network", "images", "message"),
    [
        (nn.Sequential(Brightest(), nn.Softmax(1)), grey(0.2), "probabilities"),
        (Random(), grey(0.2), "random"),
        (Brightest(), grey(1.2), r"\[0, 1\]"),
    ],
)
def test_the_guards_of_attacks_hold_here_too(network, images, message):
    with pytest.raises(ValueError, match=message):
        record(network, images, np.array([0]))


def test_a_network_in_training_mode_is_refused():
    source = BuiltIn(1, lambda chosen: (grey(0.2), np.array([0])), seed=0)
    with pytest.raises(ValueError, match="eval mode"):
        shift_record(
            nn.Sequential(Brightest(), nn.Dropout()).train(),
            source,
            corruptions=["contrast"],
            severities=[1],
            chosen=np.array([0]),
            shifted={},
            batch_size=1,
        )


def test_logits_that_are_not_finite_never_count_as_correct():
    class Breaks(Brightest):
        def forward(self, images):
            logits = super().forward(images)
            far = images.flatten(1).mean(1) > 0.45
            return torch.where(far[:, None], torch.tensor([1.0, -float("inf")]), logits)

    found = record(Breaks(), grey(0.2), np.array([0]), corruptions=["brightness"])
    assert found["corruptions"]["brightness"] == [1, 1, 0, 0, 0]
