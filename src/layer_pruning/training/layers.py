"""Layer-wise learning rates: the nearer to the images, the slower."""

import torch
from torch import nn

from layer_pruning.models.residual import ResidualNetwork


def layer_factors(network: nn.Module, decay: float) -> dict[str, float]:
    """The factor of the learning rate of every parameter by its name in ``network``.

    What follows the last block (a final norm, the classifier) has 1, the last block ``decay``, and
    each block before it ``decay`` times the next one's; what comes before the first block is one
    layer more (arXiv 2003.10555, 2106.08254). Blocks that were removed are not counted, and what
    lies between two blocks goes with the later one. 1 for all where ``decay`` is 1.

    Raises ValueError for another ``decay`` where nothing says what the blocks are.
    """
    names = [name for name, _ in network.named_parameters()]
    if decay == 1:
        return dict.fromkeys(names, 1.0)
    if not isinstance(network, ResidualNetwork):
        raise ValueError("layer_decay: it is for networks whose blocks are known; 1 would be right")
    layers, last = layers_of(network), len(network.block_names) + 1
    return {name: decay ** (last - layers[name.rpartition(".")[0]]) for name in names}


@torch.no_grad()
def layers_of(network: ResidualNetwork) -> dict[str, int]:
    """The layer of every module by its path: 0 before the first block, n + 1 after the last of n.

    Told by the order in which modules begin to run: paths and definitions need not follow it.
    """
    blocks = {name: number for number, name in enumerate(network.block_names, start=1)}
    layers: dict[str, int] = {}
    begun = 0

    def before(path: str) -> None:
        nonlocal begun
        begun = max(begun, blocks.get(path, 0))
        # what comes between two blocks belongs to the next
        layers.setdefault(path, begun + 1 if begun else 0)

    handles = [
        module.register_forward_pre_hook(lambda *_, path=path: before(path))
        for path, module in network.body.named_modules()
    ]
    training = network.training
    try:
        device = next(network.parameters()).device
        network.eval()(torch.zeros(1, *network.header.input_shape, device=device))
    finally:
        for handle in handles:
            handle.remove()
        network.train(training)
    for path, _ in network.body.named_modules():
        holders = [path[:end] for end in range(len(path) + 1) if path[end : end + 1] in (".", "")]
        inside = [blocks[holder] for holder in holders if holder in blocks]
        layers[path] = inside[0] if inside else layers.get(path, len(blocks) + 1)
    return {f"body.{path}" if path else "body": layer for path, layer in layers.items()} | {"": 0}
