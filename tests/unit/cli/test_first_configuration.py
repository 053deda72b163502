"""`layer-pruning init`: a configuration to begin with."""

import importlib
import shlex
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from layer_pruning.cli import first_configuration, main
from layer_pruning.cli.first_configuration import (
    dataset_name,
    look_at,
    network_for,
    removable_blocks,
)
from layer_pruning.configuration import complete
from planted_costs import planted_costs


def write_images(folder, classes, each, size=(40, 36), mode="RGB"):
    """A folder of images of width × height ``size``; all files are links to one."""
    folder.mkdir(parents=True)
    one = folder.parent / f"{folder.name}.png"
    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0]), dtype=np.uint8)
    Image.fromarray(pixels).convert(mode).save(one)
    for label in classes:
        (folder / label).mkdir()
        for index in range(each):
            (folder / label / f"{index}.png").write_bytes(one.read_bytes())
    return folder


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def begun(*arguments):
    assert main(["init", "--no-estimate", *arguments]) == 0
    text = Path("mine.yaml").read_text()
    return text, complete(yaml.safe_load(text))


def test_without_images_it_is_for_the_digits(capsys):
    text, config = begun()
    assert list(config["datasets"]) == ["digits"] and list(config["architectures"]) == ["resnet20"]
    assert config["removals"] == 3
    assert "layer-pruning run mine.yaml" in capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 100


def test_a_folder_is_looked_at(tmp_path, capsys):
    write_images(tmp_path / "My Birds: ä", ["wren", "owl", "tit"], 60)
    text, config = begun("--images", "My Birds: ä")
    data = config["datasets"]["my-birds"]
    assert data["path"] == "My Birds: ä" and data["kind"] == "image_folder"
    # 36 pixels high: 32 is the largest usual side that is no enlargement
    assert (data["image_size"], data["channels"], data["stream"]) == (32, 3, False)
    # 60 less a tenth and a quarter is 39, and 40 are the default
    assert config["probe"]["images_per_class"] == 39
    assert config["split"]["test_fraction"] == 0.25 and "test_fraction: 0.25" in text
    for said in (text, " ".join(capsys.readouterr().out.split())):
        assert "180 images of 3 classes, 60 of each, in colour, 40 × 36 pixels" in said


def test_splits_of_the_folder_stay_and_grey_images_are_grey(tmp_path):
    for split, each in (("train", 50), ("test", 20)):
        write_images(tmp_path / "text" / split, ["a", "b"], each, (28, 28), "L")
        (tmp_path / "text" / f"{split}.png").unlink()
    text, config = begun("--images", "text")
    data = config["datasets"]["text"]
    assert (data["image_size"], data["channels"]) == (28, 1)
    assert "split: {validation_fraction: 0.1}" in text
    assert config["probe"]["images_per_class"] == 40
    found = look_at(tmp_path / "text")
    assert found.counts == [70, 70] and found.smallest_class == 45


def test_large_images_have_a_network_of_their_size(tmp_path):
    write_images(tmp_path / "photographs", ["a", "b"], 30, (320, 240))
    text, config = begun("--images", "photographs")
    assert config["datasets"]["photographs"]["image_size"] == 224
    assert list(config["architectures"]) == ["resnet18"]
    # two blocks in each of four stages, of which one of the first and one of each other can go
    assert removable_blocks("resnet18") == 4 and config["removals"] == 2
    assert "weights: torchvision" in text


def test_more_images_have_a_deeper_network(tmp_path, monkeypatch):
    found = look_at(write_images(tmp_path / "few", ["a", "b"], 20))
    assert network_for(found) == "resnet20"
    for count, network in ((6_000, "resnet32"), (30_000, "resnet56")):
        files = {"train": (("a.png",) * count, ("b.png",) * count)}
        many = first_configuration.Images(
            first_configuration.FolderImages(tmp_path, ("a", "b"), files, 0),
            3,
            (32, 32),
            (32, 32),
            32,
        )
        assert network_for(many) == network
    assert "stream: true" not in first_configuration.configuration_text(tmp_path / "few", found)
    monkeypatch.setattr(first_configuration, "available_memory", lambda: 10_000)
    assert "stream: true" in first_configuration.configuration_text(tmp_path / "few", found)


