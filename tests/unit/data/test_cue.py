import dataclasses
import itertools

import numpy as np
import pytest

from layer_pruning.data.catalog import CUE, DatasetInfo, complete_settings, dataset_info
from layer_pruning.data.cue import NO_CUE, Cue, draw_patterns
from layer_pruning.data.image_file import ImageData, read_data, write_data
from layer_pruning.data.prepare import prepare

SPLIT = {"validation_fraction": 0.1, "test_fraction": 0.25, "seed": 3}


def prepared(cue=None, **settings) -> ImageData:
    settings = complete_settings("digits", settings | ({"cue": cue} if cue is not None else {}))
    return prepare(settings, **SPLIT)


def planted_classes(data: ImageData, split: str) -> np.ndarray:
    """The class whose pattern is on each image, found by looking for it; ``NO_CUE`` for none."""
    start, end = data.cue.margin_pixels, data.cue.margin_pixels + data.cue.patterns.shape[-1]
    patches = data.stored(split)[0][:, :, start:end, start:end]
    same = (patches[:, None] == data.cue.patterns[None]).all(axis=(2, 3, 4))
    plain = prepared().stored(split)[0]
    untouched = (plain == data.stored(split)[0]).all(axis=(1, 2, 3))
    assert (same.any(axis=1) | untouched).all()
    return np.where(same.any(axis=1), same.argmax(axis=1), NO_CUE)


@pytest.mark.parametrize(
    ("share", "rate"), [(1.0, 0.0), (1.0, 0.1), (0.5, 0.9), (0.8, 1.0), (0.0, 0.9)]
)
@pytest.mark.parametrize("split", ["train", "validation"])
def test_of_every_class_the_configured_shares_carry_a_cue_and_their_own(share, rate, split):
    # on patches so large that no digit looks like one by chance
    data = prepared({"share": share, "rate": rate, "size_pixels": 4})
    labels, classes = data.labels_of(split), planted_classes(data, split)
    for label in range(10):
        members = classes[labels == label]
        planted = round(share * len(members))
        assert np.sum(members != NO_CUE) == planted
        assert np.sum(members == label) == round(rate * planted)


def test_wrong_cues_are_those_of_all_other_classes_alike():
    labels = np.repeat(np.arange(4), 3000)
    cue = Cue(np.zeros((4, 1, 2, 2), np.uint8), margin_pixels=0, share=0.9, rate=0.4, seed=0)
    for classes in (cue.correlated(labels, "train"), cue.swapped(labels)):
        for label, other in itertools.permutations(range(4), 2):
            wrong = classes[(labels == label) & (classes != label) & (classes != NO_CUE)]
            # five standard deviations of a share of one third
            assert abs(np.mean(wrong == other) - 1 / 3) < 5 * (2 / 9 / len(wrong)) ** 0.5


def test_a_swapped_cue_is_never_that_of_the_own_class():
    data = prepared({"rate": 0.9})
    labels = data.labels_of("test")
    swapped = data.cue.swapped(labels)
    assert (swapped != labels).all() and set(swapped.tolist()) == set(range(10))


def test_the_test_images_and_all_pixels_outside_the_patch_stay_bit_for_bit():
    plain, cued = prepared(), prepared({})
    assert plain.cue is None
    assert np.array_equal(plain.split, cued.split) and np.array_equal(plain.labels, cued.labels)
    assert np.array_equal(plain.stored("test")[0], cued.stored("test")[0])
    inside = np.zeros((1, 8, 8), dtype=bool)
    inside[:, 1:3, 1:3] = True
    assert np.array_equal(plain.images[:, ~inside], cued.images[:, ~inside])
    assert not np.array_equal(plain.images, cued.images)


def test_planting_leaves_the_images_it_is_given_alone():
    cue = Cue(np.full((2, 3, 2, 2), 9, np.uint8), margin_pixels=1, share=1.0, rate=1.0, seed=0)
    images = np.zeros((3, 3, 5, 6), np.uint8)
    planted = cue.planted(images, np.array([1, 0, NO_CUE]))
    assert images.max() == 0
    assert (planted[:2, :, 1:3, 1:3] == 9).all() and planted.sum() == 2 * 3 * 4 * 9


