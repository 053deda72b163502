"""Whether a network is the same whenever it is built and given its weights."""

from typing import Any

import torch
from torch import Tensor, nn

from layer_pruning.models.behaviour import behaves_otherwise, drawn_behaviour
from layer_pruning.models.pass_through import leaves, tensors
from layer_pruning.models.residual import ResidualNetwork, new_network, put_tensors


def check_rebuilt(network: ResidualNetwork, seed: int) -> None:
    """Raise ValueError in one line where ``network``, drawn from ``seed``, is not all in its file.

    It is built once more from another seed and given the same state dict. What its code draws
    besides, such as random features in a buffer that is not persistent, is drawn anew in every job
    that reads the network, whose weights then mean nothing.
    """
    header, body = network.header, network.body
    other = new_network(header, seed + 1)
    try:
        put_tensors(other.body, body.state_dict())
    except RuntimeError as error:
        raise ValueError(
            f"{header.architecture}: its state dict has tensors of other names or shapes whenever "
            "it is built: a network that its arguments determine would be right"
        ) from error
    one, same = (drawn_behaviour(built, header.input_shape) for built in (network, other))
    # what chance leaves out of one
    modes = one.keys() & same.keys()
    if behaves_otherwise({mode: one[mode] for mode in modes}, {mode: same[mode] for mode in modes}):
        raise ValueError(
            f"{header.architecture}: {_drawn(body, other.body)} is drawn anew whenever the network "
            "is built and is not in its state dict, so that it would be another network in every "
            "job: make it a persistent buffer (register_buffer without persistent=False), or a "
            "module that is registered"
        )


def _drawn(body: nn.Module, other: nn.Module) -> str:
    """The first tensor, by its path, that is another one in a network that was built again."""
    twins = dict(other.named_modules())
    for path, module in body.named_modules():
        if (twin := twins.get(path)) is None:
            continue
        for name, value in {**vars(module), **dict(module.named_buffers(recurse=False))}.items():
            # dictionaries of PyTorch's own, with what is in the state dict
            if name in vars(nn.Module()):
                continue
            pairs = zip(_held(value), _held(getattr(twin, name, None)), strict=False)
            if not all(torch.equal(one, same) for one, same in pairs):
                return f"{path}.{name}".lstrip(".")
    return "something in it"


def _held(value: Any) -> list[Tensor]:
    """Tensors of an attribute, also those of modules in a list that is none of PyTorch's."""
    modules = [leaf for _, leaf in leaves(value) if isinstance(leaf, nn.Module)]
    return tensors(value) + [one for module in modules for one in module.state_dict().values()]
