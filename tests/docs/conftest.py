"""A folder as the documentation presumes it: with the files that its examples name."""

import math

import numpy as np
import pytest
import torch
from documents import ROOT, blocks, write_files
from PIL import Image
from safetensors.torch import save_file

from layer_pruning.data.shift_files import OFFICIAL_CORRUPTIONS
from layer_pruning.models.residual import save_network
from small_networks import random_network


def empty_array(path, shape):
    """A .npy file of bytes that takes no room on the disk, as long as it should be."""
    description = {"descr": "|u1", "fortran_order": False, "shape": shape}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, description)
        file.truncate(file.tell() + math.prod(shape))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Stand-ins for the user's images, weights, module and results; the project's files."""
    folder = tmp_path_factory.mktemp("documentation")
    for name in ("pictures/birds", "/data/imagenet"):
        for species in ("finch", "owl", "robin", "tit", "wren"):
            images = folder / name.lstrip("/") / species
            images.mkdir(parents=True)
            Image.new("RGB", (40, 40)).save(images / "0.png")
            # enough for the default probe set and attacked images
            for number in range(1, 120):
                (images / f"{number}.png").hardlink_to(images / "0.png")
    # only the format of the file is looked at before a job starts
    save_file({"conv1.weight": torch.zeros(1)}, folder / "resnet56_cifar10.safetensors")
    corrupted = folder / "data/CIFAR-10-C"
    corrupted.mkdir(parents=True)
    for name in OFFICIAL_CORRUPTIONS:
        empty_array(corrupted / f"{name}.npy", (50_000, 32, 32, 3))
    empty_array(corrupted / "labels.npy", (50_000,))
    empty_array(folder / "data/cifar10.1_v6_data.npy", (2000, 32, 32, 3))
    empty_array(folder / "data/cifar10.1_v6_labels.npy", (2000,))
    collected = {"images": np.zeros((9, 32, 32, 3), np.uint8), "labels": np.zeros(9, np.int64)}
    np.savez(folder / "data/cifar102_test.npz", **collected)
    network = "results/digits/resnet20/seed-0/consensus/removed-05/network.safetensors"
    (folder / network).parent.mkdir(parents=True)
    save_network(random_network("resnet8"), folder / network)
    (folder / "config").symlink_to(ROOT / "config")
    for file in dict.fromkeys(block.file for block in blocks()):
        write_files(file, folder)
    return folder
