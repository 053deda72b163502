"""Robust accuracy of a network under one attack at several epsilons."""

import time
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from layer_pruning.attacks.catalog import check_request, get_attack
from layer_pruning.attacks.examples import EXAMPLES, broken_example
from layer_pruning.attacks.guards import (
    check_images,
    check_network,
    check_perturbation,
    saturated_count,
)
from layer_pruning.attacks.result import join_results, outcome

Progress = Callable[[int, int, str], None]
Perturb = Callable[[Tensor, float], Tensor]


def attack_network(
    network: nn.Module,
    images: Tensor | np.ndarray,
    labels: Tensor | np.ndarray,
    *,
    attack: str,
    norm: str,
    epsilons: Sequence[float],
    seed: int,
    batch_size: int | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Attack a network and return the content of ``attacks/{attack}.json``.

    ``images`` (n, c, h, w) in [0, 1] and ``labels`` (n,) are moved to the network's device;
    ``epsilons`` are sizes of perturbations of images in [0, 1]. ``batch_size`` defaults to all
    images at once, which is quickest as long as they fit. ``progress`` is called with the number
    of finished epsilons of all batches, their total and a text. The caller adds ``image_indices``.

    - An image that is classified wrongly without any attack is not robust and is not attacked.
    - Epsilons are taken in ascending order. For ``pgd`` and AutoAttack an image broken at one
      epsilon counts as broken at every larger one and is not attacked again. This is exact: the
      adversarial image found lies inside the larger ball too. ``fgsm`` is defined by its single
      step of size epsilon, so every epsilon meets all correctly classified images.
    - Whether an image is broken is decided by a forward pass here, on an adversarial image whose
      distance was measured here; no count of a package is used.
    - A batch goes through all epsilons by itself, so what happens to its images depends on no
      other batch: images attacked in parts, cut where batches end, have the outcomes that they
      have together. FGSM draws nothing, so its outcomes do not depend on batches either, but for
      the rounding of sums.

    ``examples`` are pictures of a few images that were broken, for the report.

    The random state of torch and the network are left as they were. Raises ValueError where a
    guard finds that the numbers would mean nothing (see ``guards``).
    """
    ordered = check_request(attack, norm, list(epsilons))
    batches = _guarded_batches(
        network, torch.as_tensor(images), torch.as_tensor(labels), batch_size
    )
    parts: list[dict[str, Any]] = []

    def report(done: int, text: str) -> None:
        if progress is not None:
            progress(len(parts) * len(ordered) + done, len(batches) * len(ordered), text)

    for batch in batches:
        parts.append(
            _attack_batch(
                network,
                *batch,
                attack=attack,
                norm=norm,
                epsilons=ordered,
                seed=seed,
                report=report,
            )
        )
    report(0, "done")
    return join_results(parts)


def _guarded_batches(
    network: nn.Module, images: Tensor, labels: Tensor, batch_size: int | None
) -> list[tuple[Tensor, Tensor, Tensor]]:
    """Images, labels and clean logits of each batch, on the network's device.

    The guards see every batch before the first attack.
    """
    if batch_size is not None and batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, not {batch_size}")
    check_images(images, labels)
    device = next((p.device for p in network.parameters()), images.device)
    images, labels = images.detach().to(device), labels.to(device)
    size = batch_size or len(images)
    return [
        (*batch, check_network(network, *batch))
        for batch in zip(images.split(size), labels.split(size), strict=True)
    ]


def _attack_batch(
    network: nn.Module,
    images: Tensor,
    labels: Tensor,
    logits: Tensor,
    *,
    attack: str,
    norm: str,
    epsilons: Sequence[float],
    seed: int,
    report: Callable[[int, str], None],
) -> dict[str, Any]:
    """The same for one batch; ``logits`` are those of its clean images."""
    clean = (logits.argmax(1) == labels).cpu()
    records: list[dict[str, Any]] = []
    doing = ""

    def announce(name: str) -> None:
        report(len(records), f"{doing}: {name}")

    perturb, broken_by, warnings = _perturber(
        attack, network, images, labels, logits.shape[1], norm, seed, announce
    )
    standing = clean.clone()
    examples: list[dict[str, Any]] = []
    for epsilon in epsilons:
        doing = f"epsilon {epsilon:g}"
        report(len(records), doing)
        started = time.perf_counter()
        if not get_attack(attack).carries_over:
            standing = clean.clone()
        rows = standing.nonzero().squeeze(1)
        if len(rows) > 0:
            adversarial = perturb(rows, epsilon)
            check_perturbation(images[rows], adversarial, epsilon=epsilon, norm=norm)
            withstood = _correct(network, adversarial, labels[rows])
            standing[rows] = withstood
            fallen = (~withstood).nonzero().squeeze(1)[: EXAMPLES - len(examples)]
            examples += _examples(
                network, images[rows][fallen], adversarial[fallen], labels[rows][fallen], epsilon
            )
        counts = broken_by.get(epsilon, {})
        if get_attack(attack).module:
            counts = {attack: int((clean & ~standing).sum())}
        seconds = time.perf_counter() - started
        records.append(outcome(epsilon, standing.int().tolist(), counts, seconds))
    return {
        "attack": attack,
        "norm": norm,
        "seed": seed,
        "labels": labels.tolist(),
        "clean_correct": clean.int().tolist(),
        "saturated_images": saturated_count(logits, labels),
        "epsilons": records,
        "warnings": warnings,
        "examples": examples,
    }


def _examples(
    network: nn.Module, images: Tensor, attacked: Tensor, labels: Tensor, epsilon: float
) -> list[dict[str, Any]]:
    """Pictures of some images that an attack broke."""
    if len(images) == 0:
        return []
    with torch.no_grad():
        taken = network(attacked).argmax(dim=1)
    found = (
        broken_example(image, changed, epsilon=epsilon, label=int(label), taken_for=int(other))
        for image, changed, label, other in zip(images, attacked, labels, taken, strict=True)
    )
    return [example for example in found if example is not None]


def _perturber(
    attack: str,
    network: nn.Module,
    images: Tensor,
    labels: Tensor,
    classes: int,
    norm: str,
    seed: int,
    announce: Callable[[str], None],
) -> tuple[Perturb, dict[float, dict[str, int]], list[str]]:
    """A function from rows of ``images`` and an epsilon to adversarial images.

    Also returned, and filled by its calls: how many images each part of an ensemble broke at an
    epsilon, and warnings. ``announce`` is called with the name of each part.
    """
    if module := get_attack(attack).module:
        one_attack = getattr(import_module(f"layer_pruning.attacks.{module}"), attack)

        def perturb(rows: Tensor, epsilon: float) -> Tensor:
            result: Tensor = one_attack(
                network, images[rows], labels[rows], epsilon=epsilon, norm=norm
            )
            return result

        return perturb, {}, []
    # imported here because the attacks of this room do without the package
    from layer_pruning.attacks.autoattack import (
        PLUS_RESTARTS,
        Ensemble,
        ensemble_attacks,
        without_square,
    )

    names: tuple[str, ...] = ("apgd-ce",)
    warnings: list[str] = []
    if attack != "pgd":
        names, warnings = ensemble_attacks(attack, classes)
        names, left_out = without_square(names, norm, *images.shape[2:])
        warnings += left_out
    ensemble = Ensemble(
        network,
        images,
        labels,
        norm=norm,
        attacks=names,
        classes=classes,
        seed=seed,
        restarts=PLUS_RESTARTS if attack == "autoattack_plus" else 1,
        announce=announce,
    )
    ensemble.warnings.extend(warnings)
    return ensemble.perturb, ensemble.broken_by, ensemble.warnings


def _correct(network: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """Return which images (n,) the network classifies correctly, as bool on the CPU."""
    with torch.no_grad():
        logits = network(images)
    # logits that are not finite say nothing, so they never count as robust
    return ((logits.argmax(1) == labels) & logits.isfinite().all(1)).cpu()
