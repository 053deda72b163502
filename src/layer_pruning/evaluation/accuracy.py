"""Accuracy with its interval."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from layer_pruning.data.image_file import ImageData
from layer_pruning.data.loading import Split, StreamedSplit, split_on
from layer_pruning.data.manifest import ImageManifest
from layer_pruning.intervals import wilson_interval


@torch.inference_mode()
def outputs_of_split(
    network: nn.Module, split: Split | StreamedSplit, batch_size: int = 500
) -> tuple[Tensor, Tensor]:
    """Logits (n, k) and labels (n,) of a split on the CPU, in evaluation mode."""
    network.eval()
    batches = [
        (network(images).cpu(), labels.cpu()) for images, labels in split.batches(batch_size)
    ]
    logits, labels = zip(*batches, strict=True)
    return torch.cat(logits), torch.cat(labels)


def outputs_of_splits(
    network: nn.Module, data: ImageData | ImageManifest, device: torch.device
) -> dict[str, tuple[Tensor, Tensor]]:
    """Logits and labels of the validation and the test split."""
    return {
        split: outputs_of_split(network, split_on(data, split, device))
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
