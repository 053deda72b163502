"""Multiply-accumulates and parameters."""

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from layer_pruning.models.residual import ResidualNetwork

CONVENTION = "multiply-accumulates of convolutions and linear layers, one image"


def parameter_count(network: nn.Module) -> int:
    """Trainable parameters."""
    return sum(parameter.numel() for parameter in network.parameters())


@torch.inference_mode()
def multiply_accumulates(network: nn.Module, input_shape: tuple[int, ...]) -> int:
    """Multiply-accumulates of convolutions and linear layers for one image.

    Counted while an image passes: every output value of a layer costs as many as there are inputs
    to it. Bias, norms, activations and pooling are left out, as in the published figures.
    """
    total = 0

    def count(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal total
        assert isinstance(module, nn.Conv2d | nn.Linear)
        # a layer's weight has one row an output channel, holding one factor an input to it
        total += output.numel() * module.weight[0].numel()

    hooks = [
        module.register_forward_hook(count)
        for module in network.modules()
        if isinstance(module, nn.Conv2d | nn.Linear)
    ]
    was_training = network.training
    try:
        device = next(network.parameters()).device
        network.eval()(torch.zeros(1, *input_shape, device=device))
    finally:
        network.train(was_training)
        for hook in hooks:
            hook.remove()
    return total


def complexity_record(network: ResidualNetwork) -> dict[str, Any]:
    """Size and cost of a network, beside those of the network that it was pruned from."""
    header = network.header
    baseline = ResidualNetwork(replace(header, removed_blocks=()))
    macs = multiply_accumulates(network, header.input_shape)
    baseline_macs = multiply_accumulates(baseline, header.input_shape)
    return {
        "macs": macs,
        "parameters": parameter_count(network),
        "baseline_macs": baseline_macs,
        "baseline_parameters": parameter_count(baseline),
        "macs_reduction_percent": 100 * (1 - macs / baseline_macs),
        "convention": CONVENTION,
        "removed_blocks": list(header.removed_blocks),
        "blocks": header.kept_blocks(),
    }
