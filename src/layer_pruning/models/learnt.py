"""What a network has learnt: the weights that its layers compute with, as far as they are learnt.

A state dict holds something else besides: masks, tables of indices, statistics, and instead of a
weight that is computed (weight norm, spectral norm, a mask of ``torch.nn.utils.prune``) what it is
computed from.
"""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized

from layer_pruning.models.calls import evaluating

# what the hooks of torch.nn.utils add to the name of the weight that they compute
SOURCES = ("_orig", "_g", "_v")


@torch.no_grad()
def learnt_weights(body: nn.Module) -> dict[str, Tensor]:
    """The weights that layers of ``body`` compute with, by the names that they have in a layer.

    Those are parameters, or computed from parameters, and floating-point numbers. ``body`` stays
    as it is.
    """
    # in evaluation mode spectral norm takes no step
    with evaluating(body):
        return {name: weight for name, weight in _named(body, "") if weight.is_floating_point()}


def _named(module: nn.Module, prefix: str) -> Iterator[tuple[str, Tensor]]:
    """In the order of a state dict, and as often as there."""
    for name, weight in _own_weights(module).items():
        yield f"{prefix}{name}", weight
    for name, child in module._modules.items():
        if child is not None and not (name == "parametrizations" and is_parametrized(module)):
            yield from _named(child, f"{prefix}{name}.")


def _own_weights(module: nn.Module) -> dict[str, Tensor]:
    weights: dict[str, Tensor] = {
        name: weight for name, weight in module._parameters.items() if weight is not None
    }
    if is_parametrized(module):
        parametrizations: Any = module.parametrizations
        for name, computed in parametrizations.items():
            if next(computed.parameters(recurse=False), None) is not None:
                weights[name] = getattr(module, name)
    hooks = _computing(module)
    # what is masked may be what another weight is computed from
    sources = {f"{name}{ending}" for name in hooks for ending in SOURCES}
    weights |= {name: _computed(module, name, hook) for name, hook in hooks.items()}
    return {name: weight for name, weight in weights.items() if name not in sources}


def _computing(module: nn.Module) -> dict[str, Callable[..., Any]]:
    """The hooks of ``torch.nn.utils`` that compute a weight before every call, by its name."""
    found: dict[str, Callable[..., Any]] = {}
    for hook in module._forward_pre_hooks.values():
        # a way of masking of one's own has a base there
        if any(kind.__module__.startswith("torch.nn.utils.") for kind in type(hook).__mro__):
            name: Any = getattr(hook, "name", None) or getattr(hook, "_tensor_name", None)
            if any(f"{name}{ending}" in module._parameters for ending in SOURCES):
                found[name] = hook
    return found


def _computed(module: nn.Module, name: str, hook: Callable[..., Any]) -> Tensor:
    """What a hook makes of the parameters now: the attribute is that of the last call."""
    kept = vars(module).get(name)
    try:
        hook(module, ())
        weight: Tensor = getattr(module, name)
    finally:
        if kept is not None:
            vars(module)[name] = kept
    return weight
