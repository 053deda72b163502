"""Multiply-accumulates and parameters."""

import copy
from dataclasses import replace
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from layer_pruning.models.residual import ResidualNetwork

aten = torch.ops.aten

CONVENTION = "multiply-accumulates of convolutions and linear layers, one image"


def parameter_count(network: nn.Module) -> int:
    """Trainable parameters."""
    return sum(parameter.numel() for parameter in network.parameters())


class _Counter(TorchDispatchMode):
    """Adds up the multiply-accumulates of convolutions and of products with a weight matrix.

    Below the modules, because attention uses the weights of its linear layers without calling
    them. The products of activations with each other inside attention are batched ones (``bmm``).
    """

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        # nothing is compiled here, and guarding against it imports the compiler: over a second
        return False

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        output = func(*args, **(kwargs or {}))
        if func is aten.convolution.default:
            # a weight has one row an output channel, holding one factor an input to it
            self.total += output.numel() * args[1][0].numel()
        elif func is aten.mm.default:
            self.total += output.numel() * args[0].shape[1]
        elif func is aten.addmm.default:
            self.total += output.numel() * args[1].shape[1]
        return output


def multiply_accumulates(network: nn.Module, input_shape: tuple[int, ...]) -> int:
    """Multiply-accumulates of convolutions and linear layers for one image.

    Counted while an image passes through a copy: every output value of a layer costs as many as
    there are inputs to it. The projections of attention are linear layers. Its products of
    activations with each other, bias, norms, activations and pooling are left out.
    """
    # with gradients, as training sees it: without, attention takes a fused operator, and linear
    # layers of weights that are not trained may become batched products
    network = copy.deepcopy(network).eval().requires_grad_()
    images = torch.zeros(1, *input_shape, device=next(network.parameters()).device)
    with torch.enable_grad(), _Counter() as counter:
        network(images)
    return counter.total


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
