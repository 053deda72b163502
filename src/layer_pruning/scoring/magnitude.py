"""The size of a block's weights."""

import math
from collections.abc import Collection, Mapping

import numpy as np


def mean_absolute_weights(
    tensors: Mapping[str, np.ndarray], blocks: Collection[str]
) -> dict[str, float]:
    """Mean absolute weight of each block's convolutions and linear layers, by block name."""
    result = {}
    for block in blocks:
        # weights of convolutions and linear layers have two dimensions or more, norms have one
        weights = [v for k, v in tensors.items() if k.startswith(f"{block}.") and v.ndim > 1]
        total = sum(float(np.abs(weight.astype(np.float64)).sum()) for weight in weights)
        result[block] = total / sum(math.prod(weight.shape) for weight in weights)
    return result
