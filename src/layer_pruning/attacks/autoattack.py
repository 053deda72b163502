"""AutoAttack and Auto-PGD from the package pyautoattack, made reproducible and well-behaved.

Croce & Hein, "Reliable evaluation of adversarial robustness with an ensemble of diverse
parameter-free attacks", ICML 2020 (arXiv:2003.01690).
"""

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pyautoattack
import torch
from pyautoattack.fab_pt import FABAttack_PT
from torch import Tensor, nn

from layer_pruning.attacks.guards import perturbation_sizes

# as many random starts as version "plus" gives to the attacks that it starts more than once
PLUS_RESTARTS = 5


def ensemble_attacks(attack: str, classes: int) -> tuple[tuple[str, ...], list[str]]:
    """Return the parts of "autoattack" or "autoattack_plus" for ``classes`` classes, and warnings.

    The targeted DLR loss needs four logits and the untargeted one three (eqs. 6 and 7 of the
    paper). Raises ValueError below two classes.
    """
    if classes < 2:
        raise ValueError(f"{attack} needs at least 2 classes, not {classes}")
    if attack == "autoattack_plus":
        # the order of the package
        names = ("apgd-ce", "apgd-dlr", "fab", "square", "apgd-t", "fab-t")
        needed = {"apgd-dlr": 3, "apgd-t": 4}
        left_out = [name for name in names if classes < needed.get(name, 2)]
        text = f"{attack} with {classes} classes: no DLR loss for {' and '.join(left_out)}"
        kept = tuple(name for name in names if name not in left_out)
        return kept, [f"{text}, left out"] if left_out else []
    if classes == 2:
        return ("apgd-ce", "fab-t", "square"), [
            "autoattack with 2 classes: no DLR loss exists, so APGD-T is left out"
        ]
    if classes == 3:
        return ("apgd-ce", "apgd-dlr", "fab-t", "square"), [
            "autoattack with 3 classes: the targeted DLR loss needs 4, so APGD-DLR replaces APGD-T"
        ]
    return ("apgd-ce", "apgd-t", "fab-t", "square"), []


