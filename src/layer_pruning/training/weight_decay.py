"""Which parameters weight decay is for."""

import re

from torch import nn
from torch.nn.modules.batchnorm import _NormBase

# parameters that stand for a place, a token or an offset rather than for what a layer computes
NO_WEIGHTS = re.compile(r"(^|_)(pos|position|positional|token|tokens|embed|embedding|bias|table)")
NORMS = (_NormBase, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm)


def decaying(network: nn.Module) -> set[str]:
    """Names of the parameters that decay: weights of linear layers, convolutions and the like.

    Norms and biases do not, nor do position embeddings, class tokens, tables of biases and scales
    of channels, nor what a part of the network lists in its own ``no_weight_decay()``, as networks
    of timm do.
    """
    names = set()
    excluded = _excluded(network)
    for path, module in network.named_modules():
        for name, parameter in module.named_parameters(prefix=path, recurse=False):
            if name not in excluded and _decays(module, name, tuple(parameter.shape)):
                names.add(name)
    return names & {name for name, _ in network.named_parameters()}


def _excluded(network: nn.Module) -> set[str]:
    return {
        f"{path}.{name}" if path else name
        for path, module in network.named_modules()
        if callable(listed := getattr(module, "no_weight_decay", None))
        for name in listed()
    }


def _decays(module: nn.Module, path: str, shape: tuple[int, ...]) -> bool:
    if len(shape) < 2 or isinstance(module, (*NORMS, nn.Embedding)):
        return False
    if "weight" in (name := path.rsplit(".", 1)[-1]):
        return True
    # a scale of each channel has other dimensions of one only for the sake of broadcasting
    return not NO_WEIGHTS.search(name) and sum(size > 1 for size in shape) > 1
