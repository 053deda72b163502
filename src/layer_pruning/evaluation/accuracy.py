"""Accuracy with its interval."""

from typing import Any

import torch
from torch import nn

from layer_pruning.data.image_file import ImageData
from layer_pruning.data.loading import Split, StreamedSplit, split_on
from layer_pruning.data.manifest import ImageManifest
from layer_pruning.intervals import wilson_interval


@torch.inference_mode()
def accuracy_record(
    network: nn.Module, split: Split | StreamedSplit, batch_size: int = 500
) -> dict[str, float]:
    """Images, correct ones, accuracy and its Wilson 95 % interval, in evaluation mode."""
    network.eval()
    correct = sum(
        int((network(images).argmax(dim=1) == labels).sum())
        for images, labels in split.batches(batch_size)
    )
    count = len(split.labels)
    low, high = wilson_interval(correct, count)
    return {
        "images": count,
        "correct": correct,
        "accuracy": correct / count,
        "interval_low": low,
        "interval_high": high,
    }


def accuracy_of_splits(
    network: nn.Module, data: ImageData | ImageManifest, device: torch.device
) -> dict[str, Any]:
    """The content of ``accuracy.json``: one record each for the validation and the test split."""
    splits = {
        split: accuracy_record(network, split_on(data, split, device))
        for split in ("validation", "test")
    }
    return {"splits": splits, "interval": "Wilson 95 %"}
