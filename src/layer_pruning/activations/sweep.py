"""One sweep: the network and every candidate on the probe set, each prefix computed once."""

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from layer_pruning.activations.features import (
    Activations,
    ImageActivations,
    activations_file,
    check_numbers_of,
    read_members,
)
from layer_pruning.models.fused import fused
from layer_pruning.models.pass_through import mapped, tensors
from layer_pruning.models.replay import Replay, settled
from layer_pruning.models.residual import ResidualNetwork
from layer_pruning.runtime.record_files import REMEDY
from layer_pruning.runtime.shards import WHOLE, Shard

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

    The candidates share their prefix: the intact network runs once, and for every candidate only
    what follows that block runs again (:mod:`layer_pruning.models.replay`). For a ResNet-56 that
    is 13 network evaluations an image where one a candidate needs 26. Convolutions are fused with
    their batch norms. What the modules around and the blocks themselves gave for one chunk of
    images is alive at once.

    ``chunk`` is how many images go through at once; None chooses by the size of the feature maps.
    ``precision`` is what the blocks compute in: ``float32``, or ``bfloat16``, which moves features
    by about a percent and takes about half the time where the processor has instructions for it.
    ``branches`` is ``one_by_one``, or ``together``: all branches that are alive pass through the
    next block as one batch, for devices that small batches leave idle. None chooses by device.

    Raises ValueError for a candidate that the network lacks and for an unknown option.
    """
    return _swept(
        network,
        lambda start, stop: images[start:stop],
        len(images),
        candidates,
        chunk=chunk,
        precision=precision,
        branches=branches,
    )


def _swept(
    network: ResidualNetwork,
    images: Images,
    total: int,
    candidates: Sequence[str],
    *,
    chunk: int | None = None,
    precision: str,
    branches: str | None = None,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The sweep over ``total`` images, put together from its parts."""
    prepared = _prepared(
        network, images, candidates, chunk=chunk, precision=precision, branches=branches
    )
    parts = prepared.parts(0, total, prepared.chunk)
    features, features_bypassed, logits, logits_bypassed = zip(*parts, strict=True)
    return (
        torch.cat(features),
        torch.cat(features_bypassed, dim=1),
        torch.cat(logits),
        torch.cat(logits_bypassed, dim=1),
    )


