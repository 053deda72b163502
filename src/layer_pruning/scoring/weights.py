"""What the weights of a block say without any image: how large they are, and how many."""

from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType

import numpy as np

from layer_pruning.models.block_weights import BlockWeights, block_weights

Tensors = Mapping[str, np.ndarray]
Told = Mapping[str, BlockWeights]
"""What a network file says of blocks whose tensors do not tell, see `NetworkHeader.weights`."""
NOTHING: Told = MappingProxyType({})


def mean_absolute_weights(
    tensors: Tensors, blocks: Collection[str], told: Told = NOTHING
) -> dict[str, float]:
    """Mean absolute weight of each block, by block name; what counts is said in `block_weights`."""
    return {block: _of(tensors, block, told).mean_absolute for block in blocks}


def weight_counts(
    tensors: Tensors, blocks: Collection[str], told: Told = NOTHING
) -> dict[str, float]:
    """How many weights each block has, by block name; what counts is said in `block_weights`."""
    return {block: float(_of(tensors, block, told).numbers) for block in blocks}


def _of(tensors: Tensors, block: str, told: Told) -> BlockWeights:
    return told[block] if block in told else block_weights(tensors, block)


OF_WEIGHTS: Mapping[str, Callable[[Tensors, Collection[str], Told], dict[str, float]]] = {
    "magnitude": mean_absolute_weights,
    "fewest_weights": weight_counts,
}
"""Every metric of weights of the catalogue; the block with the smallest score goes first."""
