import logging

import numpy as np
import pytest
from PIL import Image
from torchvision.transforms import v2

from layer_pruning.data import image_folder
from layer_pruning.data.catalog import complete_settings
from layer_pruning.data.image_file import read_data, write_data
from layer_pruning.data.image_folder import load_image_folder
from layer_pruning.data.manifest import resized
from layer_pruning.data.prepare import prepare
from layer_pruning.data.splits import SPLITS
from shared_files import shared_file

ASIS = {"image_size": None, "channels": None}


def pixels(path, mode="RGB"):
    array = np.asarray(Image.open(path).convert(mode))
    return array[None] if mode == "L" else array.transpose(2, 0, 1)


def test_every_image_is_there_with_its_label(animals):
    data = load_image_folder(animals, **ASIS)
    assert data.images.shape == (7, 3, 8, 8) and data.images.dtype == np.uint8
    assert data.class_names == ("cat", "dog")
    assert data.labels.tolist() == [0] * 4 + [1] * 3
    for index in range(4):
        assert np.array_equal(data.images[index], pixels(animals / "cat" / f"{index}.png"))
    assert np.array_equal(data.images[6], pixels(animals / "dog" / "2.png"))


def test_grey_images_have_one_channel(write_image, tmp_path):
    for name in ("a/0.png", "b/0.png"):
        write_image(name, (4, 6))
    data = load_image_folder(tmp_path, **ASIS)
    assert data.images.shape == (2, 1, 4, 6)
    assert np.array_equal(data.images[1], pixels(tmp_path / "b" / "0.png", "L"))


def test_the_splits_of_the_folder_are_kept(write_image, tmp_path):
    for folder, count in [("train", 5), ("val", 2)]:
        for label in "ab":
            for index in range(count):
                write_image(f"{folder}/{label}/{index}.png")
    settings = complete_settings("mine", {"kind": "image_folder", "path": str(tmp_path)})
    data = prepare(settings, validation_fraction=0.2, test_fraction=0.5, seed=0)
    counts = [np.bincount(data.labels_of(split)).tolist() for split in SPLITS]
    assert counts == [[4, 4], [1, 1], [2, 2]]
    in_test = {image.tobytes() for image in data.stored("test")[0]}
    assert in_test == {pixels(path).tobytes() for path in tmp_path.glob("val/*/*.png")}


@pytest.mark.parametrize("shape", [(20, 31, 3), (31, 20, 3), (9, 9, 3), (5, 40, 3)])
@pytest.mark.parametrize("size", [8, 9, 13])
def test_sizes_are_brought_together_as_torchvision_does(write_image, shape, size):
    image = Image.open(write_image("a/0.png", shape))
    wanted = v2.Compose([v2.Resize(size), v2.CenterCrop(size)])(image)
    assert np.array_equal(np.asarray(resized(image, size)), np.asarray(wanted))


def test_with_image_size_and_channels_anything_fits(animals, write_image):
    write_image("animals/dog/grey.png", (30, 12))
    Image.new("CMYK", (9, 20)).save(animals / "cat" / "print.jpg")
    Image.new("RGBA", (9, 20)).save(animals / "cat" / "clear.png")
    Image.new("P", (8, 8)).save(animals / "cat" / "palette.png")
    for channels in (1, 3):
        data = load_image_folder(animals, image_size=6, channels=channels)
        assert data.images.shape == (11, channels, 6, 6)


def corrupt(animals, write_image):
    for name in ("cat/2.png", "dog/0.png"):
        path = animals / name
        path.write_bytes(path.read_bytes()[:-40])


def other_size(animals, write_image):
    write_image("animals/dog/9.png", (8, 9, 3))


def grey(animals, write_image):
    write_image("animals/cat/9.png", (8, 8))


def deep(animals, write_image):
    Image.fromarray(np.full((8, 8), 40_000, np.uint16)).save(animals / "dog" / "0.png")


BAD = [
    (corrupt, "2 images, the first cat/2.png (", "cannot be read; delete or replace them"),
    (other_size, "1 images, the first dog/9.png (8 × 9)", "'image_size: 8' makes all alike"),
    (grey, "1 images, the first cat/9.png (grey)", "are not in colour as cat/0.png is"),
    (deep, "1 images, the first dog/0.png (mode I;16)", "convert them to 8 bits"),
]


@pytest.mark.parametrize(("spoil", "which", "remedy"), BAD)
def test_images_that_do_not_fit_are_named(animals, write_image, caplog, spoil, which, remedy):
    spoil(animals, write_image)
    with caplog.at_level(logging.WARNING), pytest.raises(ValueError) as caught:
        load_image_folder(animals, **ASIS)
    message = str(caught.value)
    assert message.startswith(f"{animals}: {which}") and remedy in message
    assert "\n" not in message
    assert len(caplog.records) == int(which[0])


def test_too_many_images_for_the_memory_are_refused_before_reading(animals, monkeypatch):
    monkeypatch.setattr(image_folder, "available_memory", lambda: 2 * 7 * 3 * 6 * 6)
    with pytest.raises(ValueError, match=r"its 7 images of 8 × 8 pixels .* 'image_size: 6'"):
        load_image_folder(animals, **ASIS)
    assert load_image_folder(animals, image_size=6, channels=None).images.shape[-1] == 6
    with pytest.raises(ValueError, match="free"):
        load_image_folder(animals, image_size=7, channels=None)


def test_available_memory_is_a_number_of_bytes():
    assert 10**7 < image_folder.available_memory() < 10**15


@pytest.mark.long
def test_cifar10_as_jpeg_files(tmp_path):
    import tarfile

    with tarfile.open(shared_file("data/cifar10-jpeg.tar.xz")) as archive:
        wanted = [m for m in archive if m.isfile() and m.name[-8:] < "0050.jpg"]
        # Debian's Python 3.11.2 knows no filters
        options = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        archive.extractall(tmp_path, members=wanted, **options)
    root = next(path.parent for path in tmp_path.rglob("train"))
    settings = complete_settings("cifar10-jpeg", {"kind": "image_folder", "path": str(root)})
    data = prepare(settings, validation_fraction=0.1, test_fraction=0.25, seed=0)
    write_data(tmp_path / "data.npz", data)
    data = read_data(tmp_path / "data.npz")
    counts = [np.bincount(data.labels_of(split)).tolist() for split in SPLITS]
    assert counts == [[45] * 10, [5] * 10, [50] * 10]
    assert data.class_names[0] == "airplane" and data.images.shape[1:] == (3, 32, 32)
    mean, std = data.statistics()
    # those of CIFAR-10 are 0.491, 0.482, 0.447 and 0.247, 0.243, 0.262
    assert mean == pytest.approx((0.491, 0.482, 0.447), abs=0.02)
    assert std == pytest.approx((0.247, 0.243, 0.262), abs=0.02)
