"""What one piece of each kind of work costs on this machine, measured on random images."""

import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from layer_pruning.activations.sweep import sweep
from layer_pruning.attacks.evaluation import attack_network
from layer_pruning.data.loading import Split
from layer_pruning.export.bundle import export_network
from layer_pruning.models.candidates import Limits
from layer_pruning.models.header import NetworkHeader
from layer_pruning.models.residual import ResidualNetwork, new_network, save_network
from layer_pruning.runtime.random_draws import drawn_images
from layer_pruning.scoring.catalog import FUNCTIONAL_METRICS
from layer_pruning.scoring.scores import score
from layer_pruning.scoring.starts import spread_over_starts
from layer_pruning.similarity.catalog import CATALOG
from layer_pruning.training.loop import Trainer
from layer_pruning.training.recipe import Recipe

SECONDS = 1.0
"""About so long each kind of work is tried."""
PGD_STEPS_EPSILON = 1e-4
"""So small that no image breaks, and every step is taken for all of them."""


@dataclass(frozen=True)
class Costs:
    """Seconds and bytes of pieces of work; seconds of an image unless the name says otherwise."""

    start_seconds: float
    """Of a job, until Python has imported PyTorch."""
    training_seconds: float
    """Forward, backward and step, augmentation and the share of an epoch's end included."""
    forward_seconds: float
    pgd_seconds: float
    """A hundred steps of a gradient."""
    sweep_seconds: float
    """With every candidate block bypassed."""
    scoring_seconds: Mapping[str, float]
    """By criterion: all candidates of one network on the whole probe set."""
    starts_seconds: float
    """Of a baseline: all candidates from all starts of the metrics that search."""
    export_seconds: float
    """Of a network, checks included; 0 where nothing is exported."""
    network_bytes: int
    activations_bytes: int
    peak_bytes: int
    """Most memory that a job held in all this."""
    gpu_peak_bytes: int | None
    """The same on the GPU; None without one."""


def start_seconds() -> float:
    """CPU seconds that a process needs to import what a job of PyTorch imports."""
    before = os.times()
    words = [sys.executable, "-c", "import torch, torch.optim"]
    # Ctrl-C reaches it too, and it would print a traceback of its own
    subprocess.run(words, check=True, capture_output=True)
    after = os.times()
    return sum(after[2:4]) - sum(before[2:4])


def measured_costs(
    header: NetworkHeader,
    *,
    recipe: Recipe,
    criteria: Mapping[str, Any],
    searching: Sequence[str],
    limits: Limits,
    probe_images: int,
    attacked: int,
    exports: bool,
    device: torch.device,
    say: Callable[[str], None] = lambda _: None,
) -> Costs:
    """Try each kind of work on an untrained network; speed does not depend on weights.

    ``limits`` are those of :func:`layer_pruning.models.candidates.candidates`, ``searching`` the
    metrics that are tried from other starts, ``probe_images`` the size of the probe set and
    ``attacked`` that of an attacked batch. ``say`` is told what is tried.
    """
    say("starting Python")
    start = start_seconds()
    network = new_network(header, 0).to(device).eval()

    def images(count: int) -> Tensor:
        return drawn_images(count, header.input_shape).to(device)

    say("a forward pass")
    forward = _forward_seconds(network, images)
    say("a training step")
    training = _training_seconds(header, recipe, images, forward, device)
    say("an attacked batch")
    count = _count(100 * 3 * forward, attacked)
    pgd = _pgd_seconds(network, images(count))
    say("a chunk of the sweep")
    names = header.candidates(limits)
    count = _count(forward * (1 + len(names) / 2), probe_images)
    swept = _seconds(lambda: sweep(network, images(count), names)) / count
    features = sweep(network, images(2), names)[0].shape[1]
    say("scoring")
    scoring = {
        name: _scoring_seconds(criterion["metrics"], header, names, probe_images, features)
        for name, criterion in criteria.items()
    }
    starts = 0.0
    if searching and names:
        probe = _planted_probe(names[:1], probe_images, features, len(header.class_names))
        starts = len(names) * _seconds(lambda: spread_over_starts(probe, searching))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "network.safetensors")
        save_network(network, path)
        size, exporting = path.stat().st_size, 0.0
        if exports:
            say("an export")
            build = header.arguments.get("build")
            exporting = _seconds(lambda: export_network(path, folder, build=build))
    classes = len(header.class_names)
    return Costs(
        start_seconds=start,
        training_seconds=training,
        forward_seconds=forward,
        pgd_seconds=pgd,
        sweep_seconds=swept,
        scoring_seconds=scoring,
        starts_seconds=starts,
        export_seconds=exporting,
        network_bytes=size,
        activations_bytes=4 * probe_images * (1 + len(names)) * (features + classes),
        peak_bytes=_peak_bytes(),
        gpu_peak_bytes=torch.cuda.max_memory_allocated() if device.type == "cuda" else None,
    )


