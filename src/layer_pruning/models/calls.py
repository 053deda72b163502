"""What the modules of a network are called with, and what they give, while it runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from layer_pruning.models.pass_through import mapped, tensors


@dataclass(frozen=True)
class Call:
    """One call of a module."""

    began: int
    ended: int
    """Positions among the beginnings and ends of all calls."""
    positional: tuple[Any, ...]
    keywords: dict[str, Any]
    """The arguments as they were when the call began: later steps may work in place."""
    shape: torch.Size | None
    """Of the first tensor that it gave."""


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Put ``network`` into evaluation mode; every module is back in its own mode afterwards."""
    training = {module: module.training for module in network.modules()}
    network.eval()
    try:
        yield
    finally:
        for module, mode in training.items():
            module.training = mode


def calls_of(
    network: nn.Module, images: Tensor, watched: dict[str, nn.Module]
) -> dict[str, list[Call]]:
    """The calls of the ``watched`` modules as ``images`` go through ``network``, by their names.

    Raises what the network raises.
    """
    calls: dict[str, list[Call]] = {}
    clock = 0

    def watch(name: str, module: nn.Module) -> list[torch.utils.hooks.RemovableHandle]:
        began: list[tuple[int, Any, Any]] = []

        def before(_: nn.Module, positional: Any, keywords: Any) -> None:
            nonlocal clock
            clock += 1
            began.append((clock, *mapped(Tensor.clone, [positional, keywords])))

        def after(_: nn.Module, positional: Any, keywords: Any, output: Any) -> None:
            nonlocal clock
            clock += 1
            start, given, named = began.pop()
            given_back = tensors([output])
            shape = given_back[0].shape if given_back else None
            calls.setdefault(name, []).append(Call(start, clock, given, named, shape))

        return [
            module.register_forward_pre_hook(before, with_kwargs=True),
            module.register_forward_hook(after, with_kwargs=True),
        ]

    handles = [handle for name, module in watched.items() for handle in watch(name, module)]
    try:
        with torch.no_grad():
            network(images)
    finally:
        for handle in handles:
            handle.remove()
    return calls


def paths_of(network: nn.Module) -> dict[nn.Module, list[str]]:
    """Every module of ``network`` and all paths under which it is held, the first one first."""
    paths: dict[nn.Module, list[str]] = {}
    for path, module in network.named_modules(remove_duplicate=False):
        paths.setdefault(module, []).append(path)
    return paths
