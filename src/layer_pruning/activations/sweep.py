"""One sweep: the network and every candidate on the probe set, each prefix computed once."""

import logging
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from layer_pruning.activations.features import Activations
from layer_pruning.models.fused import fused
from layer_pruning.models.residual import ResidualNetwork

logger = logging.getLogger(__name__)

Progress = Callable[[int, int], None]
"""Called with the images done and the images in all."""


@torch.no_grad()
def sweep(
    network: ResidualNetwork,
    images: Tensor,
    candidates: Sequence[str],
    *,
    chunk: int = 100,
    progress: Progress | None = None,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Features and logits of ``images``, intact and with each candidate bypassed.

    ``images`` (n, channels, height, width) in [0, 1]. Returns features (n, d), bypassed features
    (c, n, d), logits (n, k) and bypassed logits (c, n, k) on the CPU, candidates in the order
    given.

    The candidates share their prefix: the intact network is walked once, and at every candidate
    the rest of the network runs on that block's input. For a ResNet-56 that is 13 network
    evaluations an image where one a candidate needs 26. Convolutions are fused with their batch
    norms. At most one prefix and one suffix activation of a chunk of images are alive.

    Raises ValueError for a candidate that the network lacks.
    """
    missing = set(candidates) - set(network.block_names)
    if missing:
        raise ValueError(f"the network has no {', '.join(sorted(missing))} to bypass")
    walker = fused(network).to(memory_format=torch.channels_last)
    trunk = list(walker.trunk())
    intact: list[Tensor] = []
    bypassed: dict[str, list[Tensor]] = {name: [] for name in candidates}
    for start in range(0, len(images), chunk):
        x = walker.enter(images[start : start + chunk].to(memory_format=torch.channels_last))
        for position, (name, block) in enumerate(trunk):
            if name in bypassed:
                suffix = x
                for _, later in trunk[position + 1 :]:
                    suffix = later(suffix)
                bypassed[name].append(walker.pool(suffix))
            x = block(x)
        intact.append(walker.pool(x))
        if progress is not None:
            progress(min(start + chunk, len(images)), len(images))
    features = torch.cat(intact)
    features_bypassed = torch.stack([torch.cat(bypassed[name]) for name in candidates])
    return (
        features.cpu(),
        features_bypassed.cpu(),
        walker.classifier(features).cpu(),
        walker.classifier(features_bypassed).cpu(),
    )


def activations_of(
    network: ResidualNetwork,
    images: np.ndarray,
    labels: np.ndarray,
    probe_indices: np.ndarray,
    candidates: Sequence[str],
) -> Activations:
    """The activations file of ``network``: its sweep over the probe set, progress in the log."""
    device = next(network.parameters()).device
    features, features_bypassed, logits, logits_bypassed = sweep(
        network,
        torch.from_numpy(images).to(device),
        candidates,
        progress=lambda done, total: logger.info("%d of %d images", done, total),
    )
    return Activations(
        features=features.numpy(),
        features_bypassed=features_bypassed.numpy(),
        logits=logits.numpy(),
        logits_bypassed=logits_bypassed.numpy(),
        labels=labels,
        blocks=np.array(candidates),
        probe_indices=probe_indices,
    )