def _seconds(work: Callable[[], object]) -> float:
    """Seconds that work takes; on a CPU those of an idle machine, whatever else it does now.

    They are CPU seconds over the threads there, and on a GPU seconds of the clock.
    """
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()
        started = time.perf_counter()
        work()
        torch.cuda.synchronize()
        return time.perf_counter() - started
    started = time.process_time()
    work()
    return (time.process_time() - started) / torch.get_num_threads()


def _count(seconds: float, most: int, least: int = 2) -> int:
    """How many images fill SECONDS at so many seconds each."""
    return int(max(least, min(most, SECONDS / max(seconds, 1e-9))))


def _forward_seconds(network: ResidualNetwork, images: Callable[[int], Tensor]) -> float:
    with torch.inference_mode():
        batch = images(2)
        network(batch)
        first = _seconds(lambda: network(batch)) / 2
        batch = images(_count(4 * first, 256))
        network(batch)
        return min(_seconds(lambda: network(batch)) for _ in range(3)) / len(batch)


def _training_seconds(
    header: NetworkHeader,
    recipe: Recipe,
    images: Callable[[int], Tensor],
    forward: float,
    device: torch.device,
) -> float:
    """Of a short epoch, after a shorter one that sets PyTorch up.

    What comes once before the first epoch of a training is not counted.
    """
    size = _count(2 * 3 * forward, recipe.batch_size, least=4)
    labels = torch.arange(2 * size, device=device) % len(header.class_names)
    split = Split(images(2 * size), labels)
    short = replace(recipe, epochs=1, batch_size=size, compile=False, distillation_weight=0.0)

    def epoch(images: int) -> Callable[[], object]:
        part = Split(split.images[:images], labels[:images])
        network, classes = new_network(header, 0).to(device), len(header.class_names)
        trainer = Trainer(network, short, None, pixels=part.pixels(), classes=classes)
        return lambda: trainer.epoch(part, 1, 0)

    _seconds(epoch(min(size, 4)))
    return _seconds(epoch(2 * size)) / (2 * size)


def _pgd_seconds(network: ResidualNetwork, images: Tensor) -> float:
    with torch.no_grad():
        labels = network(images).argmax(dim=1)
    options: dict[str, Any] = {"attack": "pgd", "norm": "Linf", "epsilons": [PGD_STEPS_EPSILON]}
    return _seconds(lambda: attack_network(network, images, labels, seed=0, **options)) / len(
        images
    )


def _scoring_seconds(
    metrics: list[str], header: NetworkHeader, blocks: list[str], images: int, features: int
) -> float:
    """Of all blocks, by the metrics that compare features or predictions."""
    known = [m for m in metrics if m in CATALOG or m in FUNCTIONAL_METRICS]
    if not known or not blocks:
        return 0.0

    def scored(names: list[str]) -> float:
        probe = _planted_probe(names, images, features, len(header.class_names))
        return _seconds(lambda: score(known, probe, header=header, tensors={}, draw="estimate"))

    # what the first one imports is not counted
    scored(blocks[:1])
    return scored(blocks)


def _planted_probe(blocks: list[str], images: int, features: int, classes: int) -> Any:
    """Features and predictions of a network and of itself without each of some blocks.

    As trained features are: rectified, about means of the classes, few directions beside them, and
    mixed a little by what is bypassed. Between shapeless ones searches take far longer.
    """
    generator = np.random.default_rng(0)
    labels = np.arange(images) % classes

    def drawn(*shape: int) -> np.ndarray:
        return generator.standard_normal(shape).astype(np.float32)

    def mixed(values: np.ndarray) -> np.ndarray:
        width = values.shape[1]
        return values + 0.3 * values @ drawn(width, width) / math.sqrt(width)

    own = drawn(images, features) * np.exp(-8 * np.arange(features) / features)
    whole = (2 * drawn(classes, features).clip(0)[labels] + 0.3 * own).clip(0).astype(np.float32)
    logits = drawn(images, classes)
    return SimpleNamespace(
        features=whole,
        features_bypassed=np.stack([mixed(whole).clip(0) for _ in blocks]),
        logits=logits,
        logits_bypassed=np.stack([mixed(logits) for _ in blocks]),
        labels=labels,
        blocks=np.array(blocks),
    )


def _peak_bytes() -> int:
    unit = 1 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
