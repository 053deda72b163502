"""What the removal of each block would save: counted, and measured."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from layer_pruning.evaluation.complexity import counted_blocks
from layer_pruning.evaluation.interleaving import interleaved_seconds
from layer_pruning.evaluation.throughput import batch_runner
from layer_pruning.models.calls import Call, calls_of, evaluating
from layer_pruning.models.copies import copied
from layer_pruning.models.pass_through import mapped, tensors
from layer_pruning.models.replay import Replay
from layer_pruning.models.residual import ResidualNetwork
from layer_pruning.models.surroundings import held_alone


def removable_blocks(network: ResidualNetwork) -> list[str]:
    """Names of the blocks that are left and could go."""
    kept = set(network.header.kept_blocks())
    return [b.name for b in network.header.blocks if b.removable and b.name in kept]


class _Called(nn.Module):
    """A module with the arguments that it is called with in a network; takes images, unused."""

    def __init__(self, module: nn.Module, call: Call) -> None:
        super().__init__()
        self.module = module
        self.arguments: Any = (call.positional, call.keywords)
        self.copies = False
        """Whether it is called with a copy of its arguments each time."""

    def forward(self, images: Tensor) -> Any:
        positional, keywords = (
            mapped(Tensor.clone, self.arguments) if self.copies else self.arguments
        )
        return self.module(*positional, **keywords)

    def works_in_place(self) -> bool:
        """Whether a call changes its arguments."""
        positional, keywords = copied = mapped(Tensor.clone, self.arguments)
        with torch.no_grad():
            self.module(*positional, **keywords)
        return _differ(copied, self.arguments)


def _differ(after: Any, before: Any) -> bool:
    pairs = zip(tensors(after), tensors(before), strict=True)
    return not all(torch.equal(one, other) for one, other in pairs)


def called_blocks(network: ResidualNetwork, images: Tensor) -> dict[str, nn.Module]:
    """Each block that is left, as a module that runs on what reaches it as ``images`` go through.

    A block that runs several times is taken at its first call. Where one works in place, all are
    called with copies, so that none runs on what its last call left, and all pay alike.
    """
    with evaluating(network):
        modules = network.blocks()
        calls = calls_of(network, images, modules)
        called = {name: _Called(module, calls[name][0]) for name, module in modules.items()}
        copies = any(block.works_in_place() for block in called.values())
    for block in called.values():
        block.copies = copies
    return dict(called)


def counted_savings(network: ResidualNetwork, blocks: Sequence[str]) -> dict[str, dict[str, float]]:
    """Multiply-accumulates (of one image) and parameters that the removal of each block saves."""
    macs = counted_blocks(network)
    return {
        name: {"macs": float(macs[name]), "parameters": float(parameters_saved(network, [name]))}
        for name in blocks
    }


def parameters_saved(network: ResidualNetwork, blocks: Sequence[str]) -> int:
    """Parameters that train and go with ``blocks``, all of them removed at once.

    It is the difference of :func:`layer_pruning.evaluation.complexity.parameter_count`: what
    something else in the network holds too, as where weights are shared, stays.
    """
    modules = network.blocks()
    going = held_alone(network, [modules[name] for name in blocks])
    return sum(t.numel() for t in going if isinstance(t, nn.Parameter) and t.requires_grad)


def block_runners(
    network: ResidualNetwork, images: Tensor, blocks: Sequence[str]
) -> dict[str, Callable[[], None]]:
    """For each block a function that sends a batch of its own inputs through it.

    ``images`` (n, channels, height, width) lie on the network's device. A function returns when
    the result is there, also on a GPU.
    """
    called = called_blocks(network, images)
    return {name: batch_runner(called[name], images) for name in blocks}


class Surroundings(nn.Module):
    """What is around the blocks of a network: it runs, and its blocks give what they gave."""

    def __init__(self, network: ResidualNetwork, images: Tensor) -> None:
        super().__init__()
        self.replay = Replay(copied(network).eval())
        blocks = [*self.replay.blocks.values()]
        self.given: list[Any] = []

        def kept(unit: nn.Module, forward: Any, positional: Any, named: Any) -> Any:
            output = forward(*positional, **named)
            if unit in blocks:
                # later steps may work in place
                self.given.append(mapped(Tensor.clone, output))
            return output

        with self.replay.hooked(kept), torch.no_grad():
            self.replay.network(images)
        self.blocks = {*blocks}
        self.copies, before = False, mapped(Tensor.clone, self.given)
        with torch.no_grad():
            self(images)
        if _differ(self.given, before):
            self.given, self.copies = before, True

    def forward(self, images: Tensor) -> Tensor:
        """Logits of the images that this was made with."""
        given = iter(self.given)

        def answer(unit: nn.Module, forward: Any, positional: Any, named: Any) -> Any:
            if unit not in self.blocks:
                return forward(*positional, **named)
            # what comes after may work in place
            return mapped(Tensor.clone, next(given)) if self.copies else next(given)

        with self.replay.hooked(answer):
            return self.replay.network(images)


def part_runners(network: ResidualNetwork, images: Tensor) -> dict[str, Callable[[], None]]:
    """For each block, by name, and for ``(around the blocks)`` a function that runs it.

    Together they take the time of the network, in pieces as short as its blocks: a whole pass is
    more often interrupted, and on a GPU it is no sum of parts that wait for each other.
    ``images`` (n, channels, height, width) lie on the network's device.
    """
    around = batch_runner(Surroundings(network, images), images)
    return block_runners(network, images, network.block_names) | {"(around the blocks)": around}


def latency_savings(network: ResidualNetwork, images: Tensor, *, repeats: int) -> dict[str, Any]:
    """The content of ``savings/latency.json``: what each removal saves, counted and timed.

    ``images`` (n, channels, height, width) lie on the network's device.
    """
    seconds = latencies(part_runners(network, images), repeats=repeats, seed=0)
    blocks = counted_savings(network, removable_blocks(network))
    return {
        "units": {"macs": "an image", "latency": "seconds a batch"},
        "network": {"latency": sum(seconds.values())},
        "blocks": {name: saved | {"latency": seconds[name]} for name, saved in blocks.items()},
    }


def energy_savings(joules: Mapping[str, float]) -> dict[str, Any]:
    """The content of ``savings/energy.json``: the joules of a batch in each block."""
    blocks = {name: {"energy": value} for name, value in joules.items()}
    return {"units": {"energy": "joules a batch"}, "blocks": blocks}


def latencies(
    runners: dict[str, Callable[[], None]], *, repeats: int, seed: int
) -> dict[str, float]:
    """Median seconds of each function over ``repeats`` interleaved rounds."""
    seconds = interleaved_seconds(runners, repeats=repeats, seed=seed)
    return {name: statistics.median(values) for name, values in seconds.items()}
