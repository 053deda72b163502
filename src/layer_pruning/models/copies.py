"""Copies of networks, also of those whose weights are computed from others."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from torch import Tensor, nn

from layer_pruning.models.pass_through import mapped, tensors

Module = TypeVar("Module", bound=nn.Module)


@contextmanager
def copyable(network: nn.Module) -> Iterator[None]:
    """Let ``copy.deepcopy`` copy ``network`` within the block.

    Masks (``torch.nn.utils.prune``) and the older ``torch.nn.utils.weight_norm`` leave a weight
    that was computed from parameters as an attribute, which PyTorch refuses to copy. It is made
    anew before every call of the module, so a copy of its value does. So it does of what a module
    keeps of its last call, in a list or a dictionary too.
    """
    computed = [
        (module, name, value)
        for module in network.modules()
        for name, value in vars(module).items()
        if any(not tensor.is_leaf for tensor in tensors(value))
    ]
    # what several modules share they share in the copy
    values = {id(value): mapped(Tensor.detach, value) for _, _, value in computed}
    for module, name, value in computed:
        vars(module)[name] = values[id(value)]
    try:
        yield
    finally:
        for module, name, value in computed:
            vars(module)[name] = value


def copied(network: Module) -> Module:
    """A deep copy of ``network``, see :func:`copyable`.

    Raises ValueError in one line, naming it, for an attribute that Python cannot copy.
    """
    with copyable(network):
        try:
            return copy.deepcopy(network)
        except (TypeError, RuntimeError) as error:
            name = _not_copied(network)
            if name is None:
                raise
            said = " ".join(str(error).split())
            raise ValueError(
                f"{type(network).__name__}: its attribute {name} cannot be copied ({said})"
            ) from error


def _not_copied(network: nn.Module) -> str | None:
    """The path of the first attribute of a user's own that cannot be copied."""
    usual = vars(nn.Module())
    for path, module in network.named_modules():
        for name, value in vars(module).items():
            if name in usual:
                continue
            try:
                copy.deepcopy(value)
            except (TypeError, RuntimeError):
                return f"{path}.{name}".lstrip(".")
    return None
