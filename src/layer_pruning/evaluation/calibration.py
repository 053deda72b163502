"""Whether a network's probabilities mean what they say, before and after temperature scaling.

Guo, Pleiss, Sun and Weinberger, "On calibration of modern neural networks", ICML 2017
(arXiv:1706.04599).
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

BINS = 15
RESAMPLES = 400
DEFINITION = (
    "expected calibration error: 15 bins of equal width of the highest probability, the mean over "
    "images of |accuracy - mean highest probability| of their bin (Guo et al. 2017, eq. 3); "
    "Brier score: sum over classes of the squared error of the probability, mean over images, 0 to "
    "2 (Brier 1950); negative log-likelihood in nats; the temperature minimises that of the "
    "validation split; intervals are 95 % over images, by the basic bootstrap (Davison and Hinkley "
    "1997, section 5.2), which takes the upward bias of the first into account"
)
# temperatures from 1/100 to 100; a minimum beyond says that there is none
_LARGEST = 100.0


def calibration_errors(logits: Tensor, labels: Tensor, *, bins: int = BINS) -> dict[str, Any]:
    """Calibration of ``logits`` (n, k) against ``labels`` (n,): three errors and their bins.

    Each error has a 95 % interval over images, ``{name}_interval_low`` and ``_high``.

    A bin holds the images whose highest probability lies in (low, high]; accuracy and confidence
    (the mean highest probability) of one without images are None.
    """
    log_probabilities = logits.double().log_softmax(1)
    probabilities = log_probabilities.exp()
    confidence, predicted = probabilities.max(1)
    right = (predicted == labels).double()
    place = (confidence * bins).ceil().long().clamp(1, bins) - 1
    counts = torch.bincount(place, minlength=bins)
    accuracies = torch.bincount(place, right, bins) / counts
    confidences = torch.bincount(place, confidence, bins) / counts
    of_class = torch.nn.functional.one_hot(labels, logits.shape[1]).double()
    # of each image, how much it adds to the gap of its bin, and its two other errors
    gaps = torch.nn.functional.one_hot(place, bins).double() * (right - confidence)[:, None]
    surprise = -log_probabilities.gather(1, labels[:, None])
    errors = torch.cat([gaps, surprise, (probabilities - of_class).square().sum(1)[:, None]], 1)
    return {
        **_with_intervals(errors),
        "bins": [
            {
                "low": index / bins,
                "high": (index + 1) / bins,
                "images": count,
                "accuracy": float(accuracies[index]) if count else None,
                "confidence": float(confidences[index]) if count else None,
            }
            for index, count in enumerate(counts.tolist())
        ],
    }


def _with_intervals(errors: Tensor) -> dict[str, float]:
    """The three errors with their intervals, from the parts (n, bins + 2) of each image."""
    images = len(errors)
    generator = torch.Generator().manual_seed(0)
    means = torch.empty(RESAMPLES, errors.shape[1], dtype=torch.float64)
    for row in means:
        drawn = torch.randint(images, (images,), generator=generator)
        row[:] = torch.bincount(drawn, minlength=images).double() @ errors / images
    found: dict[str, float] = {}
    names = ("expected_calibration_error", "negative_log_likelihood", "brier_score")
    own, drawn = _three(errors.mean(0)[None])[0], _three(means)
    for name, value, resampled in zip(names, own, drawn.T, strict=True):
        low, high = (float(resampled.quantile(share)) for share in (0.025, 0.975))
        found[name] = float(value)
        found[f"{name}_interval_low"] = max(0.0, 2 * float(value) - high)
        found[f"{name}_interval_high"] = max(0.0, 2 * float(value) - low)
    return found


def _three(parts: Tensor) -> Tensor:
    """The three errors (m, 3) from means (m, bins + 2): gaps count whatever their sign."""
    return torch.cat([parts[:, :-2].abs().sum(1, keepdim=True), parts[:, -2:]], 1)


def fitted_temperature(logits: Tensor, labels: Tensor) -> tuple[float | None, str | None]:
    """The temperature T for which softmax(logits / T) is likeliest, or None and the reason.

    ``logits`` (n, k), ``labels`` (n,). The negative log-likelihood is convex in 1 / T, so the root
    of its slope is found by bisection. There is none where a smaller temperature is always better,
    as for a network that is right on every image, or a larger one is.
    """
    scores = logits.double()
    own = scores.gather(1, labels[:, None]).squeeze(1)

    def slope(inverse: float) -> float:
        expected = ((scores * inverse).softmax(1) * scores).sum(1)
        return float((expected - own).mean())

    if not bool((scores != scores[:, :1]).any()):
        return None, (
            "no temperature fits: the logits of every class are the same on the validation images, "
            "and dividing them changes no probability"
        )
    low, high = 1 / _LARGEST, _LARGEST
    # where 1 / T grows without end the slope becomes the mean lead of the highest logit
    if float((scores.amax(1) - own).mean()) == 0 or slope(high) < 0:
        return None, (
            "no temperature fits: the validation images are classified so well that a lower one "
            "is always likelier"
        )
    if slope(low) > 0:
        return None, (
            "no temperature fits: the validation images are classified so badly that a higher one "
            "is always likelier"
        )
    for _ in range(60):
        # halved on a scale of ratios, since temperatures are ratios
        middle = (low * high) ** 0.5
        low, high = (middle, high) if slope(middle) < 0 else (low, middle)
    return 1 / (low * high) ** 0.5, None


def calibration_record(outputs: Mapping[str, tuple[Tensor, Tensor]]) -> dict[str, Any]:
    """The content of ``calibration.json`` from logits and labels of ``validation`` and ``test``.

    ``scaled`` is None for both splits where no temperature fits; ``reason`` says why.
    """
    temperature, reason = fitted_temperature(*outputs["validation"])
    splits = {
        split: {
            "images": len(labels),
            "as_trained": calibration_errors(logits, labels),
            "scaled": None
            if temperature is None
            else calibration_errors(logits.double() / temperature, labels),
        }
        for split, (logits, labels) in outputs.items()
    }
    return {
        "temperature": temperature,
        "reason": reason,
        "splits": splits,
        "definition": DEFINITION,
    }
