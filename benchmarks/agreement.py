"""Whether a device computes what the CPU computes: checks of the parts that have one to compute on.

Each takes a device and returns how far apart the two are, in the unit that its tolerance has. The
tests marked ``cuda`` are these, as is the first part of ``gpu_check.py``.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from networks import cifar_header
from torch import Tensor, distributed, nn
from torch.nn import functional

from layer_pruning.activations.sweep import sweep
from layer_pruning.attacks.evaluation import attack_network
from layer_pruning.data.loading import Split
from layer_pruning.models.candidates import Limits, candidates
from layer_pruning.models.copies import copied
from layer_pruning.models.residual import ResidualNetwork, new_network
from layer_pruning.surgery import without_block
from layer_pruning.training.batch_norm import SynchronisedBatchNorm
from layer_pruning.training.catalog import RECIPES
from layer_pruning.training.loop import train
from layer_pruning.training.recipe import Recipe

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Check:
    """One comparison."""

    difference: Callable[[torch.device], float]
    tolerance: float


def network_on(device: torch.device) -> ResidualNetwork:
    """A ResNet-14 with new weights, the same on every device."""
    return new_network(cifar_header("resnet14"), seed=0).to(device).eval()


def images_on(device: torch.device, count: int = 24) -> Tensor:
    """Random images, the same on every device."""
    drawn = torch.rand(count, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    return drawn.to(device)


def farthest(one: Tensor, other: Tensor) -> float:
    """The largest difference over the largest value."""
    one, other = one.detach().cpu().double(), other.detach().cpu().double()
    return float((one - other).abs().max() / other.abs().max())


@torch.no_grad()
def forward(device: torch.device) -> float:
    """Logits in float32."""
    return farthest(network_on(device)(images_on(device)), network_on(CPU)(images_on(CPU)))


def sweep_of_candidates(device: torch.device) -> float:
    """Features with every candidate bypassed."""
    names = candidates(network_on(CPU).header.blocks, limits=Limits(1))
    there, here = (sweep(network_on(d), images_on(d), names)[1] for d in (device, CPU))
    return farthest(there, here)


@torch.no_grad()
def bypass_is_removal(device: torch.device) -> float:
    """Logits of a bypassed block and of the network without it, both on the device: the same."""
    network, images = network_on(device), images_on(device)
    name = candidates(network.header.blocks, limits=Limits(1))[0]
    header, _ = without_block(network.header, {}, name)
    smaller = ResidualNetwork(header, copied(network.body)).to(device).eval()
    return float((network.bypassing(name, images) - smaller(images)).abs().max())


def trained(device: torch.device, state: Path, *, epochs: int, until: int) -> Tensor:
    """All parameters after a training on random images that is given up ``until`` an epoch."""
    network = network_on(device)
    labels = (torch.arange(48) % 10).to(device)
    chosen = {"epochs": epochs, "batch_size": 16, "learning_rate": 0.02, "precision": "float32"}
    augmentation = {"shift_pixels": 2, "flip": True}
    recipe = Recipe.of(RECIPES["strong"]["training"] | chosen | augmentation)
    split = Split(images_on(device, 48), labels)
    options = {"seed": 0, "state_path": state}
    if until < epochs:
        interrupt(lambda: train(network, split, split, recipe, **options, on_epoch=stop_at(until)))
    else:
        train(network, split, split, recipe, **options)
    return torch.cat([parameter.flatten() for parameter in network.parameters()])


class Interrupted(Exception):
    """Stands for a killed process."""


def stop_at(epochs: int) -> Callable[[int], None]:
    """What is told of every epoch and gives up in the one after so many."""

    def on_epoch(epoch: int) -> None:
        if epoch > epochs:
            raise Interrupted

    return on_epoch


def interrupt(run: Callable[[], object]) -> None:
    """Run until it gives up."""
    try:
        run()
    except Interrupted:
        return
    raise AssertionError("nothing was interrupted")


def training_step(device: torch.device) -> float:
    """Parameters after an epoch of three steps with augmentation."""
    with tempfile.TemporaryDirectory() as folder:
        there, here = (
            trained(d, Path(folder, f"{i}.safetensors"), epochs=1, until=1)
            for i, d in enumerate((device, CPU))
        )
    return farthest(there, here)


def resumed_training(device: torch.device) -> float:
    """Parameters of a run that was interrupted, against one of one piece."""
    with tempfile.TemporaryDirectory() as folder:
        whole, parts = Path(folder, "whole.safetensors"), Path(folder, "parts.safetensors")
        expected = trained(device, whole, epochs=3, until=3)
        trained(device, parts, epochs=3, until=1)
        return farthest(trained(device, parts, epochs=3, until=3), expected)


def attacked(device: torch.device) -> float:
    """Largest difference of robust accuracy at any epsilon."""
    found = []
    for one in (device, CPU):
        network, images = network_on(one), images_on(one, 32)
        with torch.no_grad():
            labels = network(images).argmax(dim=1)
        options = {"attack": "fgsm", "norm": "Linf", "epsilons": [0.002, 0.01, 0.05], "seed": 0}
        outcomes = attack_network(network, images, labels, **options)["epsilons"]
        found.append([outcome["robust_accuracy"] for outcome in outcomes])
    return max(abs(there - here) for there, here in zip(*found, strict=True))


def synchronised_norm(device: torch.device) -> float:
    """Batch norm over one process, and its gradient, against PyTorch's own on the CPU."""
    backend = "nccl" if device.type == "cuda" else "gloo"
    found = []
    distributed.init_process_group(backend, store=distributed.HashStore(), rank=0, world_size=1)
    try:
        for one, synchronises in ((device, True), (CPU, False)):
            values = images_on(one, 6).requires_grad_()
            norm = nn.BatchNorm2d(3).to(one)
            if synchronises:
                with SynchronisedBatchNorm():
                    output = norm(values)
            else:
                output = norm(values)
            functional.mse_loss(output, images_on(one, 6) ** 2).backward()
            assert values.grad is not None
            found.append(torch.cat([output.flatten().cpu(), 1e3 * values.grad.flatten().cpu()]))
    finally:
        distributed.destroy_process_group()
    return farthest(found[0], found[1])


CHECKS = {
    "logits": Check(forward, 1e-3),
    "features of the sweep": Check(sweep_of_candidates, 1e-3),
    "bypass against removal": Check(bypass_is_removal, 0.0),
    "parameters after a short epoch": Check(training_step, 2e-2),
    "interrupted against whole training": Check(resumed_training, 1e-2),
    "accuracy under FGSM": Check(attacked, 0.07),
    "synchronised batch norm": Check(synchronised_norm, 1e-4),
}
