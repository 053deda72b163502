import numpy as np
import pytest
import torch

from layer_pruning.cli import main
from layer_pruning.models.network_file import read_network, write_network
from layer_pruning.models.residual import load_network, save_network
from layer_pruning.surgery import without_block
from small_networks import random_network


@pytest.fixture(scope="session")
def pruned_file(tmp_path_factory):
    """A function that writes the network file of a random network, less some blocks."""

    def write(name, *blocks, **options):
        path = tmp_path_factory.mktemp("pruned") / "network.safetensors"
        save_network(random_network(name, **options), path)
        for block in blocks:
            write_network(path, *without_block(*read_network(path), block))
        return path

    return write


@pytest.fixture(scope="session")
def logits_of():
    """A function that gives the logits (9, classes) of the network in a file, and the images."""

    def compute(path):
        network = load_network(path)
        shape = (9, *network.header.input_shape)
        images = np.random.default_rng(3).random(shape, dtype=np.float32)
        with torch.no_grad():
            return images, network(torch.from_numpy(images)).numpy()

    return compute


@pytest.fixture(scope="session")
def exported(pruned_file, tmp_path_factory):
    """A network file, and the folder to which the command line exported it."""
    path = pruned_file(
        "narrow", "stage2.block3", "stage1.block1", "stage3.block2", depth=20, widths=(4, 6, 9)
    )
    folder = tmp_path_factory.mktemp("exported")
    assert main(["export", str(path), str(folder)]) == 0
    return path, folder
