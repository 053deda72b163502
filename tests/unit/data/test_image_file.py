import dataclasses

import numpy as np
import pytest

from layer_pruning.data.image_file import ImageData, read_data, write_data
from layer_pruning.data.prepare import prepare


def small_data():
    generator = np.random.default_rng(0)
    return ImageData(
        images=generator.random((20, 3, 4, 4), dtype=np.float32),
        labels=np.arange(20) % 2,
        split=np.repeat(np.arange(3, dtype=np.uint8), [10, 4, 6]),
        class_names=("cat", "dog"),
    )


def test_a_data_file_keeps_everything(tmp_path):
    data = small_data()
    write_data(tmp_path / "data.npz", data)
    read = read_data(tmp_path / "data.npz")
    assert read.class_names == data.class_names
    for name in ("images", "labels", "split"):
        assert np.array_equal(getattr(read, name), getattr(data, name))


def test_statistics_are_those_of_the_training_images_alone():
    data = small_data()
    data.images[10:] = 0.0
    mean, std = data.statistics()
    assert mean == pytest.approx(data.images[:10].mean(axis=(0, 2, 3)), abs=1e-6)
    assert std == pytest.approx(data.images[:10].std(axis=(0, 2, 3)), abs=1e-6)


def test_a_constant_channel_is_centred_and_left_alone():
    data = small_data()
    data.images[:, 1] = 0.5
    assert data.statistics()[1][1] == 1.0


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("images", np.full((20, 3, 4, 4), 1.5, np.float32), r"should lie in \[0, 1\]"),
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
    with pytest.raises(ValueError, match="'digit' is no data set: known are digits"):
        prepare("digit", validation_fraction=0.1, test_fraction=0.1, seed=0)
