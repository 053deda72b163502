"""A network whose blocks are gone, and what is around them as it was."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from torch import Tensor, nn

from layer_pruning.models.blocks import Block
from layer_pruning.models.pass_through import PassThrough


@contextmanager
def without(body: nn.Module, blocks: Sequence[Block]) -> Iterator[None]:
    """``body`` with its ``blocks`` replaced by what gives their arguments back, for a while."""
    modules = [body.get_submodule(block.name) for block in blocks]
    try:
        for block in blocks:
            take_out(body, block)
        yield
    finally:
        for block, module in zip(blocks, modules, strict=True):
            for path in block.paths:
                body.set_submodule(path, module)


def take_out(body: nn.Module, block: Block) -> None:
    """Replace ``block`` of ``body``, under all its names, by what gives its arguments back."""
    module = body.get_submodule(block.name)
    if isinstance(module, PassThrough):
        return
    replacement = PassThrough(block.route, module).train(module.training)
    for path in block.paths:
        body.set_submodule(path, replacement)


def held_alone(network: nn.Module, modules: Sequence[nn.Module]) -> list[Tensor]:
    """Parameters and buffers that go with ``modules``: nothing else in ``network`` holds them."""
    outside: set[nn.Module] = set()
    waiting = [network]
    while waiting:
        module = waiting.pop()
        if module not in outside and module not in modules:
            outside.add(module)
            waiting.extend(module.children())
    kept = {id(tensor) for module in outside for tensor in _own(module)}
    inside = {part for module in modules for part in module.modules()}
    return [
        tensor
        for tensor in {id(t): t for module in inside for t in _own(module)}.values()
        if id(tensor) not in kept
    ]


def _own(module: nn.Module) -> list[Tensor]:
    return [*module.parameters(recurse=False), *module.buffers(recurse=False)]
