import os
import shutil

import pytest

from layer_pruning.data.catalog import complete_settings, dataset_info
from layer_pruning.data.folders import find_images


def info(path, **settings):
    given = {"kind": "image_folder", "path": str(path)} | settings
    return dataset_info(complete_settings("mine", given))


def test_images_are_found_at_any_depth_and_in_order(animals, write_image):
    write_image("animals/dog/puppies/1.JPG")
    (animals / "dog" / "Thumbs.db").write_bytes(b"no image")
    (animals / "dog" / "._0.png").write_bytes(b"hidden")
    (animals / ".cache").mkdir()
    found = find_images(animals)
    assert found.class_names == ("cat", "dog")
    assert found.files["train"][0] == tuple(f"cat/{i}.png" for i in range(4))
    assert found.files["train"][1] == (*(f"dog/{i}.png" for i in range(3)), "dog/puppies/1.JPG")
    assert found.others == 1
    assert set(found.files) == {"train"}


@pytest.mark.parametrize("name", ["val", "valid", "validation", "test"])
def test_the_only_other_folder_beside_train_is_the_test_split(write_image, tmp_path, name):
    for folder, label, index in [("train", "a", 0), ("train", "a", 1), ("train", "b", 0)]:
        write_image(f"{folder}/{label}/{index}.png")
    for label, index in [("a", 0), ("b", 0), ("b", 1)]:
        write_image(f"{name}/{label}/{index}.png")
    found = find_images(tmp_path)
    assert found.files["train"] == (("train/a/0.png", "train/a/1.png"), ("train/b/0.png",))
    assert found.files["test"] == ((f"{name}/a/0.png",), (f"{name}/b/0.png", f"{name}/b/1.png"))
    assert info(tmp_path).test_per_class == (1, 2)
    assert info(tmp_path).validation_per_class == ()


def test_with_test_beside_it_val_is_the_validation_split(write_image, tmp_path):
    for folder, count in [("train", 3), ("val", 2), ("test", 1)]:
        for label in "ab":
            for index in range(count):
                write_image(f"{folder}/{label}/{index}.png")
    sizes = info(tmp_path).sizes(validation_fraction=0.5, test_fraction=0.4)
    assert sizes == [(3, 2, 1)] * 2


@pytest.mark.parametrize(
    ("train", "validation", "test"),
    [
        ("Train", "Val", "Test"),
        ("training", "valid", "testing"),
        ("TRAINING", "Validation", "test"),
    ],
)
def test_splits_may_be_called_as_people_do(write_image, tmp_path, train, validation, test):
    for folder in (train, validation, test):
        for label in "ab":
            write_image(f"{folder}/{label}/0.png")
    found = find_images(tmp_path)
    assert found.class_names == ("a", "b")
    assert list(found.files) == ["train", "validation", "test"]
    assert found.files["validation"] == ((f"{validation}/a/0.png",), (f"{validation}/b/0.png",))


def test_classes_may_have_folders_of_one_kind(write_image, tmp_path):
    for name in ("cat/day", "cat/night", "dog/day", "dog/night"):
        write_image(f"{name}/0.png")
    assert find_images(tmp_path).class_names == ("cat", "dog")


def test_a_class_called_train_is_no_split(write_image, tmp_path):
    for label in ("train", "test", "plane"):
        write_image(f"{label}/0.png")
    assert find_images(tmp_path).class_names == ("plane", "test", "train")


def test_what_is_known_before_reading(animals):
    known = info(animals)
    assert known.images_per_class == (4, 3) and known.classes == 2
    assert known.input_shape == (3, 8, 8)
    assert info(animals, image_size=5, channels=1).input_shape == (1, 5, 5)
    assert known.sizes(validation_fraction=0.25, test_fraction=0.25) == [(2, 1, 1), (1, 1, 1)]
    assert info(animals, image_size=1000).megabytes() == 21


def test_the_digest_tells_other_images(animals, tmp_path):
    digest = find_images(animals).digest()
    shutil.copytree(animals, tmp_path / "same")
    assert find_images(tmp_path / "same").digest() == digest
    shutil.move(animals / "cat" / "3.png", animals / "dog" / "3.png")
    find_images.cache_clear()
    assert find_images(animals).digest() != digest


def no_classes(root, write_image):
    shutil.rmtree(root / "cat")
    shutil.rmtree(root / "dog")
    write_image("animals/0.png")


def one_class(root, write_image):
    shutil.rmtree(root / "cat")


