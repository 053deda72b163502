"""Networks whose reliance on the cue is known, because they are made of it."""

import json

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from layer_pruning.data.cue import Cue, draw_patterns
from layer_pruning.data.image_file import ImageData
from layer_pruning.evaluation.shortcut import classless_image, shortcut_record
from layer_pruning.runtime.atomic import write_json

CPU = torch.device("cpu")
CLASSES, LEVELS = 5, 16


def planted(shape=(1, 8, 8), size=2, margin=1) -> ImageData:
    """Images that show their class as brightness of the last row, train and test alike."""
    generator = np.random.default_rng(0)
    labels = np.arange(200) % CLASSES
    images = generator.integers(0, LEVELS + 1, (200, *shape), dtype=np.uint8)
    images[:, :, -1, :] = 3 * labels[:, None, None]
    patterns = draw_patterns(
        CLASSES, channels=shape[0], size=size, levels=LEVELS, mirrored=False, seed=0
    )
    cue = Cue(patterns, margin_pixels=margin, share=0.5, rate=0.9, seed=0)
    split = np.repeat(np.arange(3, dtype=np.uint8), [100, 50, 50])
    images[:100] = cue.planted(images[:100], cue.correlated(labels[:100], "train"))
    return ImageData(images, labels, split, tuple("abcde"), LEVELS, cue)


class ReadsThePatch(nn.Module):
    """Nothing but the patch: the class whose pattern is nearest."""

    def __init__(self, cue: Cue) -> None:
        super().__init__()
        self.start, size = cue.margin_pixels, cue.patterns.shape[-1]
        self.end = self.start + size
        self.patterns = torch.from_numpy(cue.patterns).flatten(1) / LEVELS

    def forward(self, images: Tensor) -> Tensor:
        patch = images[:, :, self.start : self.end, self.start : self.end].flatten(1)
        return -torch.cdist(patch, self.patterns)


class ReadsTheImage(nn.Module):
    """Nothing but the last row, which no patch touches."""

    def forward(self, images: Tensor) -> Tensor:
        brightness = images[:, 0, -1].mean(dim=1, keepdim=True) * LEVELS
        return -(brightness - 3.0 * torch.arange(CLASSES)).abs()


@pytest.mark.parametrize(("shape", "size", "margin"), [((1, 8, 8), 2, 1), ((3, 32, 32), 3, 4)])
def test_a_network_that_reads_the_patch_alone_relies_on_it_entirely(shape, size, margin):
    data = planted(shape, size, margin)
    record = shortcut_record(ReadsThePatch(data.cue), data, CPU)
    assert record["accuracy"]["congruent"]["share"] == 1.0
    assert record["accuracy"]["swapped"]["share"] == 0.0
    assert record["follows_cue"]["share"] == 1.0
    assert record["predictions"]["swapped"] == record["swapped_cue_classes"]
    assert record["cue_alone"]["share"] == 1.0 and record["cue_alone"]["of"] == CLASSES
    clean = record["accuracy"]["clean"]["share"]
    assert record["shortcut_reliance"] == clean < 0.6


def test_one_that_knows_the_images_and_trusts_any_patch_more_has_a_reliance_of_one():
    class Trusting(nn.Module):
        def __init__(self, cue: Cue) -> None:
            super().__init__()
            self.patch, self.image = ReadsThePatch(cue), ReadsTheImage()

        def forward(self, images: Tensor) -> Tensor:
            found = self.patch(images)
            there = found.max(dim=1, keepdim=True).values > -1e-6
            return torch.where(there, found, self.image(images))

    data = planted((3, 8, 8), size=3)
    record = shortcut_record(Trusting(data.cue), data, CPU)
    assert record["accuracy"]["clean"]["share"] == 1.0
    assert record["shortcut_reliance"] == 1.0 and record["follows_cue"]["share"] == 1.0


def test_one_that_never_sees_the_patch_has_a_reliance_of_exactly_zero():
    record = shortcut_record(ReadsTheImage(), planted(), CPU)
    assert [record["accuracy"][name]["share"] for name in record["accuracy"]] == [1.0] * 3
    assert record["shortcut_reliance"] == 0.0 and record["follows_cue"]["count"] == 0
    # the cue alone says nothing to it: one class for all
    assert len(set(record["cue_alone_predictions"])) == 1 and record["cue_alone"]["count"] == 1


def test_one_that_the_patch_confuses_relies_on_it_and_does_not_follow_it():
    class Confused(nn.Module):
        def __init__(self, cue: Cue) -> None:
            super().__init__()
            self.patch, self.image = ReadsThePatch(cue), ReadsTheImage()

        def forward(self, images: Tensor) -> Tensor:
            there = self.patch(images).max(dim=1, keepdim=True).values > -1e-6
            return torch.where(there, torch.eye(CLASSES)[4], self.image(images))

    data = planted((3, 8, 8), size=3)
    record = shortcut_record(Confused(data.cue), data, CPU)
    labels, wrong = np.array(record["labels"]), np.array(record["swapped_cue_classes"])
    assert record["shortcut_reliance"] == pytest.approx(np.mean(labels != 4))
    assert record["follows_cue"]["count"] == np.sum(wrong == 4) < len(labels) / 2


def test_every_network_is_tested_on_the_same_images_and_a_record_can_be_written(tmp_path):
    data = planted()
    one, other = (
        shortcut_record(network, data, CPU)
        for network in (ReadsTheImage(), ReadsThePatch(data.cue))
    )
    for key in ("labels", "swapped_cue_classes", "cue"):
        assert one[key] == other[key]
    assert one["labels"] == data.labels_of("test").tolist()
    write_json(tmp_path / "shortcut.json", one, indent=None)
    assert json.loads((tmp_path / "shortcut.json").read_text()) == one


def test_the_image_without_a_class_gives_every_class_the_same_weight():
    data = planted()
    # four of five training images of class 0: the mean of all would be near class 0
    data.split[:100][data.labels[:100] != 0] = 1
    data.split[:4] = 0
    assert classless_image(data)[0, -1, 0] == round((0 + 3 + 6 + 9) / 4)


def test_without_a_cue_the_answer_is_one_line():
    data = planted()
    plain = ImageData(data.images, data.labels, data.split, data.class_names, data.levels)
    with pytest.raises(ValueError, match="there is no cue on these images; give the data set one"):
        shortcut_record(ReadsTheImage(), plain, CPU)