def square_fits(height: int, width: int) -> bool:
    """Whether the package's Square attack can lay its first pattern in L2 over such images.

    It tiles them with squares of a fifth of the height, from one corner offset on, and fails where
    a tile would stick out; a tile of one pixel never does.
    """
    side = height // 5
    if side < 2:
        return side == 1
    start = (height - 5 * side) // 2
    tiles = {length: length // side for length in (height, width)}
    return all(not count or start + count * side <= length for length, count in tiles.items())


def without_square(
    attacks: tuple[str, ...], norm: str, height: int, width: int
) -> tuple[tuple[str, ...], list[str]]:
    """``attacks`` less Square where it cannot run on such images in ``norm``, and warnings."""
    if "square" not in attacks or norm != "L2" or square_fits(height, width):
        return attacks, []
    text = (
        f"Square is left out: its implementation has no L2 attack on images of {height} × {width} "
        "pixels; robust accuracy without it can be too high"
    )
    return tuple(name for name in attacks if name != "square"), [text]


@contextmanager
def undisturbed(network: nn.Module, device: torch.device) -> Iterator[None]:
    """Restore on exit what pyautoattack changes: random state, trace function, gradients.

    The package seeds the global generator, removes the trace function (which ends a coverage
    measurement), and its FAB adds to the gradients of the parameters. Without gradients of the
    parameters a backward pass is also shorter.
    """
    trace = sys.gettrace()
    flags = [(parameter, parameter.requires_grad) for parameter in network.parameters()]
    devices = [device, torch.cuda.current_device()] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        for parameter, _ in flags:
            parameter.requires_grad_(False)
        try:
            yield
        finally:
            for parameter, flag in flags:
                parameter.requires_grad_(flag)
            sys.settrace(trace)


class _Collector(logging.Handler):
    """Keep the warnings of the package, and pass on which attack it starts."""

    def __init__(self, warnings: list[str], announce: Callable[[str], None]) -> None:
        super().__init__(logging.DEBUG)
        self._warnings = warnings
        self._announce = announce

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        if record.levelno >= logging.WARNING:
            text = "pyautoattack: " + " ".join(message.split())
            if text not in self._warnings:
                self._warnings.append(text)
        elif message.startswith("running "):
            self._announce(message.removeprefix("running "))


@contextmanager
def _collected(warnings: list[str], announce: Callable[[str], None]) -> Iterator[None]:
    logger = logging.getLogger("auto-attack")
    handler = _Collector(warnings, announce)
    level, propagate = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        logger.propagate = propagate


class Ensemble:
    """Attacks run one after the other, each on the images that withstood those before it.

    ``images`` (n, c, h, w) in [0, 1] and ``labels`` (n,) lie on the device of ``network``;
    ``attacks`` are names of pyautoattack; ``classes`` is the number of logits. With
    ``attacks=("apgd-ce",)`` this is PGD with the step sizes of APGD, and with those of
    ``ensemble_attacks`` it is AutoAttack: 100 iterations, at most nine target classes, 5000 queries
    and ``restarts`` random starts of APGD-CE, APGD-DLR and FAB (1 in the standard version, 5 in
    plus). All images are one batch, and the outcome depends on ``seed`` and on which images are in
    it: the package seeds the generator anew for every batch and draws for all images at once.

    FAB-T looks for the smallest perturbation and, starting from the image itself as it does here,
    never looks at epsilon. So it runs once per image, at the first epsilon that the image meets,
    and answers for all later ones; it is exactly what running it anew would give.

    ``announce`` is called with the name of each attack that starts. ``warnings`` collects what
    the package warns of, ``broken_by`` how many images each attack broke at an epsilon.
    """

    def __init__(
        self,
        network: nn.Module,
        images: Tensor,
        labels: Tensor,
        *,
        norm: str,
        attacks: tuple[str, ...],
        classes: int,
        seed: int,
        restarts: int = 1,
        announce: Callable[[str], None] = lambda name: None,
    ) -> None:
        self.warnings: list[str] = []
        self.broken_by: dict[float, dict[str, int]] = {}
        self._network = network
        self._images = images
        self._labels = labels
        self._norm = norm
        self._attacks = attacks
        self._targets = min(9, classes - 1)
        self._seed = seed
        self._restarts = restarts
        self._announce = announce
        # the smallest perturbation FAB found for each image, and its size
        self._nearest = images.clone()
        self._distance = torch.full((len(images),), float("inf"), dtype=torch.float64)
        self._searched = torch.zeros(len(images), dtype=torch.bool)

    def perturb(self, rows: Tensor, epsilon: float) -> Tensor:
        """Return adversarial images (len(rows), c, h, w) for the images ``rows`` (indices).

        Where no attack succeeds within ``epsilon`` the clean image is returned. The images must
        be classified correctly.
        """
        adversarial = self._images[rows].clone()
        standing = torch.arange(len(rows))
        counts = self.broken_by.setdefault(epsilon, dict.fromkeys(self._attacks, 0))
        with (
            undisturbed(self._network, self._images.device),
            _collected(self.warnings, self._announce),
        ):
            for name in self._attacks:
                if len(standing) == 0:
                    break
                left = rows[standing]
                if name == "fab-t":
                    self._announce(name)
                    found = self._fab(left, epsilon)
                else:
                    found = self._from_package(name, left, epsilon)
                broken = self._predict(found) != self._labels[left]
                broken = broken.to(standing.device)
                adversarial[standing[broken]] = found[broken]
                counts[name] += int(broken.sum())
                standing = standing[~broken]
        return adversarial

    def _predict(self, images: Tensor) -> Tensor:
        with torch.no_grad():
            return self._network(images).argmax(1)

    def _from_package(self, name: str, rows: Tensor, epsilon: float) -> Tensor:
        attack = pyautoattack.AutoAttack(
            self._network,
            attacks=[name],
            version="custom",
            norm=self._norm,
            eps=epsilon,
            seed=self._seed,
            device=self._images.device,
        )
        # what the versions of the package set
        attack.apgd.n_restarts = self._restarts
        attack.fab.n_restarts = self._restarts
        attack.apgd_targeted.n_target_classes = self._targets
        # the package compares it with the number of classes even if FAB is not run
        attack.fab.n_target_classes = self._targets
        found, _ = attack.run_standard_evaluation(
            self._images[rows], self._labels[rows], batch_size=len(rows)
        )
        return found

    def _fab(self, rows: Tensor, epsilon: float) -> Tensor:
        """FAB-T against each target class, from the image itself (arXiv:1907.02044)."""
        fab = FABAttack_PT(
            self._network,
            n_restarts=1,
            n_iter=100,
            eps=epsilon,
            seed=self._seed,
            norm=self._norm,
            targeted=True,
            device=self._images.device,
        )
        new = rows[~self._searched[rows]]
        images, labels = self._images[new], self._labels[new]
        for target in range(2, self._targets + 2) if len(new) > 0 else ():
            fab.target_class = target
            found = fab.attack_single_run(images, labels, is_targeted=True)
            sizes = perturbation_sizes(images, found, self._norm).cpu()
            # FAB returns the clean image where it found nothing
            sizes[(self._predict(found) == labels).cpu()] = float("inf")
            better = sizes < self._distance[new]
            self._nearest[new[better]] = found[better]
            self._distance[new[better]] = sizes[better]
        self._searched[new] = True
        near = self._distance[rows] <= epsilon
        return torch.where(
            near.to(self._images.device)[:, None, None, None],
            self._nearest[rows],
            self._images[rows],
        )
