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

from layer_pruning.data.augmentation import Part, augmented, mixed
from layer_pruning.data.loading import Split, StreamedSplit
from layer_pruning.models.behaviour import drawn_behaviour
from layer_pruning.models.residual import put_tensors
from layer_pruning.runtime.atomic import forget_unfinished
from layer_pruning.runtime.random_draws import seeded
from layer_pruning.training.averaging import moving_average
from layer_pruning.training.batch_norm import has_batch_norm, synchronised
from layer_pruning.training.catalog import as_params
from layer_pruning.training.history import Epoch
from layer_pruning.training.loss import training_loss
from layer_pruning.training.optimizer import optimizer_of
from layer_pruning.training.precision import compiled, resolved_precision
from layer_pruning.training.ranks import ALONE, Ranks, replicated
from layer_pruning.training.recipe import Recipe, validation_batch
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
    with seeded(seed, next(network.parameters()).device):
        yield


@torch.inference_mode()
def accuracy(
    network: nn.Module, split: Split | StreamedSplit, batch_size: int, ranks: Ranks = ALONE
) -> float:
    """Share of ``split`` that the network, put in evaluation mode, classifies correctly."""
    network.eval()
    own = split if ranks.count == 1 else split.part(ranks.part_of(len(split.labels)))
    correct = sum(
        int((network(images).argmax(dim=1) == labels).sum())
        for images, labels in own.batches(batch_size)
        if len(labels)
    )
    return int(ranks.summed(torch.tensor(correct))) / len(split.labels)


