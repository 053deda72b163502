"""Accuracy with its interval."""

from typing import Any

import torch
from torch import Tensor, nn

from layer_pruning.data.image_file import ImageData
from layer_pruning.intervals import wilson_interval


@torch.inference_mode()
def predictions(network: nn.Module, images: Tensor, batch_size: int = 500) -> Tensor:
    """Predicted class (n,) of ``images`` (n, channels, height, width), in evaluation mode."""
    network.eval()
    return torch.cat([network(batch).argmax(dim=1) for batch in images.split(batch_size)])


def accuracy_record(network: nn.Module, images: Tensor, labels: Tensor) -> dict[str, float]:
    """Images, correct ones, accuracy and its Wilson 95 % interval, of one split."""
    correct = int((predictions(network, images) == labels).sum())
    low, high = wilson_interval(correct, len(labels))
    return {
        "images": len(labels),
        "correct": correct,
        "accuracy": correct / len(labels),
        "interval_low": low,
        "interval_high": high,
    }


def accuracy_of_splits(network: nn.Module, data: ImageData, device: torch.device) -> dict[str, Any]:
    """The content of ``accuracy.json``: one record each for the validation and the test split."""
    splits = {}
    for split in ("validation", "test"):
        images, labels = (torch.from_numpy(values).to(device) for values in data.part(split))
        splits[split] = accuracy_record(network, images, labels)
    return {"splits": splits, "interval": "Wilson 95 %"}
