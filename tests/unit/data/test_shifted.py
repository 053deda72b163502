"""Tiny files in the layouts of CIFAR-10-C, ImageNet-C, CIFAR-10.1 and CIFAR-10.2."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from layer_pruning.data.image_file import ImageData
from layer_pruning.data.shift_files import (
    OFFICIAL_CORRUPTIONS,
    array_header,
    check_corrupted,
    check_shifted,
)
from layer_pruning.data.shifted import open_corrupted, read_shifted

SHAPE = (3, 4, 4)
LABELS = np.array([0, 1, 1])


def data(labels=LABELS) -> ImageData:
    """Three test images, whose every value is their number."""
    images = np.broadcast_to(np.arange(3, dtype=np.uint8)[:, None, None, None], (3, *SHAPE))
    return ImageData(images, labels, np.full(3, 2, dtype=np.uint8), ("cat", "dog"))


def write_arrays(folder: Path) -> Path:
    """Value of image i, severity s, corruption c: 100 c + 10 s + i."""
    folder.mkdir()
    np.save(folder / "labels.npy", np.tile(LABELS, 5).astype(np.uint8))
    for c, name in enumerate(("fog", "snow")):
        values = np.array([100 * c + 10 * s + i for s in range(1, 6) for i in range(3)])
        images = np.broadcast_to(values[:, None, None, None], (15, 4, 4, 3)).astype(np.uint8)
        np.save(folder / f"{name}.npy", images)
    return folder


def checked(folder, names=("fog", "snow"), images=3, class_names=None):
    return check_corrupted(folder, names, images=images, input_shape=SHAPE, class_names=class_names)


def test_arrays_are_read_by_corruption_severity_and_image(tmp_path):
    folder = write_arrays(tmp_path / "c")
    assert [Path(f).name for f in checked(folder)] == ["labels.npy", "fog.npy", "snow.npy"]
    source = open_corrupted(folder, ("fog", "snow"), data())
    assert source.images == 3
    images, labels = source.part("snow", 4, np.array([0, 2]))
    assert images.shape == (2, *SHAPE) and images.dtype == np.uint8
    assert images[:, 0, 0, 0].tolist() == [140, 142]
    assert labels.tolist() == [0, 1]
    assert source.clean(np.array([2]))[0].max() == np.float32(2) / np.float32(255)


def test_labels_of_other_images_are_refused(tmp_path):
    folder = write_arrays(tmp_path / "c")
    with pytest.raises(ValueError, match=r"labels\.npy differs"):
        open_corrupted(folder, ("fog",), data(np.array([1, 0, 1])))


def test_arrays_that_are_missing_short_or_of_another_shape_are_named(tmp_path):
    folder = write_arrays(tmp_path / "c")
    with pytest.raises(FileNotFoundError, match=r"frost\.npy is missing"):
        checked(folder, ("frost",))
    with pytest.raises(ValueError, match=r"fog\.npy holds \(15, 4, 4, 3\) .* \(20, 4, 4, 3\)"):
        checked(folder, images=4)
    path = folder / "snow.npy"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match=r"snow\.npy is cut short: 719 bytes .* 720") as caught:
        checked(folder)
    assert "\n" not in str(caught.value)
    path.write_bytes(b"<html>")
    with pytest.raises(ValueError, match=r"snow\.npy is no \.npy file"):
        checked(folder)
    np.save(path, np.zeros((15, 4, 4, 3)))
    with pytest.raises(ValueError, match=r"type f8; .* unsigned bytes"):
        checked(folder)
    with pytest.raises(FileNotFoundError, match="nowhere is no folder"):
        checked(tmp_path / "nowhere")


def test_the_header_is_numpys(tmp_path):
    for values in (np.zeros((2, 3), dtype="u1"), np.arange(4, dtype="<i8"), np.zeros(())):
        np.save(tmp_path / "a.npy", values)
        header = array_header(tmp_path / "a.npy")
        assert (header.shape, header.item_bytes) == (values.shape, values.itemsize)
        assert header.kind == values.dtype.kind


def write_folders(folder: Path) -> Path:
    """As above, in folders; lossless, so that values come back."""
    for c, name in enumerate(("fog", "snow")):
        for severity in range(1, 6):
            for i, label in enumerate(("cat", "dog", "dog")):
                path = folder / name / str(severity) / label / f"{i}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                value = 100 * c + 10 * severity + i
                Image.fromarray(np.full((4, 4, 3), value, dtype=np.uint8)).save(path)
    return folder


def test_folders_are_read_by_corruption_severity_and_image(tmp_path):
    folder = write_folders(tmp_path / "c")
    assert checked(folder, class_names=("cat", "dog")) == []
    source = open_corrupted(folder, ("fog", "snow"), data())
    images, labels = source.part("snow", 4, np.array([0, 2]))
    assert images[:, 0, 0, 0].tolist() == [140, 142]
    assert labels.tolist() == [0, 1]
    assert source.images == 3 and source.clean(np.array([0])) is None


def test_folders_that_are_missing_or_differ_are_named(tmp_path):
    folder = write_folders(tmp_path / "c")
    with pytest.raises(FileNotFoundError, match=r"frost/1 is missing"):
        checked(folder, ("frost",))
    with pytest.raises(FileNotFoundError, match="no folder for class 'cow'"):
        checked(folder, class_names=("cat", "cow"))
    (folder / "snow/2/dog/1.png").unlink()
    with pytest.raises(ValueError, match=r"snow/2 holds 2 images, .*fog/1 3"):
        open_corrupted(folder, ("fog", "snow"), data())


def test_sets_collected_anew_are_read_in_both_forms(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (5, 4, 4, 3), dtype=np.uint8)
    labels = np.array([1, 0, 1, 1, 0])
    arrays, archive = tmp_path / "cifar10.1_v6_data.npy", tmp_path / "cifar102_test.npz"
    np.save(arrays, images)
    np.save(tmp_path / "cifar10.1_v6_labels.npy", labels.astype(np.int32))
    np.savez(archive, images=images, labels=labels, label_names=np.array(["cat"], dtype=object))
    assert len(check_shifted(arrays, SHAPE)) == 2
    assert check_shifted(archive, SHAPE) == [str(archive)]
    for path in (arrays, archive):
        found, of = read_shifted(path)
        assert np.array_equal(found, images.transpose(0, 3, 1, 2))
        assert of.tolist() == labels.tolist() and of.dtype == np.int64


def test_sets_collected_anew_that_are_not_whole_are_named(tmp_path):
    arrays, archive = tmp_path / "x_data.npy", tmp_path / "y.npz"
    np.save(arrays, np.zeros((5, 4, 4, 3), dtype=np.uint8))
    with pytest.raises(FileNotFoundError, match=r"x_labels\.npy is missing"):
        check_shifted(arrays, SHAPE)
    np.save(tmp_path / "x_labels.npy", np.zeros(4, dtype=int))
    with pytest.raises(ValueError, match=r"x_labels\.npy holds \(4,\); 5 whole numbers"):
        check_shifted(arrays, SHAPE)
    with pytest.raises(ValueError, match=r"unsigned bytes belong there"):
        check_shifted(arrays, (3, 8, 8))
    np.savez(archive, images=np.zeros((5, 4, 4, 3), dtype=np.uint8))
    with pytest.raises(ValueError, match="should hold 'images' and 'labels'"):
        check_shifted(archive, SHAPE)
    archive.write_bytes(archive.read_bytes()[:-30])
    with pytest.raises(ValueError, match="cut short"):
        check_shifted(archive, SHAPE)
    with pytest.raises(ValueError, match=r"should be a file \*_data\.npy"):
        check_shifted(tmp_path, SHAPE)


def test_there_are_fifteen_official_corruptions():
    assert len(OFFICIAL_CORRUPTIONS) == len(set(OFFICIAL_CORRUPTIONS)) == 15
