"""Find the blocks of a network, and which of them can go, by looking at it while it runs.

A block is a module whose shortcut is the identity: with all its parameters at zero, so with its
residual branch gone, it gives its input back, exactly. Modules of the same class that do not
(they change the shape) are blocks that cannot go. What lies between blocks belongs to the trunk
and is no block. Nothing here knows any network by name.
"""

import functools
import itertools
import json
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from layer_pruning.models.architectures import Block, FoundNetwork, architecture
from layer_pruning.models.bodies import drawn_body
from layer_pruning.models.trunk import ancestors, cut

NEEDS = (
    "a network needs two or more residual blocks, modules with one tensor in and one out, that "
    "follow one another in a single path to a linear classifier (torch.nn.Linear)"
)


@dataclass(frozen=True)
class Found:
    """What was found in a network."""

    blocks: tuple[Block, ...]
    features: int
    """Width of the pooled representation."""
    classes: int
    """Width of the logits."""
    batch_norm: bool


@dataclass(frozen=True)
class Call:
    """One call of a module with one tensor that gave one tensor."""

    order: int
    """Position in the order of the calls' beginnings."""
    given: Tensor
    value: Tensor
    """What was in ``given`` when the call began: later steps may work in place."""
    output: Tensor
    versions: tuple[int, int]
    """How often ``given`` had been changed in place before the call, and ``output`` after it."""

    def feeds(self, later: "Call") -> bool:
        """Whether the output, as it was, is what ``later`` was given."""
        return later.given is self.output and later.versions[0] == self.versions[1]


def found(network: FoundNetwork) -> Found:
    """The blocks of ``network`` for its input shape. Raises ValueError where it has no trunk."""
    arguments = json.dumps(network.arguments(), sort_keys=True)
    return _found(arguments, network.input_shape)


@functools.lru_cache
def _found(arguments: str, input_shape: tuple[int, int, int]) -> Found:
    network = architecture("", json.loads(arguments), input_shape)
    body = drawn_body(network, input_shape=input_shape, classes=10, seed=0)
    channels = 3 if network.arguments()["family"] == "torchvision" else input_shape[0]
    images = torch.rand((1, channels, *input_shape[1:]), generator=torch.Generator().manual_seed(0))
    return found_in(
        body, images, network.arguments().get("build") or network.arguments()["network"]
    )


def found_in(body: nn.Module, images: Tensor, name: str) -> Found:
    """The blocks of a module, in evaluation mode, called ``name`` in messages.

    ``images`` as in :func:`find_blocks`. Raises ValueError in one line where it has no trunk.
    """
    try:
        blocks = find_blocks(body, images)
        trunk = cut(body, [block.name for block in blocks])
    except ValueError as error:
        raise ValueError(f"{name}: {error}; {NEEDS}") from error
    classifier = body.get_submodule(trunk.classifier)
    assert isinstance(classifier, nn.Linear)
    batch_norm = any("BatchNorm" in type(module).__name__ for module in body.modules())
    return Found(blocks, classifier.in_features, classifier.out_features, batch_norm)


@torch.no_grad()
def find_blocks(body: nn.Module, images: Tensor) -> tuple[Block, ...]:
    """All blocks of ``body``, in evaluation mode, in the order in which they run.

    ``images`` (1, channels, height, width) is what is sent through it. Weights should be drawn,
    not zero. Raises ValueError in one line where it has no block that can go.
    """
    calls = _calls(body, images)
    removable = _identities(body, "", calls)
    if not removable:
        raise ValueError("no module was found whose shortcut is the identity")
    kinds = {type(body.get_submodule(name)) for name in removable}
    inside = {parent for name in removable for parent in ancestors(name)}
    names = [
        name
        for name, module in body.named_modules()
        if name in calls
        and type(module) in kinds
        and name not in inside
        and not any(parent in removable for parent in ancestors(name))
    ]
    names.sort(key=lambda name: calls[name].order)
    return _with_stages(names, removable, calls)