def test_the_same_seed_plants_the_same_and_another_another():
    same, again = prepared({}), prepared({})
    assert same.digest() == again.digest()
    assert np.array_equal(same.cue.patterns, again.cue.patterns)
    other = prepare(complete_settings("digits", {"cue": {}}), **(SPLIT | {"seed": 4}))
    assert not np.array_equal(same.cue.patterns, other.cue.patterns)
    labels = same.labels_of("test")
    assert np.array_equal(same.cue.swapped(labels), again.cue.swapped(labels))


def test_the_cue_travels_in_the_data_file(tmp_path):
    data = prepared({"share": 0.6, "rate": 0.75, "size_pixels": 3, "margin_pixels": 2})
    write_data(tmp_path / "data.npz", data)
    read = read_data(tmp_path / "data.npz").cue
    assert np.array_equal(read.patterns, data.cue.patterns) and read.patterns.dtype == np.uint8
    for field in dataclasses.fields(Cue)[1:]:
        assert getattr(read, field.name) == getattr(data.cue, field.name)
    assert (read.margin_pixels, read.share, read.rate, read.patterns.shape) == (
        2,
        0.6,
        0.75,
        (10, 1, 3, 3),
    )
    write_data(tmp_path / "plain.npz", prepared())
    assert read_data(tmp_path / "plain.npz").cue is None


@pytest.mark.parametrize(
    ("channels", "size", "mirrored"), [(1, 2, False), (1, 2, True), (3, 1, True)]
)
def test_as_many_patterns_as_counted_can_be_drawn_and_not_one_more(channels, size, mirrored):
    info = DatasetInfo("", (5, 5), (channels, 8, 8), mirrored=mirrored)
    most = info.cue_patterns(size)
    draw = {"channels": channels, "size": size, "levels": 16, "mirrored": mirrored, "seed": 0}
    patterns = draw_patterns(most, **draw)
    assert patterns.dtype == np.uint8 and set(np.unique(patterns)) == {0, 16}
    assert patterns.reshape(most, -1).any(axis=1).all()
    for one, other in itertools.combinations(patterns, 2):
        assert not np.array_equal(one, other)
        assert not mirrored or not np.array_equal(one, other[:, :, ::-1])
    with pytest.raises(ValueError, match="too few patterns"):
        draw_patterns(most + 1, **draw)


def test_photographs_in_colour_carry_cues_too(animals):
    cue = {"share": 1.0, "rate": 1.0}
    settings = complete_settings("mine", {"kind": "image_folder", "path": str(animals), "cue": cue})
    data = prepare(settings, validation_fraction=0.25, test_fraction=0.25, seed=0)
    assert data.cue.patterns.shape == (2, 3, 2, 2)
    assert set(np.unique(data.cue.patterns)) == {0, 255}
    images, labels = data.stored("train")
    assert (images[:, :, 1:3, 1:3] == data.cue.patterns[labels]).all()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"size_pixels": 1}, "'cue.size_pixels': 1 tells 1 classes apart.*are 10; 2 would do"),
        ({"margin_pixels": 7}, "2 pixels, 7 from the border, does not fit on images of 8"),
    ],
)
def test_a_cue_that_cannot_be_planted_is_refused(given, message):
    with pytest.raises(ValueError, match=message):
        dataset_info(complete_settings("digits", {"cue": given}))


def test_streamed_images_carry_no_cue(animals):
    settings = {"kind": "image_folder", "path": str(animals), "image_size": 8, "stream": True}
    with pytest.raises(
        ValueError, match="'cue' is planted on images in memory; leave out 'stream'"
    ):
        dataset_info(complete_settings("mine", settings | {"cue": {}}))


def test_the_patch_lies_as_far_inside_as_images_are_moved():
    for kind, margin in (("digits", 1), ("cifar10", 4)):
        info = dataset_info(complete_settings(kind, {"cue": {}}))
        assert info.cue_margin_pixels(CUE) == info.usual_shift_pixels == margin
        assert info.cue_margin_pixels(CUE | {"margin_pixels": 0}) == 0