def activations_of(
    network: ResidualNetwork,
    images: np.ndarray | Callable[[np.ndarray], np.ndarray],
    labels: np.ndarray,
    probe_indices: np.ndarray,
    candidates: Sequence[str],
    *,
    precision: str = "float32",
) -> Activations:
    """The sweep of ``network`` over n probe images, with what was found in memory.

    ``images`` are those of the probe set, (n, channels, height, width), or give the images at some
    of ``probe_indices``, as for :func:`extract_activations`: then a chunk at a time is held.

    Raises ValueError as :func:`sweep` and :func:`check_numbers_of`.
    """

    def part(start: int, stop: int) -> Tensor:
        if callable(images):
            return torch.from_numpy(images(probe_indices[start:stop]))
        return torch.from_numpy(images[start:stop])

    swept = _swept(network, part, len(labels), candidates, precision=precision)
    found = ImageActivations(*(values.numpy() for values in swept))
    check_numbers_of(found, candidates)
    return Activations(
        **found._asdict(),
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
    shard: tuple[int, int] | None = None,
) -> None:
    """Write the activations file of ``network``: its sweep over the probe set, chunk by chunk.

    ``images`` gives the images (m, channels, height, width), float32 in [0, 1], at m indices;
    ``labels`` (n,) and ``probe_indices`` (n,) are those of the probe set. Memory is bounded by
    the chunk, whatever the number of images and candidates. Progress goes to the log.

    With a ``shard`` (which one, of how many) the file is that of its part of the chunks. Joined,
    they are what one job would have written: bit for bit on the same kind of device, unless the
    chunks had to be smaller so that every shard has one.

    Raises ValueError as :func:`sweep` and :func:`check_numbers_of`.
    """
    whole, this = len(probe_indices), Shard(*(shard or WHOLE))
    prepared = _prepared(
        network,
        lambda start, stop: torch.from_numpy(images(probe_indices[start:stop])),
        candidates,
        chunk=chunk,
        precision=precision,
        branches=None,
    )
    size = min(prepared.chunk, max(1, whole // this.total))
    own = this.of(whole, size)
    parts = prepared.parts(own.start, own.stop, size)
    total, done, said = own.stop - own.start, 0, 0
    with activations_file(
        path,
        labels=labels[own],
        blocks=candidates,
        probe_indices=probe_indices[own],
        place=(own.start, whole) if shard else None,
    ) as append:
        for part in parts:
            append(ImageActivations(*(values.numpy() for values in part)))
            done += len(part[0])
            if 10 * done // total > said:
                said = 10 * done // total
                logger.info("%d of %d images", done, total)


def join_activations(
    path: str | os.PathLike[str], shards: Sequence[str | os.PathLike[str]]
) -> None:
    """Write the activations file of a probe set from those of its ``shards``, in their order.

    One of them is in memory at a time. Raises as :func:`read_activations`, and ValueError naming
    the shard that does not go on where the one before ends, or is of other blocks.
    """
    about = [
        read_members(shard, ("labels", "probe_indices", "blocks", "place")) for shard in shards
    ]
    reached, total = 0, int(about[0]["place"][1])
    for shard, found in zip(shards, about, strict=True):
        same = np.array_equal(found["blocks"], about[0]["blocks"])
        if not same or found["place"].tolist() != [reached, total]:
            raise ValueError(f"{shard}: no part of the others' sweep; {REMEDY}")
        reached += len(found["labels"])
    labels, indices = (
        np.concatenate([found[name] for found in about]) for name in ("labels", "probe_indices")
    )
    if reached != total:
        raise ValueError(f"{shards[-1]}: images are missing after it; {REMEDY}")
    with activations_file(
        path, labels=labels, blocks=about[0]["blocks"].tolist(), probe_indices=indices
    ) as append:
        for shard in shards:
            append(ImageActivations(**read_members(shard, ImageActivations._fields)))


class _Prepared(NamedTuple):
    """A sweep that can begin."""

    walk: "Walk"
    taken: Images
    """Images on the device."""
    chunk: int
    """How many go through at once."""

    @torch.no_grad()
    def parts(
        self, first: int, last: int, size: int
    ) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor]]:
        """What :func:`sweep` returns for ``size`` images at a time, from first to before last."""
        for start in range(first, last, size):
            features, logits = self.walk(self.taken(start, min(start + size, last)))
            yield features[0].cpu(), features[1:].cpu(), logits[0].cpu(), logits[1:].cpu()


@torch.no_grad()
def _prepared(
    network: ResidualNetwork,
    images: Images,
    candidates: Sequence[str],
    *,
    chunk: int | None,
    precision: str,
    branches: str | None,
) -> _Prepared:
    """The sweep over ``images``, settled on the first of them."""
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
    walk = Walk(network, candidates, PRECISIONS[precision])

    def taken(start: int, stop: int) -> Tensor:
        return images(start, stop).to(device, memory_format=torch.channels_last)

    walk.settle(taken(0, 1), together=branches == "together")
    if chunk is None:
        chunk = chunk_of(walk.largest, device.type, len(candidates) + 1 if walk.together else 1)
    return _Prepared(walk, taken, chunk)


