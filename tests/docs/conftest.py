"""A folder as the documentation presumes it: with the files that its examples name."""

import pytest
import torch
from documents import ROOT, blocks, write_files
from PIL import Image
from safetensors.torch import save_file

from layer_pruning.models.residual import save_network
from small_networks import random_network


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
    network = "results/digits/resnet20/seed-0/consensus/removed-05/network.safetensors"
    (folder / network).parent.mkdir(parents=True)
    save_network(random_network("resnet8"), folder / network)
    (folder / "config").symlink_to(ROOT / "config")
    for file in dict.fromkeys(block.file for block in blocks()):
        write_files(file, folder)
    return folder
