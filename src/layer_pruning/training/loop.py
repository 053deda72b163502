"""The training loop."""

import copy
import hashlib
import logging
import math
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.sgd import sgd

from layer_pruning.data.augmentation import augmented
from layer_pruning.data.loading import Split, StreamedSplit
from layer_pruning.training.history import Epoch
from layer_pruning.training.recipe import Recipe
from layer_pruning.training.resume import fingerprint, read_state, write_state

logger = logging.getLogger(__name__)


def derived_seed(*parts: object) -> int:
    """A seed below 2^63 for one purpose, from the run's seed and names of what it is for."""
    digest = hashlib.sha256("\n".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


class Run(NamedTuple):
    """What came of a training run, beside the trained network."""

    history: list[Epoch]
    resumed_after: int
    """Epochs that an earlier process had done; 0 for a run of one piece."""


@contextmanager
def seeded_masks(network: nn.Module, seed: int) -> Iterator[None]:
    """Dropout and stochastic depth draw from the global generators: seed them, then restore."""
    device = next(network.parameters()).device
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield


class NesterovSGD:
    """PyTorch's functional SGD with Nesterov momentum and its buffers by parameter name.

    The function rather than the class: building ``torch.optim.SGD`` imports the compiler, a second
    in each of a workflow's many short jobs, and buffers by name are what a resume state needs.
    """

    def __init__(self, network: nn.Module, recipe: Recipe) -> None:
        self.recipe = recipe
        self.parameters = dict(network.named_parameters())
        self.buffers: dict[str, Tensor | None] = dict.fromkeys(self.parameters)

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """Move every parameter against its gradient, and clear the gradients."""
        for decays in (True, False):
            # norms and biases are the parameters of one dimension
            names = [n for n, p in self.parameters.items() if (p.ndim > 1) == decays]
            buffers = [self.buffers[name] for name in names]
            parameters: list[Tensor] = [self.parameters[name] for name in names]
            gradients = [p.grad if p.grad is not None else torch.zeros_like(p) for p in parameters]
            sgd(
                parameters,
                gradients,
                buffers,
                foreach=True,
                weight_decay=self.recipe.weight_decay if decays else 0.0,
                momentum=self.recipe.momentum,
                lr=learning_rate,
                dampening=0.0,
                nesterov=self.recipe.momentum > 0,
                maximize=False,
            )
            self.buffers.update(zip(names, buffers, strict=True))
        for parameter in self.parameters.values():
            parameter.grad = None


@torch.inference_mode()
def accuracy(network: nn.Module, split: Split | StreamedSplit, batch_size: int) -> float:
    """Share of ``split`` that the network, put in evaluation mode, classifies correctly."""
    network.eval()
    correct = sum(
        int((network(images).argmax(dim=1) == labels).sum())
        for images, labels in split.batches(batch_size)
    )
    return correct / len(split.labels)


def batches(count: int, size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Shuffled indices in batches; a last one of a single image joins the one before.

    Batch norm has no variance to take from a single value per channel.
    """
    parts = list(torch.randperm(count, generator=generator).split(size))
    if len(parts) > 1 and len(parts[-1]) == 1:
        parts[-2:] = [torch.cat(parts[-2:])]
    yield from parts


def train(
    network: nn.Module,
    train_split: Split | StreamedSplit,
    validation_split: Split | StreamedSplit,
    recipe: Recipe,
    *,
    seed: int,
    state_path: str | os.PathLike[str],
    context: str = "",
) -> Run:
    """Train ``network`` in place.

    The order of images, their augmentation and the masks of dropout are drawn for each epoch from
    ``seed`` and the epoch's number, so that a run that goes on from ``state_path``, written after
    every epoch, ends with the same weights as one that was never interrupted (bit for bit on the
    CPU). ``context`` stands for all else that decides how a run ends, such as its data: a state
    of another context is passed over. The caller deletes the state once the results are safe.

    Raises FloatingPointError, naming epoch and step, where the loss is not finite; the state of
    the last good epoch stays.
    """
    settings = {"recipe": asdict(recipe), "seed": seed, "context": context}
    run = fingerprint(settings, network.state_dict())
    optimizer = NesterovSGD(network, recipe)
    history: list[Epoch] = []
    best: dict[str, Tensor] = {}
    resumed_after = 0
    if (state := read_state(state_path, run=run)) is not None:
        history, tensors = state
        best = _restore(network, optimizer, tensors)
        resumed_after = len(history)
        logger.info("going on after epoch %d of %d", len(history), recipe.epochs)

    for epoch in range(len(history) + 1, recipe.epochs + 1):
        started = time.perf_counter()
        with seeded_masks(network, derived_seed(seed, "masks", epoch)):
            loss, learning_rate = _epoch(network, train_split, recipe, optimizer, epoch, seed)
        validation = accuracy(network, validation_split, 1024)
        seconds = time.perf_counter() - started
        if validation > max((past.validation_accuracy for past in history), default=-1.0):
            best = copy.deepcopy(network.state_dict())
        history.append(Epoch(epoch, learning_rate, loss, validation, seconds))
        left = (recipe.epochs - epoch) * sum(e.seconds for e in history) / len(history)
        logger.info(
            "epoch %d of %d: train loss %.4f, validation accuracy %.2f %%, %.1f s; "
            "about %.0f s left",
            epoch,
            recipe.epochs,
            loss,
            100 * validation,
            seconds,
            left,
        )
        write_state(state_path, run=run, history=history, tensors=_state(network, optimizer, best))
    if recipe.keep == "best_validation" and best:
        network.load_state_dict(best)
    network.eval()
    return Run(history, resumed_after)


def _epoch(
    network: nn.Module,
    split: Split | StreamedSplit,
    recipe: Recipe,
    optimizer: NesterovSGD,
    epoch: int,
    seed: int,
) -> tuple[float, float]:
    """One pass over the training split: its mean loss and last learning rate."""
    generator = torch.Generator().manual_seed(derived_seed(seed, "epoch", epoch))
    network.train()
    steps = list(batches(len(split.labels), recipe.batch_size, generator))
    total = 0.0
    for step, (images, labels) in enumerate(split.training_batches(steps, generator)):
        images = augmented(
            images,
            shift_pixels=recipe.shift_pixels,
            flip=recipe.flip,
            cutout_pixels=recipe.cutout_pixels,
            generator=generator,
        )
        loss = functional.cross_entropy(
            network(split.floats(images)), labels, label_smoothing=recipe.label_smoothing
        )
        value = loss.item()
        if not math.isfinite(value):
            raise FloatingPointError(
                f"the loss is {value} at epoch {epoch}, step {step + 1}: a lower learning rate "
                f"than {recipe.learning_rate} would be right"
            )
        loss.backward()
        progress = (epoch - 1 + (step + 1) / len(steps)) / recipe.epochs
        learning_rate = recipe.learning_rate_at(progress)
        optimizer.step(learning_rate)
        total += value * len(labels)
    return total / len(split.labels), learning_rate


def _state(
    network: nn.Module, optimizer: NesterovSGD, best: dict[str, Tensor]
) -> dict[str, Tensor]:
    momentum = {name: buffer for name, buffer in optimizer.buffers.items() if buffer is not None}
    groups = {"network": network.state_dict(), "momentum": momentum, "best": best}
    return {
        f"{group}/{name}": value
        for group, values in groups.items()
        for name, value in values.items()
    }


def _restore(
    network: nn.Module, optimizer: NesterovSGD, tensors: dict[str, Tensor]
) -> dict[str, Tensor]:
    """Put network and momentum back where they were; returns the best network's tensors."""
    device = next(network.parameters()).device
    groups: dict[str, dict[str, Tensor]] = {"network": {}, "momentum": {}, "best": {}}
    for key, value in tensors.items():
        group, name = key.split("/", 1)
        groups[group][name] = value.to(device)
    network.load_state_dict(groups["network"])
    optimizer.buffers.update(groups["momentum"])
    return groups["best"]
