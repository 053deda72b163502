"""The classifier of a network: the layer whose input is the features that images have."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized

from layer_pruning.models.calls import Call, calls_of, paths_of

NO_HEAD = (
    "no layer was found that turns features into {classes} logits after the last block: a linear "
    "layer (torch.nn.Linear) or a 1 × 1 convolution"
)


def heads(network: nn.Module, images: Tensor, blocks: Sequence[nn.Module]) -> list[str]:
    """Paths of the layers of ``network`` that give logits, after all ``blocks``.

    Two heads side by side are two, in the order in which they run; the features are what the first
    one is given. Whatever follows them does not matter. ``network`` is in evaluation mode. Raises
    ValueError in one line where there is none.
    """
    layers = {
        paths[0]: module
        for module, paths in paths_of(network).items()
        if tensors_of_layer(module) or module in blocks
    }
    calls = calls_of(network, images, layers)
    classes = logits_of(network(images)).shape[1]
    ends = [call.ended for name, made in calls.items() if layers[name] in blocks for call in made]
    late = {
        name: made[0]
        for name, made in calls.items()
        if layers[name] not in blocks and made[0].began > max(ends, default=0)
    }
    fitting = [
        name for name, call in late.items() if _gives_logits(layers[name], call, images, classes)
    ]
    usual = [name for name in fitting if isinstance(layers[name], nn.Linear | nn.Conv2d)]
    found = sorted(usual or fitting[-1:], key=lambda name: late[name].began)
    if not found:
        raise ValueError(NO_HEAD.format(classes=classes))
    last = layers[found[-1]]
    beside = [name for name in found[:-1] if not _feeds(network, layers[name], last, images)]
    return [*beside, found[-1]]


def tensors_of_layer(module: nn.Module, path: str = "") -> dict[str, Tensor]:
    """All tensors of a layer by their names in a state dict, where ``path`` leads to it.

    What a parametrisation computes its weight from lies in modules below it, and is its own. Empty
    of what is no layer: a module that has no parameters but those of layers inside it.
    """
    has_own = next(module.parameters(recurse=False), None) is not None
    if not (has_own or is_parametrized(module)):
        return {}
    return module.state_dict(prefix=f"{path}." if path else "", keep_vars=True)


def features_of(given: Tensor, head: nn.Module) -> Tensor:
    """Features (n, d) of what a head is given: the mean over pixels or tokens where it has any."""
    if given.dim() == 2:
        return given
    if isinstance(head, nn.Conv2d):
        return given.flatten(2).mean(dim=2)
    return given.flatten(1, -2).mean(dim=1)


def logits_of(output: Any) -> Tensor:
    """The logits (n, classes) in what a network returns.

    That is a tensor, an object that has ``logits``, as those of transformers do, or a tuple that
    begins with one, as in training beside an auxiliary classifier. Raises ValueError otherwise.
    """
    if isinstance(output, tuple) and output:
        output = output[0]
    logits = getattr(output, "logits", output)
    if isinstance(logits, Tensor) and logits.dim() == 2:
        return logits
    what = f"{type(output).__name__}"
    if isinstance(logits, Tensor):
        what = f"a tensor of shape {tuple(logits.shape)}"
    raise ValueError(f"it returns {what}, and logits (n, classes) would be right")


def _gives_logits(layer: nn.Module, call: Call, images: Tensor, classes: int) -> bool:
    if call.shape is None or len(call.shape) < 2 or call.shape[0] != len(images):
        return False
    if isinstance(layer, nn.Conv2d):
        return call.shape[1] == classes and set(layer.kernel_size) == {1}
    if isinstance(layer, nn.Linear):
        return call.shape[-1] == classes
    # norms and the like give what they are given
    given = call.positional[0] if call.positional else None
    same = isinstance(given, Tensor) and given.shape == call.shape
    return tuple(call.shape) == (len(images), classes) and not same


@torch.no_grad()
def _feeds(network: nn.Module, layer: nn.Module, later: nn.Module, images: Tensor) -> bool:
    """Whether what ``layer`` gives reaches ``later``."""
    seen: list[Tensor] = []
    watch = later.register_forward_pre_hook(lambda _, given: seen.append(given[0].clone()))
    network(images)
    change = layer.register_forward_hook(lambda _, given, output: output + 1)
    try:
        network(images)
    finally:
        change.remove()
        watch.remove()
    return not torch.equal(seen[0], seen[-1])