def _with_stages(
    names: list[str], removable: list[str], calls: dict[str, Call]
) -> tuple[Block, ...]:
    """A stage is a run of blocks whose outputs have the same shape."""
    blocks: list[Block] = []
    stage, shape = 0, None
    for name in names:
        call = calls[name]
        if call.output.shape != shape:
            stage, shape = stage + 1, call.output.shape
        reason = None
        if name not in removable:
            changes = call.given.shape != call.output.shape
            reason = "it changes the shape" if changes else "its shortcut is not the identity"
        blocks.append(Block(name, f"stage{stage}", name in removable, reason))
    return tuple(blocks)


def _calls(body: nn.Module, images: Tensor) -> dict[str, Call]:
    """The modules that ran once with one tensor in and one out."""
    began: dict[str, list[tuple[int, int, Tensor]]] = {}
    calls: dict[str, Call] = {}
    order = 0

    def watch(name: str, module: nn.Module) -> list[torch.utils.hooks.RemovableHandle]:
        def one_tensor(arguments: tuple[Any, ...], keywords: dict[str, Any]) -> bool:
            return len(arguments) == 1 and not keywords and isinstance(arguments[0], Tensor)

        def before(_: nn.Module, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> None:
            nonlocal order
            order += 1
            version, value = 0, torch.empty(0)
            if one_tensor(arguments, keywords):
                version = arguments[0]._version
                # only what has parts can be a block; copies of all inputs would take much memory
                value = arguments[0].clone() if list(module.children()) else value
            began.setdefault(name, []).append((order, version, value))

        def after(_: nn.Module, arguments: Any, keywords: dict[str, Any], output: Any) -> None:
            if one_tensor(arguments, keywords) and isinstance(output, Tensor):
                start, version, value = began[name][-1]
                versions = (version, output._version)
                calls[name] = Call(start, arguments[0], value, output, versions)

        return [
            module.register_forward_pre_hook(before, with_kwargs=True),
            module.register_forward_hook(after, with_kwargs=True),
        ]

    handles = [h for name, m in body.named_modules() if name for h in watch(name, m)]
    try:
        body(images)
    except Exception as error:
        shape = " × ".join(map(str, images.shape[1:]))
        reason = " ".join(str(error).split())
        raise ValueError(f"it cannot take images of {shape}: {reason}") from error
    finally:
        for handle in handles:
            handle.remove()
    return {name: call for name, call in calls.items() if len(began[name]) == 1}


def _identities(module: nn.Module, path: str, calls: dict[str, Call]) -> list[str]:
    """Paths of the blocks below ``module`` that can go: the outermost that are one."""
    below = []
    for name, child in module.named_children():
        inner = f"{path}.{name}" if path else name
        call = calls.get(inner)
        block = call and not _is_sequence(child, inner, calls) and _is_identity(child, call)
        if block:
            below.append(inner)
        else:
            below += _identities(child, inner, calls)
    return below


def _is_identity(module: nn.Module, call: Call) -> bool:
    """Whether ``module`` gives its input back when its residual branch is gone."""
    if call.given.shape != call.output.shape or not list(module.children()):
        return False
    zeros = {name: torch.zeros_like(value) for name, value in module.named_parameters()}
    if not zeros or not call.value.any():
        return False
    return torch.equal(functional_call(module, zeros, (call.value.clone(),)), call.value)


def _is_sequence(module: nn.Module, path: str, calls: dict[str, Call]) -> bool:
    """Whether ``module`` only calls its parts one after another: a stage rather than a block."""
    whole = calls[path]
    parts = sorted(_parts(module, path, calls), key=lambda call: call.order)
    if not parts or parts[0].given is not whole.given:
        return False
    first, last = parts[0].versions[0], parts[-1].versions[1]
    follow = all(before.feeds(after) for before, after in itertools.pairwise(parts))
    return follow and parts[-1].output is whole.output and (first, last) == whole.versions


def _parts(module: nn.Module, path: str, calls: dict[str, Call]) -> list[Call]:
    """Calls of the parts of ``module``; lists of modules are not called, what they hold is."""
    parts = []
    for name, child in module.named_children():
        inner = f"{path}.{name}"
        parts += [calls[inner]] if inner in calls else _parts(child, inner, calls)
    return parts
