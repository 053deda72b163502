"""What people put around a network to train it: the network that it holds."""

from torch import nn

from layer_pruning.models.residual import ResidualNetwork

HOLDERS = {
    "AveragedModel": "module",
    "DataParallel": "module",
    "DistributedDataParallel": "module",
    "OptimizedModule": "_orig_mod",
}
"""Classes of PyTorch by name, and the attribute that holds the network itself."""


def held(network: nn.Module) -> ResidualNetwork:
    """``network`` itself, or the one that a holder around it holds.

    Raises ValueError in one line for a module that was not wrapped, and for one whose parameters
    lie in shards on several processes.
    """
    while (attribute := HOLDERS.get(type(network).__name__)) is not None:
        network = getattr(network, attribute)
    kind = type(network).__name__
    if not isinstance(network, nn.Module):
        raise ValueError(f"{kind}: a network that layer_pruning.wrap or load gave would be right")
    if any(hasattr(parameter, "placements") for parameter in network.parameters()):
        raise ValueError(
            f"{kind}: its parameters are sharded (fully_shard): score and prune the network "
            "before, and shard what comes of it"
        )
    if not isinstance(network, ResidualNetwork):
        raise ValueError(
            f"{kind}: its blocks are not known: layer_pruning.wrap(module, input_shape=…) gives a "
            "network that can be scored and pruned"
        )
    return network
