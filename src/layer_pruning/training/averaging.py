"""The moving average of a network's weights."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from layer_pruning.models.copies import copyable


def moving_average(network: nn.Module, decay: float) -> AveragedModel:
    """A copy of ``network`` that ``update_parameters`` moves towards it.

    Exponential, ``decay`` a step, with the statistics of norms; over the first steps the decay is
    (1 + n) / (10 + n), so that the weights a run starts from are soon forgotten.
    """

    @torch.no_grad()
    def update(averages: Sequence[Tensor], values: Sequence[Tensor], updates: Tensor | int) -> None:
        count = int(updates)
        keep = min(decay, (1 + count) / (10 + count))
        for average, value in zip(averages, values, strict=True):
            if average.is_floating_point():
                average.lerp_(value, 1 - keep)
            else:
                average.copy_(value)

    with copyable(network):
        return AveragedModel(network, multi_avg_fn=update, use_buffers=True)
