"""What the weights of a block say without any image: how large they are, and how many."""

from collections.abc import Callable, Collection, Mapping

import numpy as np

Tensors = Mapping[str, np.ndarray]


def mean_absolute_weights(tensors: Tensors, blocks: Collection[str]) -> dict[str, float]:
    """Mean absolute weight of each block, by block name; what counts is said in `weight_counts`."""
    result = {}
    for block, count in weight_counts(tensors, blocks).items():
        weights = _weights(tensors, block)
        total = sum(float(np.abs(weight.astype(np.float64)).sum()) for weight in weights)
        # a block without weights has nothing to lose
        result[block] = total / count if count else 0.0
    return result


def weight_counts(tensors: Tensors, blocks: Collection[str]) -> dict[str, float]:
    """How many weights each block has, by block name.

    They are the numbers of its tensors of two dimensions or more: convolutions and linear layers,
    and in some networks a scale or a table of positions. Those of norms, and most biases, have one.
    """
    return {
        block: float(sum(weight.size for weight in _weights(tensors, block))) for block in blocks
    }


def _weights(tensors: Tensors, block: str) -> list[np.ndarray]:
    return [
        tensor
        for name, tensor in tensors.items()
        if name.startswith(f"{block}.") and tensor.ndim > 1
    ]


OF_WEIGHTS: Mapping[str, Callable[[Tensors, Collection[str]], dict[str, float]]] = {
    "magnitude": mean_absolute_weights,
    "fewest_weights": weight_counts,
}
"""Every metric of weights of the catalogue; the block with the smallest score goes first."""