def batches(
    count: int, size: int, generator: torch.Generator, processes: int = 1
) -> Iterator[Tensor]:
    """Shuffled indices in batches; a last one of a single image joins the one before.

    Batch norm has no variance to take from a single value per channel. So does one with less than
    two images for each of several ``processes``.
    """
    parts = list(torch.randperm(count, generator=generator).split(size))
    if len(parts) > 1 and len(parts[-1]) < 2 * processes:
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
    ranks: Ranks = ALONE,
    sync_batch_norm: bool = True,
) -> Run:
    """Train ``network`` in place.

    The order of images, their augmentation and the masks of dropout are drawn for each epoch from
    ``seed`` and the epoch's number, so that a run that goes on from ``state_path``, written after
    every epoch, ends with the same weights as one that was never interrupted (bit for bit on the
    CPU). ``context`` stands for all else that decides how a run ends, such as its data: a state
    of another context is passed over, and so is one of a network or teacher whose code was edited.
    The state of the last epoch stays: a run that is started again finds itself finished. The caller
    deletes it once the results are in use.

    ``teacher`` is the network to distil from; the recipe says with which weight. ``on_resume`` is
    told how many epochs an earlier process had done, and ``on_epoch`` the number of each epoch
    before its state is written: a caller keeps accounts with them.

    Several ``ranks`` share every batch and the validation. All take the same steps, with the
    statistics of norms over the whole batch where ``sync_batch_norm``, else of each one's part;
    the first keeps the state.

    Raises FloatingPointError, naming epoch and step, where the loss is not finite; the state of
    the last good epoch stays. Raises ValueError where the recipe asks for what the machine lacks,
    or for distillation without a teacher.
    """
    classes = int(train_split.labels.max()) + 1
    trainer = Trainer(
        network,
        recipe,
        teacher,
        pixels=train_split.pixels(),
        classes=classes,
        ranks=ranks,
        sync_batch_norm=sync_batch_norm,
    )
    run = trainer.fingerprint(seed, context)
    behaviour = trainer.behaviour(train_split.input_shape())
    history: list[Epoch] = []
    resumed_after = 0
    if ranks.first:
        forget_unfinished(state_path)
    state = ranks.from_first(lambda: read_state(state_path, run=run, behaviour=behaviour))
    if state is not None:
        history, tensors = state
        trainer.restore(tensors)
        resumed_after = len(history)
        if on_resume is not None:
            on_resume(resumed_after)
        logger.info("going on after epoch %d of %d", len(history), recipe.epochs)

    for epoch in range(len(history) + 1, recipe.epochs + 1):
        started = time.perf_counter()
        # each rank masks its own part of a batch
        further = [ranks.rank] if ranks.rank else []
        with seeded_masks(network, derived_seed(seed, "masks", epoch, *further)):
            loss, learning_rate = trainer.epoch(train_split, epoch, seed)
        ranks.share_buffers(network)
        ranks.share_buffers(trainer.candidate)
        size = validation_batch(train_split.pixels(), recipe.batch_size)
        validation = accuracy(trainer.candidate, validation_split, size, ranks)
        seconds = time.perf_counter() - started
        if validation > max((past.validation_accuracy for past in history), default=-1.0):
            trainer.best = copy.deepcopy(trainer.candidate.state_dict())
        history.append(Epoch(epoch, learning_rate, loss, validation, seconds))
        _log_last(history, recipe.epochs, len(train_split.labels))
        if on_epoch is not None:
            on_epoch(epoch)
        if ranks.first:
            write_state(
                state_path, run=run, behaviour=behaviour, history=history, tensors=trainer.state()
            )
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
        ranks: Ranks = ALONE,
        sync_batch_norm: bool = True,
    ) -> None:
        """``pixels`` of one image. Raises ValueError as :func:`train`."""
        if recipe.distillation_weight > 0 and teacher is None:
            raise ValueError("distillation_weight: there is no network to distil from")
        self.network, self.recipe, self.classes = network, recipe, classes
        self.ranks = ranks
        self.synchronises = ranks.count > 1 and sync_batch_norm and has_batch_norm(network)
        self.norms = synchronised(self.synchronises)
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
        if ranks.count > 1 and self.optimizer.parameters:
            self.forward = replicated(self.forward)
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
        if self.ranks.count > 1:
            norms = "batch" if self.synchronises else "process"
            settings["processes"] = f"{self.ranks.count}, norms by {norms}"
        return fingerprint(settings, self.network.state_dict())

    def behaviour(self, input_shape: tuple[int, int, int]) -> dict[str, dict[str, Tensor]]:
        """What the code of the networks makes of the weights that they begin with.

        No fingerprint: another machine rounds in another way.
        """
        networks = {"network": drawn_behaviour(self.network, input_shape)}
        if self.teacher is not None:
            networks["teacher"] = self.teacher.behaviour(input_shape)
        return networks

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
        count = len(split.labels)
        steps = list(batches(count, self.recipe.batch_size, generator, self.ranks.count))
        parts = [Part(self.ranks.part_of(len(step)), len(step)) for step in steps]
        own = [step[part.chosen] for step, part in zip(steps, parts, strict=True)]
        losses = torch.zeros(len(steps), device=self.device)
        drawn = split.training_batches(
            own, generator, rand_augment=self.recipe.rand_augment, rank=self.ranks.rank
        )
        for step, (images, labels) in enumerate(drawn):
            images = augmented(
                images,
                shift_pixels=self.recipe.shift_pixels,
                flip=self.recipe.flip,
                cutout_pixels=self.recipe.cutout_pixels,
                generator=generator,
                part=parts[step],
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
            # at the middle of a step: at its end, the last one would have no rate left to learn by
            progress = (epoch - 1 + (step + 0.5) / len(steps)) / self.recipe.epochs
            learning_rate = self.recipe.learning_rate_at(progress)
            taught = None
            if self.teacher is not None:
                taught = self.teacher.of_batch(images, own[step].to(self.device))
            losses[step] = self.step(images, labels, taught, learning_rate, len(steps[step]))
            if (step + 1) % STEPS_BETWEEN_CHECKS == 0 or step + 1 == len(steps):
                # one that is not finite is not so for all
                self.check(self.ranks.summed(losses[: step + 1].clone()), epoch)
        self.ranks.summed(losses)
        sizes = torch.tensor([len(step) for step in steps], device=self.device)
        return float(losses.double() @ sizes.double()) / count, learning_rate

    def step(
        self,
        images: Tensor,
        labels: Tensor,
        taught: Tensor | None,
        learning_rate: float,
        batch: int,
    ) -> Tensor:
        """One step: forward, backward, update. Returns the loss, on the device.

        ``taught`` are the logits (n, classes) of the network to distil from, if there is one.
        Where processes share the batch of ``batch`` images, their losses add up to its own.
        """
        casts = self.precision != torch.float32
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=casts), self.norms():
            logits = self.forward(images)
        loss = training_loss(logits, labels, taught, self.recipe)
        if self.ranks.count > 1:
            loss = loss * self.ranks.weight(len(images), batch)
        loss.backward()
        self.optimizer.step(learning_rate)
        if self.average is not None:
            self.average.update_parameters(self.network)
        return loss.detach() / self.ranks.count

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
        put_tensors(self.network, kept)
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
        put_tensors(self.network, groups["network"])
        self.optimizer.restore(groups["optimizer"])
        self.best = groups["best"]
        if self.average is not None:
            put_tensors(self.average, groups["average"])
