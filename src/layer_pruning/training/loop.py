"""The training loop."""

import copy
import hashlib
import logging
import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from layer_pruning.data.augmentation import augmented, mixed
from layer_pruning.data.loading import Split, StreamedSplit
from layer_pruning.training.averaging import moving_average
from layer_pruning.training.catalog import as_params
from layer_pruning.training.history import Epoch
from layer_pruning.training.loss import training_loss
from layer_pruning.training.optimizer import optimizer_of
from layer_pruning.training.precision import compiled, resolved_precision
from layer_pruning.training.recipe import Recipe
from layer_pruning.training.resume import fingerprint, read_state, write_state
from layer_pruning.training.teacher import Teacher

logger = logging.getLogger(__name__)

# steps between looks at the loss: each look waits for the device
STEPS_BETWEEN_CHECKS = 50


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
    teacher: nn.Module | None = None,
    context: str = "",
    on_resume: Callable[[int], None] | None = None,
    on_epoch: Callable[[int], None] | None = None,
) -> Run:
    """Train ``network`` in place.

    The order of images, their augmentation and the masks of dropout are drawn for each epoch from
    ``seed`` and the epoch's number, so that a run that goes on from ``state_path``, written after
    every epoch, ends with the same weights as one that was never interrupted (bit for bit on the
    CPU). ``context`` stands for all else that decides how a run ends, such as its data: a state
    of another context is passed over. The state of the last epoch stays: a run that is started
    again finds itself finished. The caller deletes it once the results are in use.

    ``teacher`` is the network to distil from; the recipe says with which weight. ``on_resume`` is
    told how many epochs an earlier process had done, and ``on_epoch`` the number of each epoch
    before its state is written: a caller keeps accounts with them.

    Raises FloatingPointError, naming epoch and step, where the loss is not finite; the state of
    the last good epoch stays. Raises ValueError where the recipe asks for what the machine lacks,
    or for distillation without a teacher.
    """
    classes = int(train_split.labels.max()) + 1
    trainer = Trainer(network, recipe, teacher, pixels=train_split.pixels(), classes=classes)
    run = trainer.fingerprint(seed, context)
    history: list[Epoch] = []
    resumed_after = 0
    if (state := read_state(state_path, run=run)) is not None:
        history, tensors = state
        trainer.restore(tensors)
        resumed_after = len(history)
        if on_resume is not None:
            on_resume(resumed_after)
        logger.info("going on after epoch %d of %d", len(history), recipe.epochs)

    for epoch in range(len(history) + 1, recipe.epochs + 1):
        started = time.perf_counter()
        with seeded_masks(network, derived_seed(seed, "masks", epoch)):
            loss, learning_rate = trainer.epoch(train_split, epoch, seed)
        validation = accuracy(trainer.candidate, validation_split, 1024)
        seconds = time.perf_counter() - started
        if validation > max((past.validation_accuracy for past in history), default=-1.0):
            trainer.best = copy.deepcopy(trainer.candidate.state_dict())
        history.append(Epoch(epoch, learning_rate, loss, validation, seconds))
        _log_last(history, recipe.epochs, len(train_split.labels))
        if on_epoch is not None:
            on_epoch(epoch)
        write_state(state_path, run=run, history=history, tensors=trainer.state())
    trainer.finish()
    return Run(history, resumed_after)


def _log_last(history: list[Epoch], epochs: int, images: int) -> None:
    """Say how the last epoch went, and how long the others will take at the pace so far."""
    last = history[-1]
    left = (epochs - last.epoch) * sum(epoch.seconds for epoch in history) / len(history)
    logger.info(
        "epoch %d of %d: train loss %.4f, validation accuracy %.2f %%, %.1f s "
        "(%.0f images/s); about %.0f s left",
        last.epoch,
        epochs,
        last.train_loss,
        100 * last.validation_accuracy,
        last.seconds,
        images / last.seconds,
        left,
    )


