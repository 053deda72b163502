import dataclasses

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from layer_pruning.data.catalog import complete_settings
from layer_pruning.data.image_file import ImageData, read_data, write_data
from layer_pruning.data.loading import split_on
from layer_pruning.data.prepare import prepare
from layer_pruning.data.splits import SPLITS, stratified_split


def small_data():
    generator = np.random.default_rng(0)
    return ImageData(
        images=generator.integers(0, 101, (20, 3, 4, 4), dtype=np.uint8),
        labels=np.arange(20) % 2,
        split=np.repeat(np.arange(3, dtype=np.uint8), [10, 4, 6]),
        class_names=("cat", "dog"),
        levels=100,
    )


def test_a_data_file_keeps_everything(tmp_path):
    data = small_data()
    write_data(tmp_path / "data.npz", data)
    read = read_data(tmp_path / "data.npz")
    assert read.class_names == data.class_names and read.levels == data.levels
    for name in ("images", "labels", "split"):
        assert np.array_equal(getattr(read, name), getattr(data, name))


def test_statistics_are_those_of_the_training_images_alone():
    data = small_data()
    data.images[10:] = 0
    mean, std = data.statistics()
    images = data.images[:10] / 100
    assert mean == pytest.approx(images.mean(axis=(0, 2, 3)), abs=1e-12)
    assert std == pytest.approx(images.std(axis=(0, 2, 3)), abs=1e-12)


def test_a_constant_channel_is_centred_and_left_alone():
    data = small_data()
    data.images[:, 1] = 50
    assert data.statistics()[1][1] == 1.0


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("images", np.full((20, 3, 4, 4), 101, np.uint8), "should be uint8 of at most 100"),
        ("images", np.full((20, 3, 4, 4), 0.5), "should be uint8"),
        ("labels", np.full(20, 2), "labels should lie in 0 … 1"),
    ],
)
def test_what_no_data_file_may_hold(field, value, message, tmp_path):
    data = dataclasses.replace(small_data(), **{field: value})
    with pytest.raises(ValueError, match=message):
        write_data(tmp_path / "data.npz", data)
    assert not list(tmp_path.iterdir())


def test_a_damaged_or_missing_data_file_is_named(tmp_path):
    path = tmp_path / "data.npz"
    with pytest.raises(FileNotFoundError, match=r"data\.npz: there is no such data file"):
        read_data(path)
    write_data(path, small_data())
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(ValueError, match=r"data\.npz: not a readable data file"):
        read_data(path)


def test_an_unknown_data_set_is_named():
    settings = complete_settings("digit", {})
    with pytest.raises(ValueError, match="'digit' is unknown; did you mean 'digits'"):
        prepare(settings, validation_fraction=0.1, test_fraction=0.1, seed=0)


def test_a_part_is_the_stored_images_divided_by_the_levels():
    data = small_data()
    images, labels = data.part("validation")
    assert images.dtype == np.float32 and np.array_equal(labels, data.labels[10:14])
    assert np.array_equal(images, data.images[10:14].astype(np.float32) / np.float32(100))
    some, theirs = data.part("test", np.array([4, 1]))
    assert some * 100 == pytest.approx(data.images[[18, 15]])
    assert np.array_equal(theirs, data.labels[[18, 15]])
    first, _ = data.part("test", slice(2))
    assert first * 100 == pytest.approx(data.images[14:16])


@pytest.mark.parametrize("levels", [16, 255])
def test_the_device_makes_the_same_numbers_of_every_level(levels):
    stored = np.arange(levels + 1, dtype=np.uint8).reshape(-1, 1, 1, 1)
    labels = np.zeros(levels + 1, dtype=np.int64)
    data = ImageData(stored, labels, np.zeros(levels + 1, np.uint8), ("a", "b"), levels)
    split = split_on(data, "train", torch.device("cpu"))
    assert split.images.dtype == torch.uint8
    assert np.array_equal(split.floats(split.images).numpy(), data.part("train")[0])
    assert data.part("train")[0].max() == 1


def test_the_digits_are_what_scikit_learn_has_divided_by_16():
    settings = complete_settings("digits", {})
    data = prepare(settings, validation_fraction=0.1, test_fraction=0.25, seed=0)
    digits = load_digits()
    images = (digits.images / 16.0).astype(np.float32)[:, None]
    split = stratified_split(digits.target, validation_fraction=0.1, test_fraction=0.25, seed=0)
    assert np.array_equal(data.split, split)
    for index, name in enumerate(SPLITS):
        read, labels = data.part(name)
        assert np.array_equal(read, images[split == index])
        assert np.array_equal(labels, digits.target[split == index])
    mean, std = data.statistics()
    train = images[split == 0].astype(np.float64)
    assert np.float32(mean[0]) == np.float32(train.mean())
    assert np.float32(std[0]) == np.float32(train.std())
