"""Accuracy with its interval."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from layer_pruning.data.image_file import ImageData
from layer_pruning.data.loading import Split, StreamedSplit, split_on
from layer_pruning.data.manifest import ImageManifest
from layer_pruning.intervals import wilson_interval
from layer_pruning.runtime.atomic import written_whole
from layer_pruning.runtime.record_files import REMEDY
from layer_pruning.runtime.shards import WHOLE, Shard

BATCH = 500
_PARTS = ("logits", "labels")


@torch.inference_mode()
def outputs_of_split(
    network: nn.Module, split: Split | StreamedSplit, batch_size: int = BATCH
) -> tuple[Tensor, Tensor]:
    """Logits (n, k) and labels (n,) of a split on the CPU, in evaluation mode."""
    network.eval()
    batches = [
        (network(images).cpu(), labels.cpu()) for images, labels in split.batches(batch_size)
    ]
    logits, labels = zip(*batches, strict=True)
    return torch.cat(logits), torch.cat(labels)


def outputs_of_splits(
    network: nn.Module,
    data: ImageData | ImageManifest,
    device: torch.device,
    shard: tuple[int, int] | None = None,
) -> dict[str, tuple[Tensor, Tensor]]:
    """Logits and labels of the validation and the test split, or of a shard of their batches.

    A split of which the shard has nothing is left out.
    """
    splits = {split: split_on(data, split, device) for split in ("validation", "test")}
    batches = {split: -(-len(whole.labels) // BATCH) for split, whole in splits.items()}
    own = Shard(*(shard or WHOLE)).of(sum(batches.values()), 1)
    outputs, before = {}, 0
    for split, whole in splits.items():
        first, last = (min(max(end - before, 0), batches[split]) for end in (own.start, own.stop))
        before += batches[split]
        if first < last:
            part = whole.part(slice(first * BATCH, last * BATCH))
            outputs[split] = outputs_of_split(network, part, BATCH)
    return outputs


def write_outputs(
    path: str | os.PathLike[str], outputs: Mapping[str, tuple[Tensor, Tensor]]
) -> None:
    """Write what a shard found, in a file for :func:`join_outputs`."""
    named = {split: dict(zip(_PARTS, found, strict=True)) for split, found in outputs.items()}
    with written_whole(path) as temporary:
        save_file(
            {
                f"{split}.{name}": values.contiguous()
                for split, found in named.items()
                for name, values in found.items()
            },
            temporary,
        )


def join_outputs(shards: Sequence[str | os.PathLike[str]]) -> dict[str, tuple[Tensor, Tensor]]:
    """What :func:`outputs_of_splits` returns for all images, from its shards in their order.

    Raises ValueError naming a shard that cannot be read.
    """
    found: dict[str, list[Tensor]] = {}
    for shard in shards:
        try:
            tensors = load_file(shard)
        except SafetensorError as error:
            raise ValueError(
                f"{shard}: not a readable part of an evaluation ({error}); {REMEDY}"
            ) from error
        for name, values in tensors.items():
            found.setdefault(name, []).append(values)
    joined = {name: torch.cat(values) for name, values in found.items()}
    logits, labels = _PARTS
    return {
        split: (joined[f"{split}.{logits}"], joined[f"{split}.{labels}"])
        for split in ("validation", "test")
    }


def accuracy_of_outputs(logits: Tensor, labels: Tensor) -> dict[str, float]:
    """Images, correct ones, accuracy and its Wilson 95 % interval, and what one class gives away.

    ``chance`` is the accuracy of naming the commonest class each time.
    """
    correct, count = int((logits.argmax(dim=1) == labels).sum()), len(labels)
    low, high = wilson_interval(correct, count)
    return {
        "images": count,
        "correct": correct,
        "accuracy": correct / count,
        "interval_low": low,
        "interval_high": high,
        "chance": float(torch.bincount(labels).max()) / count,
    }


def accuracy_record(outputs: Mapping[str, tuple[Tensor, Tensor]]) -> dict[str, Any]:
    """The content of ``accuracy.json``: one record a split, from its logits and labels."""
    splits = {split: accuracy_of_outputs(*found) for split, found in outputs.items()}
    return {"splits": splits, "interval": "Wilson 95 %"}
