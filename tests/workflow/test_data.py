"""Data sets other than the digits, as Snakemake prepares them. No network is used."""

import json

import numpy as np
import pytest
from PIL import Image

from layer_pruning.data.image_file import read_data
from layer_pruning.models.network_file import read_header
from projects import TINY, Project

FOLDER = {"mine-too": {"kind": "image_folder", "path": "pictures"}}


def pictures(project, *, classes=3, each=10):
    generator = np.random.default_rng(0)
    for label in range(classes):
        folder = project.folder / "pictures" / f"class {label}"
        folder.mkdir(parents=True)
        for index in range(each):
            pixels = generator.integers(0, 256, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / f"{index}.png")


def project_with(tmp_path, datasets):
    config = TINY | {"datasets": datasets, "criteria": {"one": ["cka"]}, "attacks": {}}
    few = {"probe": {"images_per_class": 6}, "corruptions": {"names": []}}
    return Project.new(tmp_path / "project", config | few)


def test_a_folder_of_classes_becomes_a_data_file_and_new_images_a_new_one(tmp_path):
    project = project_with(tmp_path, FOLDER)
    pictures(project)
    target = "results/mine-too/data.npz"
    project.snakemake("--", target)
    data = read_data(project.folder / target)
    assert data.class_names == ("class 0", "class 1", "class 2")
    assert np.bincount(data.labels_of("train")).tolist() == [7] * 3
    assert "Nothing to be done" in project.snakemake("--", target).stderr
    extra = Image.new("RGB", (8, 8))
    extra.save(project.folder / "pictures" / "class 1" / "new.png")
    project.snakemake("--", target)
    assert len(read_data(project.folder / target).labels) == 31


def test_colours_that_go_are_told_apart_from_the_seed_of_the_split(tmp_path):
    """Snakemake compares the values of params without their names, and both are 1 here."""
    project = project_with(tmp_path, json.loads(json.dumps(FOLDER)))
    project.config["split"] = {"seed": 1}
    pictures(project)
    target = "results/mine-too/data.npz"
    project.snakemake("--", target)
    project.config["datasets"]["mine-too"]["channels"] = 1
    project.snakemake("--", target)
    assert read_data(project.folder / target).images.shape[1] == 1


def test_a_corrupt_image_stops_the_job_in_one_line(tmp_path):
    project = project_with(tmp_path, FOLDER)
    pictures(project)
    (project.folder / "pictures" / "class 2" / "4.png").write_bytes(b"\x89PNG")
    done = project.snakemake("--", "results/mine-too/data.npz", check=False)
    output = done.stdout + done.stderr
    assert done.returncode != 0
    assert "error: pictures: 1 images, the first class 2/4.png" in output
    assert "delete or replace them" in output
    assert not (project.folder / "results/mine-too/data.npz").exists()


def test_a_folder_that_is_missing_or_too_small_stops_everything_before_the_first_job(tmp_path):
    project = project_with(tmp_path, FOLDER)
    done = project.snakemake("--dry-run", check=False)
    output = done.stdout + done.stderr
    assert done.returncode != 0 and "Traceback" not in output
    assert f"config: datasets.mine-too: {project.folder}/pictures is no folder" in output
    pictures(project, each=8)
    done = project.snakemake("--dry-run", check=False)
    output = done.stdout + done.stderr
    assert "probe.images_per_class: 6 is more than the 5 training images" in output


def test_only_a_file_that_is_not_there_is_downloaded(tmp_path, monkeypatch):
    project = project_with(tmp_path, ["cifar10"])
    target = "results/cifar10/data.npz"
    assert "Downloading cifar-10" in project.snakemake("--dry-run", "--", target).stdout
    file = project.folder / "downloads" / "cifar10" / "cifar-10-python.tar.gz"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"not what it should be")
    assert "Downloading" not in project.snakemake("--dry-run", "--", target).stdout
    done = project.snakemake("--", target, check=False)
    assert done.returncode != 0
    assert "cifar-10-python.tar.gz has the MD5 checksum" in done.stdout + done.stderr
    # no network: what the user put there stays, and what would be right is said
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    done = project.snakemake("--forcerun", "download_data", "--", target, check=False)
    assert f"put it at {file} and run again" in done.stdout + done.stderr
    assert file.read_bytes() == b"not what it should be"


@pytest.mark.long
def test_a_streamed_folder_goes_all_the_way(tmp_path):
    streamed = FOLDER["mine-too"] | {"stream": True, "image_size": 8, "channels": 3}
    project = project_with(tmp_path, {"mine-too": streamed})
    pictures(project)
    removed = "results/mine-too/tiny/seed-0/one/removed-01"
    project.snakemake("--", f"{removed}/accuracy.json")
    record = json.loads((project.folder / removed / "accuracy.json").read_text())
    assert record["splits"]["test"]["images"] == 6
    header = read_header(project.folder / removed / "network.safetensors")
    assert header.class_names == ("class 0", "class 1", "class 2")
    assert header.input_shape == (3, 8, 8)
