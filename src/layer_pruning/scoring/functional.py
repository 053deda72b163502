"""Distances between what the network and its bypassed versions predict on the probe set.

Logits have shape (n, classes), bypassed ones (candidates, n, classes). All in float64.
"""

import numpy as np

from layer_pruning.scoring.catalog import FUNCTIONAL_METRICS


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Log probabilities over the last axis, without overflow."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def loss_increase(logits: np.ndarray, bypassed: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Cross-entropy on the probe set, bypassed minus intact: (candidates,), may be negative.

    Raises ValueError in one line for a label that has no logit, or one of −∞, as of a class that
    is masked: the loss is infinite there, before or after.
    """
    if labels.max() >= logits.shape[-1]:
        raise ValueError(
            f"labels reach to {labels.max()}, and the network has {logits.shape[-1]} classes, "
            f"0 to {logits.shape[-1] - 1}"
        )

    def cross_entropy(values: np.ndarray) -> np.ndarray:
        own = log_softmax(values)[..., np.arange(len(labels)), labels]
        if not np.isfinite(own).all():
            lost = labels[np.argwhere(~np.isfinite(own))[0, -1]]
            raise ValueError(
                f"loss_increase: class {lost} has labels and a logit of −∞, as if masked: "
                "take a metric that needs no labels, such as kl"
            )
        return -own.mean(axis=-1)

    return cross_entropy(bypassed) - cross_entropy(logits)


def disagreement(logits: np.ndarray, bypassed: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Share of probe images whose predicted class changes: (candidates,) in [0, 1]."""
    return (bypassed.argmax(axis=-1) != logits.argmax(axis=-1)).mean(axis=-1)


def kl(logits: np.ndarray, bypassed: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Mean divergence KL(intact ‖ bypassed) over the probe set, in nats: (candidates,).

    A class that the intact network gives no chance, such as one whose logit is −∞, counts nothing.
    """
    intact, other = log_softmax(logits), log_softmax(bypassed)
    chances = np.exp(intact)
    gaps = np.subtract(intact, other, out=np.zeros_like(other), where=chances > 0)
    divergence = (chances * gaps).sum(axis=-1).mean(axis=-1)
    # rounding can leave a divergence of zero just below it
    return np.maximum(divergence, 0.0)


FUNCTIONAL = {name: globals()[name] for name in FUNCTIONAL_METRICS}
"""The metrics of the catalogue: each is the function of that name."""
