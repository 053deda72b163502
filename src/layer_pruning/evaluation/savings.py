"""What the removal of each block would save: counted, and measured."""

import random
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch

from layer_pruning.evaluation.complexity import multiply_accumulates, parameter_count
from layer_pruning.evaluation.throughput import batch_runner
from layer_pruning.models.residual import ResidualNetwork


def removable_blocks(network: ResidualNetwork) -> list[str]:
    """Names of the blocks that are left and could go."""
    kept = set(network.header.kept_blocks())
    return [b.name for b in network.header.blocks if b.removable and b.name in kept]


def counted_savings(network: ResidualNetwork, blocks: Sequence[str]) -> dict[str, dict[str, float]]:
    """Multiply-accumulates (of one image) and parameters that each block's removal saves."""
    header = network.header

    def cost(removed: tuple[str, ...]) -> tuple[int, int]:
        without = ResidualNetwork(replace(header, removed_blocks=removed))
        return multiply_accumulates(without, header.input_shape), parameter_count(without)

    macs, parameters = cost(header.removed_blocks)
    result = {}
    for block in blocks:
        left = cost((*header.removed_blocks, block))
        result[block] = {"macs": float(macs - left[0]), "parameters": float(parameters - left[1])}
    return result


def block_runners(
    network: ResidualNetwork, images: np.ndarray, blocks: Sequence[str]
) -> dict[str, Callable[[], None]]:
    """For each block a function that sends a batch of its own inputs through it.

    ``images`` (n, channels, height, width) walk through the network once; what reaches a block is
    kept as its input. A function returns when the result is there, also on a GPU.
    """
    device = next(network.parameters()).device
    runners = {}
    with torch.inference_mode():
        x = network.eval().enter(torch.from_numpy(images).to(device))
        for name, block in network.trunk():
            if name in blocks:
                runners[name] = batch_runner(block, x)
            x = block(x)
    return runners


def latencies(
    runners: dict[str, Callable[[], None]], *, repeats: int, seed: int
) -> dict[str, float]:
    """Median seconds of each function over ``repeats`` rounds.

    Every round runs all of them in another order, so that a drift of the machine hits all alike.
    Two rounds before are not counted.
    """
    order, generator = list(runners), random.Random(seed)
    seconds: dict[str, list[float]] = {name: [] for name in runners}
    for turn in range(-2, repeats):
        generator.shuffle(order)
        for name in order:
            started = time.perf_counter()
            runners[name]()
            if turn >= 0:
                seconds[name].append(time.perf_counter() - started)
    return {name: statistics.median(values) for name, values in seconds.items()}