def empty_class(root, write_image):
    (root / "bird" / "young").mkdir(parents=True)
    (root / "bird" / "readme.txt").write_text("soon")


def train_alone(root, write_image):
    write_image("animals/train/cat/0.png")


def differing(root, write_image):
    for name in ("train/cat", "train/dog", "val/cat", "val/bird", "val/dog"):
        write_image(f"animals/{name}/0.png")


def missing(root, write_image):
    for name in ("train/cat", "train/dog", "val/cat"):
        write_image(f"animals/{name}/0.png")


def doubled(root, write_image):
    for name in ("train/cat", "val/cat", "validation/cat"):
        write_image(f"animals/{name}/0.png")


def differing_from_training(root, write_image):
    for name in ("Training/cat", "Training/dog", "Testing/cat"):
        write_image(f"animals/{name}/0.png")


def splits_by_other_names(root, write_image):
    shutil.rmtree(root / "cat")
    shutil.rmtree(root / "dog")
    for folder in ("train_set", "test_set"):
        for label in ("cat", "dog"):
            write_image(f"animals/{folder}/{label}/0.png")


def gone(root, write_image):
    shutil.rmtree(root)


def damaged(root, write_image):
    (root / "cat" / "0.png").write_bytes(b"GIF89a")


BAD = [
    (no_classes, "animals holds 0 class folders; at least two"),
    (one_class, "animals holds 1 class folders; at least two"),
    (empty_class, "class folder {root}/bird holds no image; put some there or delete it"),
    (train_alone, "holds train and neither val nor test; add one, or give {root}/train as path"),
    (differing, "class folder 'bird' is in val and not in train"),
    (missing, "class folder 'dog' is in train and not in val"),
    (doubled, "holds both val and validation; one should go"),
    (differing_from_training, "class folder 'dog' is in Training and not in Testing"),
    (splits_by_other_names, "holds test_set, train_set, each with the same folders: splits"),
    (gone, "{root} is no folder; give the path of one"),
    (damaged, "{root}/cat/0.png: no readable image; delete or replace it"),
]


@pytest.mark.parametrize(
    ("spoil", "message"), BAD, ids=lambda value: getattr(value, "__name__", "")
)
def test_what_is_wrong_with_a_folder_is_said_in_one_line(animals, write_image, spoil, message):
    spoil(animals, write_image)
    with pytest.raises((ValueError, FileNotFoundError)) as caught:
        info(animals)
    assert message.format(root=animals) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_links_multiply_no_image(animals, tmp_path):
    plain = find_images(animals)
    (animals / "cat" / "again").symlink_to(".")
    (animals / "cat" / "0_again.png").symlink_to("0.png")
    os.link(animals / "dog" / "1.png", animals / "dog" / "1_hard.png")
    # a folder elsewhere is followed
    (tmp_path / "more").mkdir()
    shutil.copy(animals / "cat" / "3.png", tmp_path / "more" / "4.png")
    (animals / "cat" / "more").symlink_to(tmp_path / "more")
    find_images.cache_clear()
    found = find_images(animals)
    assert found.files["train"][0] == (*plain.files["train"][0], "cat/more/4.png")
    assert found.files["train"][1] == plain.files["train"][1]
    assert set(found.repeated) == {"cat/again", "cat/0_again.png", "dog/1_hard.png"}
    assert "3 files or folders left out" in found.left_out()


@pytest.mark.parametrize(
    ("link", "target"),
    [
        ("bird", "cat"),
        ("bird/inner", "../cat"),
        ("bird/0.png", "../cat/0.png"),
        ("cat/all", ".."),
        ("cat/all", "../dog"),
    ],
)
def test_a_link_that_puts_images_into_two_classes_is_named(animals, write_image, link, target):
    if link.startswith("bird/"):
        write_image("animals/bird/own.png")
    (animals / link).symlink_to(target)
    find_images.cache_clear()
    with pytest.raises(ValueError, match="are the same by links") as caught:
        find_images(animals)
    assert "\n" not in str(caught.value) and str(animals) in str(caught.value)


def test_a_split_that_is_a_link_to_another_is_named(write_image, tmp_path):
    for label in ("a", "b"):
        write_image(f"train/{label}/0.png")
    (tmp_path / "test").symlink_to("train")
    find_images.cache_clear()
    with pytest.raises(ValueError, match=r"test/a and train/a are the same by links"):
        find_images(tmp_path)
