"""Robust accuracy of a network under one attack at several epsilons."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ..intervals import wilson_interval
from .catalog import check_request, get_attack
from .fgsm import fgsm
from .guards import check_images, check_network, check_perturbation, saturation_warnings

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
    warnings: list[str] = []

    def report(done: int, text: str) -> None:
        if progress is not None:
            progress(done, len(ordered), text)

    done, text = 0, ""
    if attack == "fgsm":

        def perturb(rows: Tensor, epsilon: float) -> Tensor:
            return fgsm(
                network, images[rows], labels[rows], epsilon=epsilon, norm=norm, batch_size=size
            )
    else:
        # imported here because FGSM does without the package
        from .autoattack import Ensemble, standard_attacks

        classes = logits.shape[1]
        if attack == "pgd":
            names: tuple[str, ...] = ("apgd-ce",)
            warnings += saturation_warnings(logits, labels)
        else:
            names, few = standard_attacks(classes)
            warnings += few
        ensemble = Ensemble(
            network,
            images,
            labels,
            norm=norm,
            attacks=names,
            classes=classes,
            seed=seed,
            batch_size=size,
            announce=lambda name: report(done, f"{text}: {name}"),
        )
        perturb = ensemble.perturb

    records = []
    standing = clean.clone()
    for done, epsilon in enumerate(ordered):
        text = f"epsilon {epsilon:g}"
        report(done, text)
        started = time.perf_counter()
        if not get_attack(attack).carries_over:
            standing = clean.clone()
        rows = standing.nonzero().squeeze(1)
        if len(rows) > 0:
            adversarial = perturb(rows, epsilon)
            check_perturbation(images[rows], adversarial, epsilon=epsilon, norm=norm)
            standing[rows] = _correct(network, adversarial, labels[rows], size)
        robust = int(standing.sum())
        low, high = wilson_interval(robust, len(images))
        records.append(
            {
                "epsilon": epsilon,
                "correct": standing.int().tolist(),
                "robust_accuracy": robust / len(images),
                "interval_low": low,
                "interval_high": high,
                "seconds": time.perf_counter() - started,
            }
        )
    report(len(ordered), "done")
    if attack != "fgsm":
        warnings += ensemble.warnings
    return {
        "attack": attack,
        "norm": norm,
        "seed": seed,
        "labels": labels.tolist(),
        "clean_correct": clean.int().tolist(),
        "epsilons": records,
        "warnings": warnings,
    }


def _correct(network: nn.Module, images: Tensor, labels: Tensor, batch_size: int) -> Tensor:
    """Return which images (n,) the network classifies correctly, as bool on the CPU."""
    with torch.no_grad():
        logits = torch.cat([network(x) for x in images.split(batch_size)])
    # logits that are not finite say nothing, so they never count as robust
    return ((logits.argmax(1) == labels) & logits.isfinite().all(1)).cpu()
