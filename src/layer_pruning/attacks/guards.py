"""Checks without which a robust accuracy means nothing.

Each raises ValueError with one line, or returns warnings. They cover the ways in which an attack
is known to fail silently: wrong input range, probabilities in place of logits, a network that is
in training mode or random, and a perturbation larger than it claims to be (Carlini et al. 2019,
arXiv:1902.06705; the checks of AutoAttack, Croce & Hein 2020, only warn).
"""

import torch
from torch import Tensor, nn

# slack for rounding in the size of a perturbation
TOLERANCE = 1e-6

# beyond this margin the softmax of float32 logits rounds to 1
_SATURATION = 16.6


def check_images(images: Tensor, labels: Tensor) -> None:
    """Check images (n, c, h, w), float in [0, 1], against integer labels (n,)."""
    if images.ndim != 4 or len(images) == 0:
        raise ValueError(f"images must have shape (n, c, h, w), n >= 1, not {tuple(images.shape)}")
    if not images.is_floating_point():
        raise ValueError(f"images must be floating point in [0, 1], not {images.dtype}")
    if labels.shape != (len(images),) or labels.dtype != torch.int64:
        raise ValueError(
            f"labels must be int64 of shape ({len(images)},), "
            f"not {labels.dtype} of {tuple(labels.shape)}"
        )
    low, high = images.min().item(), images.max().item()
    # written so that NaN fails as well
    if not (low >= 0 and high <= 1):
        raise ValueError(
            f"images must lie in [0, 1], these span [{low:g}, {high:g}]; "
            "normalisation belongs inside the network"
        )


def check_network(network: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """Check a network on one batch of checked images and labels; return its logits (n, k)."""
    training = [name or "the network" for name, m in network.named_modules() if m.training]
    if training:
        raise ValueError(f"the network must be in eval mode; in training mode: {training[0]}")
    with torch.no_grad():
        logits, again = network(images), network(images)
    if logits.ndim != 2 or len(logits) != len(images) or logits.shape[1] < 2:
        raise ValueError(
            f"the network must return logits of shape ({len(images)}, k), k >= 2, "
            f"not {tuple(logits.shape)}"
        )
    if not logits.isfinite().all() or not again.isfinite().all():
        raise ValueError("the network returns logits that are not finite")
    if labels.min() < 0 or labels.max() >= logits.shape[1]:
        raise ValueError(
            f"labels must lie in 0..{logits.shape[1] - 1} (the network's classes), "
            f"not {labels.min().item()}..{labels.max().item()}"
        )
    # room for the order of sums on a GPU, far below what dropout or added noise does
    allowed = 1e-5 * max(1.0, logits.abs().max().item())
    difference = (logits - again).abs().max().item()
    if difference > allowed:
        raise ValueError(
            f"the network is random: two passes over the same images differ by {difference:g}"
        )
    if (logits >= 0).all() and ((logits.sum(1) - 1).abs() < 1e-4).all():
        raise ValueError("the network returns probabilities; attacks need logits (drop softmax)")
    return logits


def perturbation_sizes(images: Tensor, adversarial: Tensor, norm: str) -> Tensor:
    """Return the size (n,), float64, of each perturbation in ``norm`` ("Linf" or "L2")."""
    difference = (adversarial.double() - images.double()).flatten(1)
    return difference.abs().amax(1) if norm == "Linf" else difference.norm(dim=1)


def check_perturbation(images: Tensor, adversarial: Tensor, *, epsilon: float, norm: str) -> None:
    """Check that adversarial images lie in [0, 1] and within ``epsilon`` of the clean ones."""
    if adversarial.shape != images.shape:
        raise ValueError(
            f"the attack returned images of shape {tuple(adversarial.shape)}, "
            f"not {tuple(images.shape)}"
        )
    low, high = adversarial.min().item(), adversarial.max().item()
    if not (low >= 0 and high <= 1):
        raise ValueError(f"adversarial images must lie in [0, 1], these span [{low:g}, {high:g}]")
    largest = perturbation_sizes(images, adversarial, norm).max().item()
    if largest > epsilon + TOLERANCE:
        raise ValueError(f"the perturbation is {largest:g} in {norm}, above epsilon {epsilon:g}")


def saturated_count(logits: Tensor, labels: Tensor) -> int:
    """How many images are too confident for a gradient of the cross-entropy in float32.

    ``logits`` (n, k), ``labels`` (n,). Attacks on the cross-entropy alone look weaker than they
    are on such images; losses that do not depend on the scale of the logits do not suffer.
    """
    is_own = nn.functional.one_hot(labels, logits.shape[1]).bool()
    margins = logits[is_own] - logits.masked_fill(is_own, -float("inf")).logsumexp(1)
    return int((margins > _SATURATION).sum())
