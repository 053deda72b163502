"""One sweep: the network and every candidate on the probe set, each prefix computed once."""

import logging
import os
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from layer_pruning.activations.features import Activations, ImageActivations, activations_file
from layer_pruning.models.fused import fused
from layer_pruning.models.residual import ResidualNetwork

logger = logging.getLogger(__name__)

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}
BRANCHES = ("one_by_one", "together")

# Bytes of the largest feature map that a chunk of images fills. On a CPU, maps that stay within
# the second-level cache were fastest (32 images of a CIFAR ResNet in float32, 64 in bfloat16) ...
_CPU_BYTES = 2**21
# ... and so many images at least pay for reading the weights, which outweigh the maps of an
# ImageNet ResNet: with 8 images, one takes a sixth to nearly a half less time than alone.
_CPU_IMAGES = 8
# A GPU wants many images at once; the largest map of all branches together stays within this,
# which is a guess and not measured.
_GPU_BYTES = 2**29

Images = Callable[[int, int], Tensor]
"""Gives the images from a first to before a last one, (m, channels, height, width) in [0, 1]."""


def sweep(
    network: ResidualNetwork,
    images: Tensor,
    candidates: Sequence[str],
    *,
    chunk: int | None = None,
    precision: str = "float32",
    branches: str | None = None,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Features and logits of ``images``, intact and with each candidate bypassed.

    ``images`` (n, channels, height, width) in [0, 1]. Returns features (n, d), bypassed features
    (c, n, d), logits (n, k) and bypassed logits (c, n, k), float32 on the CPU, candidates in the
    order given.

    The candidates share their prefix: the intact network is walked once, and at every candidate
    the rest of the network runs on that block's input. For a ResNet-56 that is 13 network
    evaluations an image where one a candidate needs 26. Convolutions are fused with their batch
    norms. At most one prefix and one suffix activation of a chunk of images are alive.

    ``chunk`` is how many images go through at once; None chooses by the size of the feature maps.
    ``precision`` is what the blocks compute in: ``float32``, or ``bfloat16``, which moves features
    by about a percent and takes about half the time where the processor has instructions for it.
    ``branches`` is ``one_by_one``, or ``together``: all branches that are alive pass through the
    next block as one batch, for devices that small batches leave idle. None chooses by device.

    Raises ValueError for a candidate that the network lacks and for an unknown option.
    """
    parts = list(
        _parts(
            network,
            lambda start, stop: images[start:stop],
            len(images),
            candidates,
            chunk=chunk,
            precision=precision,
            branches=branches,
        )
    )
    features, features_bypassed, logits, logits_bypassed = zip(*parts, strict=True)
    return (
        torch.cat(features),
        torch.cat(features_bypassed, dim=1),
        torch.cat(logits),
        torch.cat(logits_bypassed, dim=1),
    )


def activations_of(
    network: ResidualNetwork,
    images: np.ndarray,
    labels: np.ndarray,
    probe_indices: np.ndarray,
    candidates: Sequence[str],
    *,
    precision: str = "float32",
) -> Activations:
    """The sweep of ``network`` over n probe images, (n, channels, height, width), in memory."""
    features, features_bypassed, logits, logits_bypassed = sweep(
        network, torch.from_numpy(images), candidates, precision=precision
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


def extract_activations(
    path: str | os.PathLike[str],
    network: ResidualNetwork,
    images: Callable[[np.ndarray], np.ndarray],
    labels: np.ndarray,
    probe_indices: np.ndarray,
    candidates: Sequence[str],
    *,
    chunk: int | None = None,
    precision: str = "float32",
) -> None:
    """Write the activations file of ``network``: its sweep over the probe set, chunk by chunk.

    ``images`` gives the images (m, channels, height, width), float32 in [0, 1], at m indices;
    ``labels`` (n,) and ``probe_indices`` (n,) are those of the probe set. Memory is bounded by
    the chunk, whatever the number of images and candidates. Progress goes to the log.

    Raises ValueError as :func:`sweep`, and for features that are not finite.
    """
    total = len(probe_indices)
    parts = _parts(
        network,
        lambda start, stop: torch.from_numpy(images(probe_indices[start:stop])),
        total,
        candidates,
        chunk=chunk,
        precision=precision,
        branches=None,
    )
    done, said = 0, 0
    with activations_file(
        path, labels=labels, blocks=candidates, probe_indices=probe_indices
    ) as append:
        for part in parts:
            append(ImageActivations(*(values.numpy() for values in part)))
            done += len(part[0])
            if 10 * done // total > said:
                said = 10 * done // total
                logger.info("%d of %d images", done, total)


@torch.no_grad()
def _parts(
    network: ResidualNetwork,
    images: Images,
    total: int,
    candidates: Sequence[str],
    *,
    chunk: int | None,
    precision: str,
    branches: str | None,
) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor]]:
    """The sweep, a chunk of images at a time: what :func:`sweep` returns, for that chunk."""
    missing = set(candidates) - set(network.block_names)
    if missing:
        raise ValueError(f"the network has no {', '.join(sorted(missing))} to bypass")
    if precision not in PRECISIONS:
        raise ValueError(f"precision: '{precision}' should be one of {', '.join(PRECISIONS)}")
    device = next(network.parameters()).device
    if branches is None:
        branches = "together" if device.type == "cuda" else "one_by_one"
    if branches not in BRANCHES:
        raise ValueError(f"branches: '{branches}' should be one of {', '.join(BRANCHES)}")
    walk = _together if branches == "together" else _one_by_one
    walker = fused(network).to(memory_format=torch.channels_last)
    number = PRECISIONS[precision]
    # the stem sees images and the classifier decides: both are cheap and stay in float32
    trunk = [(name, block.to(number)) for name, block in walker.trunk()]

    def entered(start: int, stop: int) -> Tensor:
        batch = images(start, stop).to(device, memory_format=torch.channels_last)
        return walker.enter(batch).to(number)

    if chunk is None:
        alive = len(candidates) + 1 if branches == "together" else 1
        chunk = chunk_of(entered(0, 1), trunk, alive)
    for start in range(0, total, chunk):
        pooled = walk(trunk, entered(start, min(start + chunk, total)), candidates, walker.pool)
        logits = walker.classifier(pooled)
        yield pooled[0].cpu(), pooled[1:].cpu(), logits[0].cpu(), logits[1:].cpu()


Trunk = Sequence[tuple[str, torch.nn.Module]]
Pool = Callable[[Tensor], Tensor]


def chunk_of(entered: Tensor, trunk: Trunk, alive: int) -> int:
    """How many images to send through at once, by the largest feature map between blocks.

    ``entered`` is one image as it enters ``trunk``, and ``alive`` how many branches of an image
    are held at once. Measured by ``benchmarks/sweep.py``.
    """
    largest = entered.nbytes
    for _, block in trunk:
        entered = block(entered)
        largest = max(largest, entered.nbytes)
    if entered.device.type == "cuda":
        return max(1, _GPU_BYTES // (largest * alive))
    return max(_CPU_IMAGES, _CPU_BYTES // largest)


def _one_by_one(trunk: Trunk, x: Tensor, candidates: Sequence[str], pool: Pool) -> Tensor:
    """Pooled features (1 + c, m, d), intact first: each branch runs to its end on its own."""
    bypassed = {}
    for position, (name, block) in enumerate(trunk):
        if name in candidates:
            suffix = x
            for _, later in trunk[position + 1 :]:
                suffix = later(suffix)
            bypassed[name] = pool(suffix.float())
        x = block(x)
    return torch.stack([pool(x.float()), *(bypassed[name] for name in candidates)])


def _together(trunk: Trunk, x: Tensor, candidates: Sequence[str], pool: Pool) -> Tensor:
    """Pooled features (1 + c, m, d), intact first: all branches go block by block as one batch."""
    images = len(x)
    order: list[str] = []
    for name, block in trunk:
        intact = x[:images]
        x = block(x)
        if name in candidates:
            # a bypassed block changes no shape: its input joins the outputs of the others
            x = torch.cat([x, intact])
            order.append(name)
    pooled = pool(x.float())
    pooled = pooled.view(-1, images, pooled.shape[-1])
    return pooled[[0, *(1 + order.index(name) for name in candidates)]]