def chunk_of(largest: int, device: str, alive: int) -> int:
    """How many images to send through at once, by the largest feature map between blocks.

    ``largest`` are its bytes for one image, and ``alive`` how many branches of an image are held
    at once. Measured by ``benchmarks/sweep.py``.
    """
    if device == "cuda":
        return max(1, _GPU_BYTES // (largest * alive))
    return max(_CPU_IMAGES, _CPU_BYTES // largest)


class Walk:
    """The intact network and every candidate, on a chunk of images at a time.

    The network is a fused copy. What of a branch can be shared is found out on one image, see
    :meth:`settle`.
    """

    def __init__(
        self, network: ResidualNetwork, candidates: Sequence[str], number: torch.dtype
    ) -> None:
        self.candidates = candidates
        self.number = number
        self.replay = Replay(fused(network).to(memory_format=torch.channels_last))
        self.modules = self.replay.blocks
        # found on a whole run, before any part of the network is changed
        self.replay.network.classifier_names()
        self.shared = False
        """Whether branches share what runs before them."""
        self.together = False
        """Whether all branches go block by block as one batch."""
        self.largest = 1
        """Bytes of the largest feature map between blocks, of one image."""
        self._seen: list[Tensor] = []

    def settle(self, image: Tensor, *, together: bool) -> None:
        """Find out on one image what the network allows.

        Runs are shared where a run taken up half-way gives what a whole one gives, and branches go
        together where their logits are those of one after another; with other networks each
        branch is a whole run.
        """
        names = [*self.candidates]
        self.replay.recorded(image, self._measured)
        if self.number != torch.float32:
            self._lower()
        self.shared = settled(self.replay, image, names, self._called)
        if not self.shared:
            logger.info("branches share nothing: the network takes another way when it is resumed")
        if together and names:
            self.together = self._agree(image)

    def __call__(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Features (1 + c, m, d) and logits (1 + c, m, k) of ``images``, intact first."""
        with self.replay.network.features_seen(lambda seen: self._seen.append(seen.float())):
            return self._together(images) if self.together else self._one_by_one(images)

    def _one_by_one(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Each branch runs to its end on its own."""
        self._seen.clear()
        logits = [self.replay.recorded(images, self._called)]
        for name in self.candidates:
            until = self.replay.first_call(name) if self.shared else 0
            logits.append(self.replay.replayed(images, until, name, self._called))
        return self._taken(), torch.stack(logits).float()

    def _together(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """All branches that are alive go through the next block as one batch."""
        self._seen.clear()
        order: list[str] = []
        names = {self.modules[name]: name for name in self.candidates}

        def joined(unit: nn.Module, forward: Any, given: Any, named: Any) -> Any:
            output = self._called(unit, forward, given, named)
            if unit in names:
                # a bypassed block changes no shape: its input joins the outputs of the others
                order.append(names[unit])
                output = torch.cat([output, given[0][: len(images)].to(output.dtype)])
            return output

        with self.replay.hooked(joined):
            logits = self.replay.network(images)
        rows = [0, *(1 + order.index(name) for name in self.candidates)]
        by_branch = (len(rows), len(images), -1)
        return self._taken()[0].view(by_branch)[rows], logits.float().view(by_branch)[rows]

    def _taken(self) -> Tensor:
        return torch.stack(self._seen)

    def _agree(self, image: Tensor) -> bool:
        """Whether branches that go together give what they give one by one."""
        pair = image.expand(2, -1, -1, -1)
        expected = self(pair)
        self.together = True
        try:
            computed = self(pair)
        # code around the blocks that counts its images, or blocks of several arguments
        except Exception:
            return False
        finally:
            self.together = False
        return all(
            theirs.shape == ours.shape
            and bool((theirs - ours).abs().max() <= 1e-2 * theirs.abs().max())
            for theirs, ours in zip(expected, computed, strict=True)
        )

    def _measured(self, unit: nn.Module, forward: Any, given: Any, named: Any) -> Any:
        output = forward(*given, **named)
        if unit in self.modules.values():
            self.largest = max(self.largest, *(t.nbytes for t in tensors([given, named, output])))
        return output

    def _lower(self) -> None:
        """Let all that runs from the first block to the last compute in another number format.

        What sees the images and what decides is cheap and stays in float32.
        """
        units = self.replay.record.units
        inside = [place for place, unit in enumerate(units) if unit in self.modules.values()]
        early, late = {*units[: inside[0]]}, {*units[inside[-1] + 1 :]}
        for unit in {*units[inside[0] : inside[-1] + 1]} - early - late:
            unit.to(self.number)

    def _called(self, unit: nn.Module, forward: Any, given: Any, named: Any) -> Any:
        """Call a unit on numbers of its own format."""
        if self.number != torch.float32:
            own = next((p.dtype for p in unit.parameters() if p.is_floating_point()), None)

            def cast(tensor: Tensor) -> Tensor:
                return tensor.to(own) if own and tensor.is_floating_point() else tensor

            given, named = mapped(cast, [given, named])
        return forward(*given, **named)
