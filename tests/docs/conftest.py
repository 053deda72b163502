"""A folder as the documentation presumes it: with the files that its examples name."""

import math
import shutil

import numpy as np
import pytest
import torch
from documents import ROOT, blocks, write_files
from PIL import Image
from safetensors.torch import save_file

from layer_pruning.activations.sweep import extract_activations
from layer_pruning.data.catalog import complete_settings
from layer_pruning.data.image_file import write_data
from layer_pruning.data.prepare import prepare
from layer_pruning.data.shift_files import OFFICIAL_CORRUPTIONS
from layer_pruning.data.splits import probe_set
from layer_pruning.export.bundle import export_network
from layer_pruning.models.residual import save_network
from small_networks import random_network


def empty_array(path, shape):
    """A .npy file of bytes that takes no room on the disk, as long as it should be."""
    description = {"descr": "|u1", "fortran_order": False, "shape": shape}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, description)
        file.truncate(file.tell() + math.prod(shape))


def write_results(folder):
    """What the demonstration leaves of one network: a small one, that can tell digits apart."""
    settings = complete_settings("digits", {"kind": "digits"})
    data = prepare(settings, validation_fraction=0.1, test_fraction=0.25, seed=0)
    network = random_network("narrow", depth=8, widths=(8, 8, 16))
    images, labels = map(torch.from_numpy, data.part("train"))
    optimizer = torch.optim.Adam(network.train().parameters(), lr=0.01)
    for _ in range(5):
        for chosen in torch.randperm(len(images)).split(64):
            loss = torch.nn.functional.cross_entropy(network(images[chosen]), labels[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    network.eval()
    seed = folder / "results/digits/resnet20/seed-0"
    pruned = seed / "consensus/removed-05"
    for path in (pruned, seed / "baseline"):
        path.mkdir(parents=True)
    write_data(folder / "results/digits/data.npz", data)
    save_network(network, pruned / "network.safetensors")
    export_network(network, pruned / "export")
    probe = probe_set(data.labels_of("train"), images_per_class=10, seed=0)
    extract_activations(
        seed / "baseline/activations.npz",
        network,
        lambda chosen: data.part("train", chosen)[0],
        data.labels_of("train")[probe],
        probe,
        ["stage1.block1"],
    )


@pytest.fixture(scope="session")
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
                shutil.copyfile(images / "0.png", images / f"{number}.png")
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
    write_results(folder)
    (folder / "config").symlink_to(ROOT / "config")
    for file in dict.fromkeys(block.file for block in blocks()):
        write_files(file, folder)
    return folder
