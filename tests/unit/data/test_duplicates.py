"""The same image in two splits or two classes is counted and said."""

import shutil

import pytest

from layer_pruning.data.catalog import complete_settings
from layer_pruning.data.prepare import prepare


def prepared(path, **settings):
    given = {"kind": "image_folder", "path": str(path)} | settings
    shares = {"validation_fraction": 0.25, "test_fraction": 0.25, "seed": 0}
    return prepare(complete_settings("mine", given), **shares)


@pytest.mark.parametrize("settings", [{}, {"stream": True, "image_size": 8}])
def test_images_that_are_there_twice_are_counted_and_said(write_image, tmp_path, capsys, settings):
    for label in ("a", "b"):
        for index in range(8):
            write_image(f"images/train/{label}/{index}.png")
        write_image(f"images/test/{label}/0.png")
    prepared(tmp_path / "images", **settings)
    assert "warning" not in capsys.readouterr().err
    train = tmp_path / "images" / "train"
    shutil.copy(train / "a" / "0.png", tmp_path / "images" / "test" / "a" / "copy.png")
    shutil.copy(train / "b" / "1.png", train / "a" / "copy.png")
    # in one class and split it changes nothing that is measured
    shutil.copy(tmp_path / "images/test/b/0.png", tmp_path / "images/test/b/9.png")
    find_anew()
    prepared(tmp_path / "images", **settings)
    lines = capsys.readouterr().err.splitlines()
    kinds = [line for line in lines if "there in two or more" in line]
    assert [line for line in kinds if "1 images are there in two or more classes" in line]
    # the copy in two classes may lie in training and validation too
    assert [line for line in kinds if "images are there in two or more splits" in line]


def find_anew():
    from layer_pruning.data.folders import find_images

    find_images.cache_clear()
