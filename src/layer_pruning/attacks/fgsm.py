"""Fast gradient sign method, and its step in L2."""

import torch
from torch import Tensor, nn


def cross_entropy_direction(network: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """Return the direction (n, c, h, w) in which the cross-entropy of each image grows fastest.

    The cross-entropy is log(1 + exp(u)) with u = logsumexp of the other logits - own logit, so
    its gradient is that of u times a positive number per image. The gradient of u is used: the
    direction is the same, but it does not vanish for confident images. In float32 the softmax
    rounds to 1 beyond a margin of about 17, and the plain gradient then loses its own-class part.
    """
    images = images.detach().clone().requires_grad_()
    with torch.enable_grad():
        logits = network(images)
        own = logits.gather(1, labels[:, None]).squeeze(1)
        is_own = nn.functional.one_hot(labels, logits.shape[1]).bool()
        others = logits.masked_fill(is_own, -float("inf")).logsumexp(1)
        (gradient,) = torch.autograd.grad((others - own).sum(), images)
    return gradient


def fgsm(
    network: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    epsilon: float,
    norm: str,
) -> Tensor:
    """Return adversarial images (n, c, h, w): one step of size ``epsilon``, clamped to [0, 1].

    ``images`` (n, c, h, w) in [0, 1], ``labels`` (n,). ``norm`` is "Linf", a step of epsilon
    along the sign of the gradient (Goodfellow et al. 2015, arXiv:1412.6572, section 4), or "L2",
    a step of length epsilon along the gradient. An image whose gradient is zero stays as it is.
    Raises ValueError for another norm.
    """
    if norm not in ("Linf", "L2"):
        raise ValueError(f"fgsm supports the norms Linf, L2, not {norm!r}")
    gradient = cross_entropy_direction(network, images, labels)
    if norm == "Linf":
        step = gradient.sign()
    else:
        # scaled by its largest entry first, so that squares neither overflow nor underflow
        flat = gradient.flatten(1)
        largest = flat.abs().amax(1, keepdim=True)
        flat = torch.where(largest > 0, flat / largest, 0.0)
        length = flat.norm(dim=1, keepdim=True)
        step = torch.where(length > 0, flat / length, 0.0).view_as(gradient)
    return (images + epsilon * step).clamp(0, 1)
