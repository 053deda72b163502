"""Robust accuracy of a network under one attack at several epsilons."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from layer_pruning.attacks.catalog import check_request, get_attack
from layer_pruning.attacks.fgsm import fgsm
from layer_pruning.attacks.guards import (
    check_images,
    check_network,
    check_perturbation,
    saturation_warnings,
)
from layer_pruning.intervals import wilson_interval

Progress = Callable[[int, int, str], None]


def attack_network(
    network: nn.Module,
    images: Tensor,
    labels: Tensor,
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
    of finished epsilons, their total and a text. The caller adds ``image_indices``.

    - An image that is classified wrongly without any attack is not robust and is not attacked.
    - Epsilons are taken in ascending order. For ``pgd`` and ``autoattack`` an image broken at one
      epsilon counts as broken at every larger one and is not attacked again. This is exact: the
      adversarial image found lies inside the larger ball too. ``fgsm`` is defined by its single
      step of size epsilon, so every epsilon meets all correctly classified images.
    - Whether an image is broken is decided by a forward pass here, on an adversarial image whose
      distance was measured here; no count of a package is used.

    The random state of torch and the network are left as they were. Raises ValueError where a
    guard finds that the numbers would mean nothing (see ``guards``).
    """
    ordered = check_request(attack, norm, list(epsilons))
    if batch_size is not None and batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, not {batch_size}")
    check_images(images, labels)
    device = next((p.device for p in network.parameters()), images.device)
    images, labels = images.detach().to(device), labels.to(device)
    size = batch_size or len(images)

    logits = torch.cat(
        [
            check_network(network, x, y)
            for x, y in zip(images.split(size), labels.split(size), strict=True)
        ]
    )
    clean = (logits.argmax(1) == labels).cpu()
    records: list[dict[str, Any]] = []
    doing = ""

    def report(text: str) -> None:
        if progress is not None:
            progress(len(records), len(ordered), text)

    def announce(name: str) -> None:
        report(f"{doing}: {name}")

    perturb, warnings = _perturber(
        attack, network, images, labels, logits, norm, seed, size, announce
    )
    standing = clean.clone()
    for epsilon in ordered:
        doing = f"epsilon {epsilon:g}"
        report(doing)
        started = time.perf_counter()
        if not get_attack(attack).carries_over:
            standing = clean.clone()
        rows = standing.nonzero().squeeze(1)
        if len(rows) > 0:
            adversarial = perturb(rows, epsilon)
            check_perturbation(images[rows], adversarial, epsilon=epsilon, norm=norm)
            standing[rows] = _correct(network, adversarial, labels[rows], size)
        records.append(_record(epsilon, standing, time.perf_counter() - started))
    report("done")
    return {
        "attack": attack,
        "norm": norm,
        "seed": seed,
        "labels": labels.tolist(),
        "clean_correct": clean.int().tolist(),
        "epsilons": records,
        "warnings": warnings(),
    }


def _perturber(
    attack: str,
    network: nn.Module,
    images: Tensor,
    labels: Tensor,
    logits: Tensor,
    norm: str,
    seed: int,
    size: int,
    announce: Callable[[str], None],
) -> tuple[Callable[[Tensor, float], Tensor], Callable[[], list[str]]]:
    """A function from rows of ``images`` and an epsilon to adversarial images, and its warnings.

    ``logits`` are those of the clean images, ``announce`` is called with the name of each part of
    an ensemble.
    """
    if attack == "fgsm":

        def perturb(rows: Tensor, epsilon: float) -> Tensor:
            return fgsm(
                network, images[rows], labels[rows], epsilon=epsilon, norm=norm, batch_size=size
            )

        return perturb, list
    # imported here because FGSM does without the package
    from layer_pruning.attacks.autoattack import Ensemble, standard_attacks

    classes = logits.shape[1]
    if attack == "pgd":
        names: tuple[str, ...] = ("apgd-ce",)
        warnings = saturation_warnings(logits, labels)
    else:
        names, warnings = standard_attacks(classes)
    ensemble = Ensemble(
        network,
        images,
        labels,
        norm=norm,
        attacks=names,
        classes=classes,
        seed=seed,
        batch_size=size,
        announce=announce,
    )
    return ensemble.perturb, lambda: [*warnings, *ensemble.warnings]


def _record(epsilon: float, standing: Tensor, seconds: float) -> dict[str, Any]:
    """The outcome at one epsilon; ``standing`` (n,) says which images are still correct."""
    robust, count = int(standing.sum()), len(standing)
    low, high = wilson_interval(robust, count)
    return {
        "epsilon": epsilon,
        "correct": standing.int().tolist(),
        "robust_accuracy": robust / count,
        "interval_low": low,
        "interval_high": high,
        "seconds": seconds,
    }


def _correct(network: nn.Module, images: Tensor, labels: Tensor, batch_size: int) -> Tensor:
    """Return which images (n,) the network classifies correctly, as bool on the CPU."""
    with torch.no_grad():
        logits = torch.cat([network(x) for x in images.split(batch_size)])
    # logits that are not finite say nothing, so they never count as robust
    return ((logits.argmax(1) == labels) & logits.isfinite().all(1)).cpu()
