"""The running statistics of norms, estimated anew for a network that lost blocks."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from layer_pruning.models.calls import evaluating
from layer_pruning.models.residual import ResidualNetwork


def running_norms(network: nn.Module) -> list[nn.modules.batchnorm._BatchNorm]:
    """The batch norms of a network that keep statistics of what they have seen."""
    return [
        part
        for part in network.modules()
        if isinstance(part, nn.modules.batchnorm._BatchNorm) and part.track_running_stats
    ]


@torch.no_grad()
def recalibrate(network: ResidualNetwork, batches: Iterable[Tensor]) -> None:
    """Set mean and variance of every batch norm to those of ``batches``, in place.

    Behind a block that is gone, statistics of before are wrong, and much of what a removal seems
    to cost is that (Li et al. 2020, EagleEye, arXiv 2007.02491, section 3). They become the mean
    over the batches, each of several images. Nothing is learnt: no weight changes, and all else
    stays in evaluation mode.
    """
    norms = running_norms(network)
    if not norms:
        return
    momenta = [norm.momentum for norm in norms]
    try:
        with evaluating(network):
            for norm in norms:
                norm.reset_running_stats()
                # None: the mean over all batches, each weighing the same
                norm.momentum = None
                norm.train()
            for batch in batches:
                network(batch.to(network.mean))
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
