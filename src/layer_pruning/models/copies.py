"""Copies of networks, also of those whose weights are computed from others."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from torch import Tensor, nn

Module = TypeVar("Module", bound=nn.Module)


@contextmanager
def copyable(network: nn.Module) -> Iterator[None]:
    """Let ``copy.deepcopy`` copy ``network`` within the block.

    Masks (``torch.nn.utils.prune``) and the older ``torch.nn.utils.weight_norm`` leave a weight
    that was computed from parameters as an attribute, which PyTorch refuses to copy. It is made
    anew before every call of the module, so a copy of its value does.
    """
    computed = [
        (module, name, value)
        for module in network.modules()
        for name, value in vars(module).items()
        if isinstance(value, Tensor) and not value.is_leaf
    ]
    for module, name, value in computed:
        vars(module)[name] = value.detach()
    try:
        yield
    finally:
        for module, name, value in computed:
            vars(module)[name] = value


def copied(network: Module) -> Module:
    """A deep copy of ``network``, see :func:`copyable`."""
    with copyable(network):
        return copy.deepcopy(network)