def test_what_is_there_is_left_alone(tmp_path, capsys):
    (tmp_path / "mine.yaml").write_text("removals: 2\n")
    assert main(["init"]) == 2
    assert "mine.yaml is there already and stays as it is" in capsys.readouterr().err
    assert (tmp_path / "mine.yaml").read_text() == "removals: 2\n"


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda folder: None, "is no folder; give the path of one"),
        (lambda folder: write_images(folder, ["one"], 3), "at least two"),
        (lambda folder: write_images(folder, ["a", "b"], 1), "would have no validation image"),
    ],
)
def test_a_folder_that_cannot_be_used_is_one_line(tmp_path, capsys, make, said):
    make(tmp_path / "birds")
    assert main(["init", "--images", "birds"]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1
    assert not (tmp_path / "mine.yaml").exists()


def test_the_cost_is_said_with_and_without_quick(monkeypatch, tmp_path):
    tried = []

    def forecast(path):
        tried.append(yaml.safe_load(path.read_text()))
        seconds = 60 if tried[-1]["quick"] else 3600 * 3
        return {"seconds": seconds, "device": "cpu", "jobs_at_a_time": 2}

    text, line = first_configuration.with_cost(
        first_configuration.configuration_text(None, None), forecast
    )
    assert [one["quick"] for one in tried] == [False, True]
    assert line == "about 60 s on this machine (cpu, 2 jobs at a time); without 'quick' 3 h 00 min"
    assert text.startswith(f"# It takes {line}.\n# A configuration")
    assert yaml.safe_load(text) == tried[1]


def test_a_quick_look_that_would_not_be_quick_has_one_seed():
    def forecast(path):
        seeds = yaml.safe_load(path.read_text())["seeds"]
        return {"seconds": 300 * len(seeds), "device": "cpu", "jobs_at_a_time": 2}

    text, line = first_configuration.with_cost(
        first_configuration.configuration_text(None, None), forecast
    )
    assert yaml.safe_load(text)["seeds"] == [0] and "[0, 1, 2] for results" in text
    # as it is written, and all seeds without `quick`
    assert line.startswith("about 5 min") and line.endswith("without 'quick' 15 min")


def test_another_network_is_another():
    line = next(line for line in begun()[0].splitlines() if line.startswith("architectures:"))
    assert line == "architectures: [resnet20] # or another, such as resnet32, resnet56"


def test_each_kind_of_work_is_tried_once(monkeypatch, capsys):
    costs, tried = importlib.import_module("layer_pruning.estimate.costs"), []

    def measured_costs(header, *, criteria, exports, **_):
        tried.append((header.architecture, exports))
        return planted_costs(criteria, 1e-4)

    monkeypatch.setattr(costs, "measured_costs", measured_costs)
    assert main(["init"]) == 0
    assert tried == [("resnet20", True)], "what a run without 'quick' takes has exports"
    assert "without 'quick'" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("folder", "name"),
    [("Birds of Prey", "birds-of-prey"), ("2024", "images"), ("_x", "x"), ("鳥", "images")],
)
def test_a_name_for_paths_follows_from_the_folder(tmp_path, folder, name):
    assert dataset_name(tmp_path / folder) == name


@pytest.mark.parametrize("name", ["my own.yaml", "it's.yaml", "$(touch x).yaml", "plain.yaml"])
def test_suggested_commands_can_be_pasted(tmp_path, monkeypatch, capsys, name):
    monkeypatch.chdir(tmp_path)
    assert main(["init", name, "--no-estimate"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [shlex.split(line) for line in lines[-2:]] == [
        ["layer-pruning", "check", name],
        ["layer-pruning", "run", name],
    ]
    assert main(["check", name, "--no-estimate"]) == 0
    last = capsys.readouterr().out.splitlines()[-1].partition(": ")[2]
    assert shlex.split(last) == ["layer-pruning", "run", name, "--dry-run"]
    assert main(["init", name, "--no-estimate"]) == 2
    other = name.replace(".yaml", "-2.yaml")
    suggested = capsys.readouterr().err.partition("such as ")[2].strip()
    assert shlex.split(suggested[1:-1]) == ["layer-pruning", "init", other]


@pytest.mark.parametrize(
    ("name", "other"), [("", "mine.yaml"), ("/", "/mine.yaml"), ("birds", "birds/mine.yaml")]
)
def test_a_folder_is_no_name_of_a_configuration(tmp_path, monkeypatch, capsys, name, other):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "birds").mkdir()
    assert main(["init", name, "--no-estimate"]) == 2
    said = capsys.readouterr().err
    assert f"is a folder; name a file, such as 'layer-pruning init {other}'" in said