class Trainer:
    """A network in training, with all that changes from step to step."""

    def __init__(
        self,
        network: nn.Module,
        recipe: Recipe,
        teacher: nn.Module | None,
        *,
        pixels: int,
        classes: int,
    ) -> None:
        """``pixels`` of one image. Raises ValueError as :func:`train`."""
        if recipe.distillation_weight > 0 and teacher is None:
            raise ValueError("distillation_weight: there is no network to distil from")
        self.network, self.recipe, self.classes = network, recipe, classes
        self.device = next(network.parameters()).device
        self.precision = resolved_precision(recipe.precision, self.device, pixels)
        self.layout = torch.channels_last if recipe.channels_last else torch.contiguous_format
        network.to(memory_format=self.layout)
        self.teacher: Teacher | None = None
        if teacher is not None and recipe.distillation_weight > 0:
            self.teacher = Teacher(teacher, recipe, self.precision, self.layout)
        self.forward = compiled(network) if recipe.compile else network
        self.optimizer = optimizer_of(network, recipe)
        if recipe.epochs > 0 and not self.optimizer.parameters:
            raise ValueError(
                "every parameter of the network is frozen (requires_grad false): 'epochs: 0', or a "
                "parameter that trains, would be right"
            )
        self.average: AveragedModel | None = None
        if recipe.ema_decay > 0:
            self.average = moving_average(network, recipe.ema_decay)
        self.best: dict[str, Tensor] = {}

    def fingerprint(self, seed: int, context: str) -> str:
        """A digest of all that decides how a run ends, taken before its first step."""
        recipe = as_params(asdict(self.recipe))
        settings = {"recipe": recipe, "seed": seed, "context": context}
        settings["precision"] = str(self.precision)
        if self.device.type == "cpu" and (threads := torch.get_num_threads()) > 1:
            # the order in which they add sums up; one is left out, as older states have no such key
            settings["threads"] = str(threads)
        if self.teacher is not None:
            settings["teacher"] = self.teacher.fingerprint()
        return fingerprint(settings, self.network.state_dict())

    @property
    def candidate(self) -> nn.Module:
        """The network that would be kept if training ended now."""
        return self.network if self.average is None else self.average.module

    def epoch(self, split: Split | StreamedSplit, epoch: int, seed: int) -> tuple[float, float]:
        """One pass over a split: its mean loss and last learning rate."""
        generator = torch.Generator().manual_seed(derived_seed(seed, "epoch", epoch))
        self.network.train()
        if self.teacher is not None:
            self.teacher.remember(split)
        steps = list(batches(len(split.labels), self.recipe.batch_size, generator))
        losses = torch.zeros(len(steps), device=self.device)
        drawn = split.training_batches(steps, generator, rand_augment=self.recipe.rand_augment)
        for step, (images, labels) in enumerate(drawn):
            images = augmented(
                images,
                shift_pixels=self.recipe.shift_pixels,
                flip=self.recipe.flip,
                cutout_pixels=self.recipe.cutout_pixels,
                generator=generator,
            )
            images = split.floats(images)
            if self.recipe.mixes_images:
                images, labels = mixed(
                    images,
                    labels,
                    classes=self.classes,
                    mixup_alpha=self.recipe.mixup_alpha,
                    cutmix_alpha=self.recipe.cutmix_alpha,
                    generator=generator,
                )
            images = images.contiguous(memory_format=self.layout)
            progress = (epoch - 1 + (step + 1) / len(steps)) / self.recipe.epochs
            learning_rate = self.recipe.learning_rate_at(progress)
            taught = None
            if self.teacher is not None:
                taught = self.teacher.of_batch(images, steps[step].to(self.device))
            losses[step] = self.step(images, labels, taught, learning_rate)
            if (step + 1) % STEPS_BETWEEN_CHECKS == 0 or step + 1 == len(steps):
                self.check(losses[: step + 1], epoch)
        sizes = torch.tensor([len(step) for step in steps], device=self.device)
        return float(losses.double() @ sizes.double()) / len(split.labels), learning_rate

    def step(
        self, images: Tensor, labels: Tensor, taught: Tensor | None, learning_rate: float
    ) -> Tensor:
        """One step: forward, backward, update. Returns the loss, on the device.

        ``taught`` are the logits (n, classes) of the network to distil from, if there is one.
        """
        casts = self.precision != torch.float32
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=casts):
            logits = self.forward(images)
        loss = training_loss(logits, labels, taught, self.recipe)
        loss.backward()
        self.optimizer.step(learning_rate)
        if self.average is not None:
            self.average.update_parameters(self.network)
        return loss.detach()

    def check(self, losses: Tensor, epoch: int) -> None:
        """Raise FloatingPointError for the first loss of an epoch that is not finite."""
        for step, value in enumerate(losses.tolist()):
            if not math.isfinite(value):
                raise FloatingPointError(
                    f"the loss is {value} at epoch {epoch}, step {step + 1}: a lower learning "
                    f"rate than {self.recipe.learning_rate} would be right"
                )

    def finish(self) -> None:
        """Put what is to be kept into the network, in evaluation mode."""
        kept = self.candidate.state_dict()
        if self.recipe.keep == "best_validation" and self.best:
            kept = self.best
        self.network.load_state_dict(kept)
        self.network.to(memory_format=torch.contiguous_format)
        self.network.eval()

    def state(self) -> dict[str, Tensor]:
        """All that a later process needs to go on."""
        groups = {
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state(),
            "best": self.best,
            "average": self.average.state_dict() if self.average is not None else {},
        }
        return {
            f"{group}/{name}": value
            for group, values in groups.items()
            for name, value in values.items()
        }

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Put everything back where it was when :meth:`state` was asked."""
        groups: dict[str, dict[str, Tensor]] = {
            group: {} for group in ("network", "optimizer", "best", "average")
        }
        for key, value in tensors.items():
            group, name = key.split("/", 1)
            # the optimizer knows best where its numbers lie
            groups[group][name] = value if group == "optimizer" else value.to(self.device)
        self.network.load_state_dict(groups["network"])
        self.optimizer.restore(groups["optimizer"])
        self.best = groups["best"]
        if self.average is not None:
            self.average.load_state_dict(groups["average"])
