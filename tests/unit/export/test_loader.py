"""The loader that goes with every export: one file that needs torch and safetensors alone."""

import ast
import copy
import runpy
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import layer_pruning
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
    assert len(source.splitlines()) <= 200
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


class Traced(torch.nn.Module):
    """A network whose blocks take and give two values, and whose code reads what a block says."""

    def __init__(self, classes=10):
        super().__init__()
        self.stem = torch.nn.Conv2d(3, 6, 3, padding=1)
        self.blocks = torch.nn.ModuleList(Paired(6) for _ in range(3))
        self.also = self.blocks[1]
        self.head = torch.nn.Linear(6, classes)

    def forward(self, x):
        x, scale = self.stem(x), torch.ones(1)
        for block in self.blocks:
            x, scale = block(x, scale=scale)
            x = x * block.factor
        return self.head(x.mean((2, 3)))


class Paired(torch.nn.Module):
    factor = 1.5

    def __init__(self, width):
        super().__init__()
        self.conv = torch.nn.Conv2d(width, width, 3, padding=1)
        self.norm = torch.nn.BatchNorm2d(width)
        self.drop = torch.nn.Dropout(0.5)

    def forward(self, x, *, scale):
        return x + self.drop(self.norm(self.conv(x))), scale


def own(seed):
    torch.manual_seed(seed)
    return Traced()


@pytest.fixture(scope="module")
def own_export(tmp_path_factory):
    """A wrapped module less two blocks, one of which it holds twice, and its export."""
    network = layer_pruning.wrap(
        own(0), input_shape=(3, 8, 8), mean=[0.5, 0.4, 0.3], std=[0.2, 0.3, 0.4]
    )
    for block in ("blocks.1", "blocks.0"):
        network = layer_pruning.prune(network, block)
    folder = tmp_path_factory.mktemp("own")
    bundle.export_network(network, folder)
    return network, folder


def loader():
    return runpy.run_path(str(LOADER))["load"]


def test_a_module_of_ones_own_takes_the_weights_and_trains(own_export):
    network, folder = copy.deepcopy(own_export[0]), own_export[1]
    module = own(5)
    loaded = loader()(str(folder / "network.safetensors"), module=module)
    assert not loaded.training and loaded.body is module
    images = torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        assert torch.equal(loaded(images), network(images))
        torch.manual_seed(0)
        in_training = loaded.train()(images)
        torch.manual_seed(0)
        assert torch.equal(in_training, network.train()(images))
        network.eval()
    assert not torch.equal(in_training, network(images))
    torch.nn.functional.cross_entropy(loaded(images), torch.arange(4)).backward()
    torch.optim.SGD(loaded.parameters(), lr=0.1).step()
    assert sum(p.numel() for p in loaded.parameters()) == sum(
        p.numel() for p in network.parameters()
    )


def test_a_module_that_is_not_like_it_is_refused(own_export):
    _, folder = own_export
    with pytest.raises(RuntimeError, match=r"head\.weight"):
        loader()(str(folder / "network.safetensors"), module=Traced(classes=3))


def test_a_traced_program_evaluates_and_says_how_to_train(own_export):
    network, folder = own_export
    program = loader()(str(folder / "network.safetensors"))
    assert not program.training and program.eval() is program
    images = torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        assert torch.allclose(program(images), network(images), atol=1e-5)
    with pytest.raises(RuntimeError, match=r"load\(path, module=\.\.\.\)"):
        program.train()


def test_grey_images_are_seen_in_colour_by_a_module_of_torchvision(pruned_file, logits_of):
    from torchvision.models import resnet18

    path = pruned_file("resnet18", "layer1.1", "layer3.1", shape=(1, 32, 32))
    images, expected = logits_of(path)
    loaded = loader()(str(path), module=resnet18(num_classes=expected.shape[1]))
    with torch.no_grad():
        assert np.array_equal(loaded(torch.from_numpy(images)).numpy(), expected)
