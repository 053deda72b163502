"""How many weights a block has, and how large they are on average. No torch."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class BlockWeights:
    """The weights of a block: what it has learnt, in tensors of two dimensions or more."""

    numbers: int
    mean_absolute: float


def block_weights(tensors: Mapping[str, np.ndarray], block: str) -> BlockWeights:
    """The weights of a block, where all ``tensors`` of floating-point numbers are learnt.

    They are convolutions and linear layers, and in some networks a scale or a table of positions.
    Those of norms, and most biases, have one dimension. A block without any has nothing to lose.
    """
    weights = [tensors[name] for name in weight_names(tensors, block)]
    numbers = sum(weight.size for weight in weights)
    total = sum(float(np.abs(weight.astype(np.float64)).sum()) for weight in weights)
    return BlockWeights(numbers, total / numbers if numbers else 0.0)


def weight_names(tensors: Mapping[str, np.ndarray], block: str) -> list[str]:
    """Names of the tensors that count as weights of a block."""
    return [
        name
        for name, tensor in tensors.items()
        if name.startswith(f"{block}.") and tensor.ndim > 1 and tensor.dtype.kind == "f"
    ]
