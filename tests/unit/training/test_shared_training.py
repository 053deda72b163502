"""One training in several processes: what it has in common with that of one, and how it ends."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from killed_training import outputs
from shared_training import BATCH, EPOCHS, small_digits, train_in
from torch import distributed
from torch.nn import functional

from layer_pruning.data.augmentation import Part, augmented
from layer_pruning.energy.parts import side_by_side
from layer_pruning.energy.record import EmissionsRecord
from layer_pruning.models.network_file import read_network
from layer_pruning.training.batch_norm import SynchronisedBatchNorm
from layer_pruning.training.history import read_history
from layer_pruning.training.loop import batches
from layer_pruning.training.ranks import Ranks


def two_processes(folder, **settings) -> subprocess.CompletedProcess:
    folder.mkdir(exist_ok=True)
    script = Path(__file__).with_name("shared_training.py")
    # scripts of Snakemake's lie elsewhere than the modules that they import
    paths = {"PYTHONPATH": f"{script.parent}:{script.parents[2]}"}
    command = [sys.executable, str(script), str(folder), json.dumps(settings)]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=300, env=os.environ | paths
    )


def tensors_of(folder):
    return read_network(outputs(folder)["network"])[1]


def test_two_processes_train_the_network_of_one_with_the_same_batch(tmp_path):
    images = int((small_digits().split == 0).sum())
    # the last batch is shared unevenly, and is none that is too small for two
    assert images % BATCH % 2 == 1 and images % BATCH > 4
    alone, shared = tmp_path / "alone", tmp_path / "shared"
    alone.mkdir()
    train_in(alone, {})
    done = two_processes(shared)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""

    expected, found = tensors_of(alone), tensors_of(shared)
    assert set(found) == set(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=2e-3, atol=2e-4, err_msg=name)
    of_one, of_two = (read_history(outputs(folder)["history"]) for folder in (alone, shared))
    for one, two in zip(of_one, of_two, strict=True):
        assert two.train_loss == pytest.approx(one.train_loss, rel=1e-4)
        assert two.validation_accuracy == pytest.approx(one.validation_accuracy, abs=0.03)
    log = (shared / "training.log").read_text()
    # the first of them writes it, and nothing is left of how they were started
    assert log.count("epoch 1 of") == 1
    assert not list(shared.glob("*.processes"))


@pytest.mark.long
def test_a_killed_process_is_said_in_one_line_and_the_rest_is_trained_as_if_it_had_not_been(
    tmp_path,
):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert two_processes(whole).returncode == 0
    done = two_processes(killed, kill=2)
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert len(lines) == 1 and lines[0].startswith("error: process 2 of 2 was killed (SIGKILL)")
    assert lines[0].removeprefix("error: ") in (killed / "training.log").read_text()
    assert not outputs(killed)["network"].exists()

    done = two_processes(killed)
    assert done.returncode == 0, done.stderr
    log = (killed / "training.log").read_text()
    assert any(f"going on after epoch {n} of {EPOCHS}" in log for n in (1, 2))
    expected, found = tensors_of(whole), tensors_of(killed)
    assert all(found[name].tobytes() == values.tobytes() for name, values in expected.items())
    assert "interrupted" in json.loads(outputs(killed)["emissions"].read_text())["reason"]


@pytest.mark.long
def test_what_all_processes_find_wrong_is_said_once(tmp_path):
    done = two_processes(tmp_path, recipe={"learning_rate": 1e30}, sync_batch_norm=False)
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert len(lines) == 1 and "a lower learning rate" in lines[0], lines


def test_parts_of_a_batch_are_all_of_it_once_and_as_equal_as_can_be():
    for whole in (0, 1, 7, 24):
        for count in (1, 2, 3, 5):
            parts = [range(whole)[Ranks(rank, count).part_of(whole)] for rank in range(count)]
            assert [index for part in parts for index in part] == list(range(whole))
            assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_weighted_means_of_parts_have_the_mean_of_the_whole_as_their_mean():
    values = np.random.default_rng(0).normal(size=13)
    means = [
        values[ranks.part_of(13)].mean() * ranks.weight(len(values[ranks.part_of(13)]), 13)
        for ranks in (Ranks(rank, 3) for rank in range(3))
    ]
    assert np.mean(means) == pytest.approx(values.mean())


def test_no_process_has_less_than_two_images_of_a_batch():
    for images in range(8, 40):
        steps = list(batches(images, 8, torch.Generator().manual_seed(0), processes=4))
        assert sorted(torch.cat(steps).tolist()) == list(range(images))
        assert min(len(step) for step in steps) >= 8


def test_an_image_is_changed_alike_whether_its_batch_is_shared_or_not():
    images = torch.rand(11, 3, 8, 8, generator=torch.Generator().manual_seed(1))

    def changed(part):
        options = {"shift_pixels": 2, "flip": True, "cutout_pixels": 3, "part": part}
        chosen = images if part is None else images[part.chosen]
        return augmented(chosen, generator=torch.Generator().manual_seed(2), **options)

    parts = [changed(Part(Ranks(rank, 3).part_of(11), 11)) for rank in range(3)]
    assert torch.equal(torch.cat(parts), changed(None))


@pytest.fixture
def group_of_one():
    distributed.init_process_group("gloo", store=distributed.HashStore(), rank=0, world_size=1)
    yield
    distributed.destroy_process_group()


@pytest.mark.parametrize("shape", [(6, 3), (5, 3, 4), (4, 3, 2, 5)])
def test_synchronised_batch_norm_of_one_process_is_pytorch_s_batch_norm(group_of_one, shape):
    generator = torch.Generator().manual_seed(0)
    values = 3 + torch.randn(shape, generator=generator)
    weight, bias = torch.randn(2, 3, generator=generator)
    towards = torch.randn(shape, generator=generator)

    def normalised(*modes):
        inputs = [tensor.clone().requires_grad_() for tensor in (values, weight, bias)]
        mean, variance = torch.zeros(3), torch.ones(3)
        for mode in modes:
            mode.__enter__()
        found = functional.batch_norm(
            inputs[0], mean, variance, inputs[1], inputs[2], training=True, momentum=0.3
        )
        for mode in modes:
            mode.__exit__(None, None, None)
        (found * towards).sum().backward()
        return [found, mean, variance, *(one.grad for one in inputs)]

    for ours, theirs in zip(normalised(SynchronisedBatchNorm()), normalised(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def record(mode: str, gpu: float = 2.0) -> EmissionsRecord:
    return EmissionsRecord(
        measured=True,
        reason=None,
        duration_seconds=10.0 + gpu,
        energy_kwh=4.0 + gpu,
        cpu_energy_kwh=3.0,
        gpu_energy_kwh=gpu,
        ram_energy_kwh=1.0,
        emissions_kg_co2e=(4.0 + gpu) / 10,
        carbon_intensity_g_per_kwh=100.0,
        cpu_seconds=5.0,
        method={"cpu": "estimate", "gpu": "none", "ram": "estimate"},
        tracking_mode=mode,
        codecarbon_version="3",
        cpu_model=None,
        gpu_model=None,
        country_iso_code=None,
    )


@pytest.mark.parametrize(("mode", "processor", "memory"), [("process", 6, 2), ("machine", 3, 1)])
def test_energy_of_processes_adds_up_and_a_machine_counts_once(mode, processor, memory):
    both = side_by_side([(0, record(mode)), (1, record(mode, gpu=7.0))])
    assert (both.cpu_energy_kwh, both.ram_energy_kwh) == (processor, memory)
    assert both.gpu_energy_kwh == 9
    assert both.energy_kwh == processor + memory + 9
    assert both.emissions_kg_co2e == pytest.approx(both.energy_kwh / 10)
    assert (both.duration_seconds, both.cpu_seconds) == (17.0, 10.0)
