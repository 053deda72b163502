"""What the removal of each block would save: counted, and measured."""

import statistics
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from layer_pruning.evaluation.complexity import multiply_accumulates, parameter_count
from layer_pruning.evaluation.interleaving import interleaved_seconds
from layer_pruning.evaluation.throughput import batch_runner
from layer_pruning.models.residual import ResidualNetwork


def removable_blocks(network: ResidualNetwork) -> list[str]:
    """Names of the blocks that are left and could go."""
    kept = set(network.header.kept_blocks())
    return [b.name for b in network.header.blocks if b.removable and b.name in kept]


@torch.inference_mode()
def block_inputs(network: ResidualNetwork, images: Tensor) -> dict[str, Tensor]:
    """What reaches each block, by its name, as ``images`` walk through the network."""
    inputs = {}
    x = network.eval().enter(images)
    for name, block in network.trunk():
        inputs[name] = x
        x = block(x)
    return {name: inputs[name] for name in network.block_names}


def counted_savings(network: ResidualNetwork, blocks: Sequence[str]) -> dict[str, dict[str, float]]:
    """Multiply-accumulates (of one image) and parameters of each block: its removal saves them."""
    device = next(network.parameters()).device
    inputs = block_inputs(network, torch.zeros(1, *network.header.input_shape, device=device))
    modules = dict(network.trunk())
    return {
        name: {
            "macs": float(multiply_accumulates(modules[name], inputs[name].shape[1:])),
            "parameters": float(parameter_count(modules[name])),
        }
        for name in blocks
    }


def block_runners(
    network: ResidualNetwork, images: Tensor, blocks: Sequence[str]
) -> dict[str, Callable[[], None]]:
    """For each block a function that sends a batch of its own inputs through it.

    ``images`` (n, channels, height, width) lie on the network's device. A function returns when
    the result is there, also on a GPU.
    """
    inputs, modules = block_inputs(network, images), dict(network.trunk())
    return {name: batch_runner(modules[name], inputs[name]) for name in blocks}


class _Part(nn.Module):
    """A function of the network as a module without parameters of its own."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


def parts(network: ResidualNetwork) -> dict[str, nn.Module]:
    """All that an image passes, in order: the input, blocks and links by name, and the output."""
    return {
        "(input)": _Part(network.enter),
        **dict(network.trunk()),
        "(output)": _Part(lambda x: network.classifier(network.pool(x))),
    }


@torch.inference_mode()
def part_runners(network: ResidualNetwork, images: Tensor) -> dict[str, Callable[[], None]]:
    """For each of the `parts` a function that sends a batch of its own inputs through it.

    Together they take the time of the network, in pieces as short as its blocks: a whole pass is
    more often interrupted, and on a GPU it is no sum of parts that wait for each other.
    ``images`` (n, channels, height, width) lie on the network's device.
    """
    runners, x = {}, images
    network.eval()
    for name, part in parts(network).items():
        runners[name] = batch_runner(part, x)
        x = part(x)
    return runners


def latencies(
    runners: dict[str, Callable[[], None]], *, repeats: int, seed: int
) -> dict[str, float]:
    """Median seconds of each function over ``repeats`` interleaved rounds."""
    seconds = interleaved_seconds(runners, repeats=repeats, seed=seed)
    return {name: statistics.median(values) for name, values in seconds.items()}
