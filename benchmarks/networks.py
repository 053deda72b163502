"""The networks that benchmarks measure, and images for them."""

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from layer_pruning.models.header import NetworkHeader
from layer_pruning.models.residual import ResidualNetwork
from layer_pruning.models.weights import start_network

Moments = tuple[float, float, float]

# what Idelbayev's networks were trained with (github.com/akamaster/pytorch_resnet_cifar10)
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def cifar_header(
    architecture: str,
    settings: Mapping[str, Any] | None = None,
    *,
    size: int = 32,
    mean: Moments = (0.5,) * 3,
    std: Moments = (0.25,) * 3,
) -> NetworkHeader:
    """What a network for colour images of ``size`` pixels in ten classes is."""
    return NetworkHeader.of(
        architecture,
        dict(settings or {}),
        input_shape=(3, size, size),
        mean=mean,
        std=std,
        class_names=tuple(str(label) for label in range(10)),
    )


def released_network(weights: Path, architecture: str) -> ResidualNetwork:
    """The network of published weights, in evaluation mode."""
    header = cifar_header(architecture, mean=MEAN, std=STD)
    return start_network(header, {"weights": str(weights)}, seed=0).eval()


def probe_images(folder: Path, count: int, draw: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """As many images of every class, (count, 3, height, width) in [0, 1], and their labels.

    Draw 0 are the first of every class, draw 1 those after them, and so on.
    """
    classes = sorted(path for path in folder.iterdir() if path.is_dir())
    images, labels = [], []
    for label, path in enumerate(classes):
        each = count // len(classes)
        for file in itertools.islice(sorted(path.iterdir()), draw * each, (draw + 1) * each):
            with Image.open(file) as image:
                images.append(np.asarray(image.convert("RGB"), dtype=np.float32) / 255)
            labels.append(label)
    return np.stack(images).transpose(0, 3, 1, 2).copy(), np.array(labels)
