"""Images per second in training, against a plain PyTorch loop in the same run.

    PYTHONPATH=src python benchmarks/training.py
    PYTHONPATH=src python benchmarks/training.py --device cuda --batches 100

The plain loop is what tutorials show: a DataLoader with workers that crop, mirror, convert and
normalise PIL images one by one, torch.optim.SGD, float32, eager. Ours is the loop of the package
with the recipe ``quick`` in batches of the same size: in float32 as well, and as the setting
``precision: auto`` chooses. All crop with a margin of 4 and mirror. The images are random, 32 × 32
pixels in ten classes. Rounds take turns in one process; the first of each is not counted. Printed
are the medians over rounds, and the least and the largest in brackets; the ratio to the plain loop
is taken round by round. Waiting is the share of time in which the step has no batch: for ours,
indexing and augmentation.
"""

import argparse
import platform
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from networks import cifar_header
from options import add_machine, parser_of
from PIL import Image
from timing import synchronise
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from layer_pruning.data.augmentation import augmented
from layer_pruning.data.loading import Split
from layer_pruning.models.residual import ResidualNetwork, new_network
from layer_pruning.training.catalog import RECIPES
from layer_pruning.training.loop import Trainer, batches
from layer_pruning.training.recipe import Recipe

MEAN, STD = (0.49, 0.48, 0.45), (0.25, 0.24, 0.26)
SIZE, MARGIN = 32, 4
Round = Callable[[], tuple[float, float]]
"""Trains on some batches; images per second and the share of time spent waiting."""


def main() -> None:
    """Print the table."""
    parser = parser_of(__doc__)
    parser.add_argument("--architectures", nargs="+", default=["resnet20", "resnet56"])
    add_machine(parser, threads=2)
    parser.add_argument("--batch-size", type=int, default=128, help="images in a batch (128)")
    parser.add_argument("--batches", type=int, default=12, help="batches in a round (12)")
    parser.add_argument("--rounds", type=int, default=7, help="rounds that count (7)")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    device = torch.device(given.device)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor()
    print(f"{name or platform.machine()}, {given.threads} threads, torch {torch.__version__}")
    print(f"{given.rounds} rounds of {given.batches} batches of {given.batch_size} images")
    print(f"{'':10}{'loop':12}{'images/s':>24}{'times the plain loop':>24}{'waiting %':>18}")
    for architecture in given.architectures:
        measured = measure(architecture, device, given)
        for loop, one in measured.items():
            cells = told(one["images"], 0), told(one["ratio"], 2), told(one["waiting"], 1)
            print(f"{architecture:10}{loop:12}{cells[0]:>24}{cells[1]:>24}{cells[2]:>18}")


def measure(
    architecture: str, device: torch.device, given: argparse.Namespace
) -> dict[str, dict[str, list[float]]]:
    """Of each loop, round by round: images a second, times the plain loop's, percent waiting."""
    rounds: dict[str, Round] = {
        "plain": plain(architecture, device, given),
        "float32": ours(architecture, device, given, "float32"),
        "auto": ours(architecture, device, given, "auto"),
    }
    measured: dict[str, dict[str, list[float]]] = {
        loop: {"images": [], "ratio": [], "waiting": []} for loop in rounds
    }
    for count in range(given.rounds + 1):
        for loop, run in rounds.items():
            speed, wait = run()
            if count:
                measured[loop]["images"].append(speed)
                measured[loop]["waiting"].append(100 * wait)
                measured[loop]["ratio"].append(speed / measured["plain"]["images"][-1])
    return measured


def told(values: list[float], digits: int) -> str:
    """The median, and the least and the largest."""
    return (
        f"{statistics.median(values):.{digits}f} "
        f"({min(values):.{digits}f} to {max(values):.{digits}f})"
    )


def network_of(architecture: str, device: torch.device) -> ResidualNetwork:
    """A network with new weights."""
    return new_network(cifar_header(architecture, mean=MEAN, std=STD), 0).to(device)


def random_images(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Images (n, 3, 32, 32), uint8, and labels (n,)."""
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (count, 3, SIZE, SIZE), dtype=np.uint8)
    return images, generator.integers(0, 10, count)


class Pictures(Dataset):
    """PIL images and a transform, as torchvision's data sets hold them."""

    def __init__(self, images: np.ndarray, labels: np.ndarray) -> None:
        self.images, self.labels = images.transpose(0, 2, 3, 1), labels
        self.transform = transforms.Compose(
            [
                transforms.RandomCrop(SIZE, padding=MARGIN),
                transforms.RandomHorizontalFlip(),
                transforms.ToTensor(),
                transforms.Normalize(MEAN, STD),
            ]
        )

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.transform(Image.fromarray(self.images[index])), int(self.labels[index])


def plain(architecture: str, device: torch.device, given: argparse.Namespace) -> Round:
    """The plain loop."""
    network: nn.Module = network_of(architecture, device)
    # the pictures are normalised by their transform
    network.mean.zero_()
    network.std.fill_(1)
    network.train()
    optimizer = torch.optim.SGD(
        network.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4, nesterov=True
    )
    loader = DataLoader(
        Pictures(*random_images(given.batches * given.batch_size)),
        given.batch_size,
        shuffle=True,
        num_workers=given.threads,
        persistent_workers=True,
        pin_memory=device.type == "cuda",
    )

    def run() -> tuple[float, float]:
        images_seen, waited, begun = 0, 0.0, time.perf_counter()
        asked = begun
        for images, labels in loader:
            waited += time.perf_counter() - asked
            images, labels = images.to(device), labels.to(device)
            optimizer.zero_grad()
            nn.functional.cross_entropy(network(images), labels).backward()
            optimizer.step()
            images_seen += len(labels)
            synchronise(device)
            asked = time.perf_counter()
        seconds = time.perf_counter() - begun
        return images_seen / seconds, waited / seconds

    return run


def ours(
    architecture: str, device: torch.device, given: argparse.Namespace, precision: str
) -> Round:
    """The loop of the package."""
    settings = RECIPES["quick"]["training"] | {
        "batch_size": given.batch_size,
        "learning_rate": 0.01,
        "shift_pixels": MARGIN,
        "flip": True,
        "precision": precision,
    }
    recipe = Recipe.of(settings)
    network = network_of(architecture, device)
    tensors = [
        torch.from_numpy(values).to(device)
        for values in random_images(given.batches * given.batch_size)
    ]
    split = Split(tensors[0], tensors[1])
    classes = len(network.header.class_names)
    trainer = Trainer(network, recipe, None, pixels=split.pixels(), classes=classes)
    count = 0

    def run() -> tuple[float, float]:
        nonlocal count
        count += 1
        synchronise(device)
        begun = time.perf_counter()
        trainer.epoch(split, count, seed=0)
        synchronise(device)
        seconds = time.perf_counter() - begun
        return len(split.labels) / seconds, seconds_of_batches(split, recipe, device) / seconds

    return run


def seconds_of_batches(split: Split, recipe: Recipe, device: torch.device) -> float:
    """How long the batches of an epoch take to make, alone."""
    generator = torch.Generator().manual_seed(0)
    steps = list(batches(len(split.labels), recipe.batch_size, generator))
    begun = time.perf_counter()
    for images, _ in split.training_batches(steps, generator):
        split.floats(
            augmented(
                images, shift_pixels=recipe.shift_pixels, flip=recipe.flip, generator=generator
            )
        )
    synchronise(device)
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
