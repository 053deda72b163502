"""The loader that goes with every export: one file that needs torch and safetensors alone."""

import ast
import runpy
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from alone import run_alone
from layer_pruning.export import bundle
from layer_pruning.models.network_file import read_network, write_network
from layer_pruning.models.residual import load_network
from small_networks import random_network

LOADER = Path(bundle.__file__).with_name("load_network.py")
AS_SAVED = """
import numpy, torch
from load_network import load
network = load("network.safetensors")
for parts in ([9], [1, 8]):
    images = torch.from_numpy(numpy.load("images.npy")).split(parts)
    with torch.no_grad():
        logits = torch.cat([network(part) for part in images])
    assert torch.equal(logits[-parts[-1]:], torch.from_numpy(numpy.load(f"logits{len(parts)}.npy")))
assert not any(name.startswith("layer_pruning.") for name in sys.modules)
"""


def save_expectations(folder, images, network):
    np.save(folder / "images.npy", images)
    with torch.no_grad():
        for parts in ([9], [1, 8]):
            last = torch.from_numpy(images).split(parts)[-1]
            np.save(folder / f"logits{len(parts)}.npy", network(last).numpy())


def test_it_is_short_and_imports_torch_and_safetensors_alone():
    source = LOADER.read_text()
    assert len(source.splitlines()) <= 80
    imported = {
        name.split(".")[0]
        for node in ast.walk(ast.parse(source))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imported - set(sys.stdlib_module_names) == {"torch", "safetensors"}


@pytest.mark.parametrize("shortcut", ["parameter_free", "projection"])
@pytest.mark.parametrize(
    "removed",
    [
        (),
        ("stage1.block1", "stage2.block3", "stage3.block2"),
        ("stage1.block3", "stage1.block1", "stage1.block2", "stage2.block2", "stage2.block3"),
    ],
)
def test_cifar_networks_compute_the_same_logits_bit_for_bit(
    pruned_file, logits_of, shortcut, removed
):
    options = {"depth": 20, "widths": (4, 7, 7), "shortcut": shortcut, "shape": (3, 12, 8)}
    path = pruned_file("narrow", *removed, classes=4, **options)
    images, expected = logits_of(path)
    network = runpy.run_path(str(LOADER))["load"](str(path))
    assert not network.training
    with torch.no_grad():
        assert np.array_equal(network(torch.from_numpy(images)).numpy(), expected)


def test_in_a_python_without_this_project(exported, logits_of, tmp_path):
    path, original = exported
    folder = shutil.copytree(original, tmp_path / "copy")
    save_expectations(folder, logits_of(path)[0], load_network(path))
    run_alone(folder, AS_SAVED, without=("onnx", "onnxruntime", "pandas"))


def test_weights_of_another_network_are_refused(pruned_file):
    """A loader that ignored missing tensors would compute something else without saying so."""
    path = pruned_file("resnet14")
    header, tensors = read_network(path)
    tensors.pop("stage2.block2.conv1.weight")
    write_network(path, header, tensors)
    with pytest.raises(RuntimeError, match=r"stage2\.block2\.conv1\.weight"):
        runpy.run_path(str(LOADER))["load"](str(path))


def test_a_network_of_ones_own_is_its_traced_program(tmp_path):
    network = random_network("own", shape=(3, 8, 8), build="unit.models.own_networks:build")
    bundle.export_network(network, tmp_path)
    images = np.random.default_rng(3).random((9, 3, 8, 8), dtype=np.float32)
    save_expectations(tmp_path, images, network)
    run_alone(tmp_path, AS_SAVED)
