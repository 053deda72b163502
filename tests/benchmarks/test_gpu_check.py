"""What a first GPU is given runs on a processor, so that the GPU finds no slip of the pen."""

import json
import sys

import pytest
import torch

from shared_files import ROOT

# benchmarks are scripts, which import each other from their own folder
sys.path.append(str(ROOT / "benchmarks"))

import agreement
import gpu_check

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.cuda
@pytest.mark.parametrize("name", agreement.CHECKS)
def test_the_device_computes_what_the_processor_does(name):
    check = agreement.CHECKS[name]
    assert check.difference(DEVICE) <= check.tolerance


def test_a_check_sees_a_device_that_computes_something_else(monkeypatch):
    images_on = agreement.images_on
    # "meta" stands for a device that is not quite right
    wrong = torch.device("meta")

    def images(device, count=24):
        return images_on(agreement.CPU, count) * (1.01 if device == wrong else 1)

    network = agreement.network_on(agreement.CPU)
    monkeypatch.setattr(agreement, "images_on", images)
    monkeypatch.setattr(agreement, "network_on", lambda device: network)
    check = agreement.CHECKS["logits"]
    assert check.difference(agreement.CPU) <= check.tolerance < check.difference(wrong)


@pytest.mark.long
def test_every_part_runs_at_toy_size_and_is_written(tmp_path):
    arguments = [
        "--toy",
        "--seconds",
        "3600",
        "--device",
        "cpu",
        "--threads",
        "1",
        "--out",
        str(tmp_path),
    ]
    assert gpu_check.main(arguments) == 0
    record = json.loads((tmp_path / "gpu-check.json").read_text())
    assert {name: part["status"] for name, part in record["parts"].items()} == dict.fromkeys(
        gpu_check.PARTS, "done"
    )
    table = (tmp_path / "gpu-check.md").read_text()
    assert all(
        f"| {what} | {value} |" in table
        for part in record["parts"].values()
        for what, value in part["rows"]
    )


def test_a_part_that_fails_or_lacks_something_leaves_the_others_alone(tmp_path, monkeypatch):
    def lacking(bench):
        raise ModuleNotFoundError("No module named 'codecarbon'")

    def failing(bench):
        raise RuntimeError("CUDA error:\n out of luck")

    parts = {"one": failing, "two": lacking, "three": lambda bench: ({"x": 1}, [("x", "1 s")])}
    monkeypatch.setattr(gpu_check, "PARTS", parts)
    arguments = ["--device", "cpu", "--out", str(tmp_path)]
    assert gpu_check.main(arguments) == 1
    record = json.loads((tmp_path / "gpu-check.json").read_text())
    said = {name: part["status"] for name, part in record["parts"].items()}
    assert said == {
        "one": "failed: RuntimeError: CUDA error: out of luck",
        "two": "not run: No module named 'codecarbon'",
        "three": "done",
    }
    assert gpu_check.main([*arguments, "--seconds", "-1"]) == 0
    assert "not run: -1 s were over" in (tmp_path / "gpu-check.md").read_text()


def test_without_a_gpu_one_line_says_what_would_run(monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert gpu_check.main([]) == 1
    assert capsys.readouterr().out.startswith("error: PyTorch sees no GPU here")


def test_the_nearest_blocks_go_and_where_a_stage_is_empty_the_next_of_another():
    header = gpu_check.cifar_header("resnet14")
    order = ["stage1.block2", "stage1.block1", "stage2.block2", "stage3.block2"]
    distances = {name: float(place) for place, name in enumerate(order)}
    # a block of every stage has to stay
    assert gpu_check._less(header, distances, 3) == [order[0], order[2], order[3]]
