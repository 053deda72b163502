"""Multiply-accumulates and parameters."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from layer_pruning.models.copies import copied
from layer_pruning.models.dispatch import Uncompiled
from layer_pruning.models.products import factors_of, is_fused_attention, macs_of
from layer_pruning.models.residual import ResidualNetwork

CONVENTION = (
    "multiply-accumulates of convolutions and linear layers, one image; products of activations "
    "with each other, as in attention, are in macs_with_attention alone"
)

Counted = TypeVar("Counted", bound=nn.Module)


class Cost(NamedTuple):
    """Multiply-accumulates of one image, without and with the products inside attention."""

    macs: int
    macs_with_attention: int


def parameter_count(network: nn.Module) -> int:
    """Parameters that train: those that are frozen (``requires_grad`` false) do not count."""
    return sum(p.numel() for p in network.parameters() if p.requires_grad)


LAYERS = (nn.Linear, nn.modules.conv._ConvNd, nn.MultiheadAttention)
"""Layers of which everything that they are called with counts as input."""


class _Traced:
    """Tensors, and all that is computed from them, by their memory."""

    def __init__(self, tensor: Tensor) -> None:
        # kept, lest the memory be used again
        self._storages: dict[int, Any] = {}
        self.add(tensor)

    def __contains__(self, tensor: Tensor) -> bool:
        return tensor.untyped_storage().data_ptr() in self._storages

    def add(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        self._storages[storage.data_ptr()] = storage

    def follow(self, given: Sequence[Tensor], output: Any) -> None:
        """Add what an operator made of ``given``, if any of that is among these."""
        if any(tensor in self for tensor in given):
            for value in tree_leaves(output):
                if isinstance(value, Tensor):
                    self.add(value)


class _Counter(Uncompiled):
    """Adds up the multiply-accumulates of convolutions and of products of matrices.

    A product both sides of which come from ``images`` is one of activations with each other. One
    of weights alone, by which parametrisations compute another weight, is none of an image's; a
    layer of ``network`` that is called with other than what comes from images, a table of
    positions, counts as any other.
    """

    def __init__(self, network: nn.Module, images: Tensor) -> None:
        super().__init__()
        self.macs = 0
        self.attention = 0
        self._from_images, self._inputs = _Traced(images), _Traced(images)
        for layer in network.modules():
            if isinstance(layer, LAYERS):
                layer.register_forward_pre_hook(self._called, with_kwargs=True)

    def _called(self, _: nn.Module, positional: Any, keywords: Any) -> None:
        for value in tree_leaves((positional, keywords)):
            if isinstance(value, Tensor):
                self._inputs.add(value)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        output = func(*args, **kwargs)
        if macs := macs_of(func, args, output):
            self._count(macs, func, args)
        given = [value for value in tree_leaves((args, kwargs)) if isinstance(value, Tensor)]
        self._from_images.follow(given, output)
        self._inputs.follow(given, output)
        return output

    def _count(self, macs: int, func: Any, args: Sequence[Any]) -> None:
        matrices = factors_of(func, args)
        if is_fused_attention(func) or (matrices and all(m in self._from_images for m in matrices)):
            self.attention += macs
        # of a convolution, its image and its weight
        elif any(factor in self._inputs for factor in matrices or args[:2]):
            self.macs += macs


def counted_cost(network: nn.Module, input_shape: tuple[int, ...]) -> Cost:
    """Multiply-accumulates for one image, counted while it passes through a copy.

    Every output value of a convolution or linear layer costs as many as there are inputs to it,
    every input value of a transposed convolution as many as there are outputs from it. The
    projections of attention are linear layers. Its products of activations with each other are in
    ``macs_with_attention`` alone, by which the cost of transformers is usually published. Bias,
    norms, activations and pooling are left out, and what parametrisations (spectral norm, say)
    compute from weights alone.
    """
    network, images = _ready_to_count(network, input_shape)
    with torch.enable_grad(), _Counter(network, images) as counter:
        network(images)
    return Cost(counter.macs, counter.macs + counter.attention)


def counted_blocks(network: ResidualNetwork) -> dict[str, int]:
    """Multiply-accumulates of each block that is left, as a part of :func:`counted_cost`.

    They are what its removal saves; a block that runs several times has those of all its runs.
    """
    network, images = _ready_to_count(network, network.header.input_shape)
    counter, began = _Counter(network, images), list[int]()
    found = dict.fromkeys(network.blocks(), 0)

    def begin(*_: Any) -> None:
        began.append(counter.macs)

    for name, block in network.blocks().items():

        def end(*_: Any, name: str = name) -> None:
            found[name] += counter.macs - began.pop()

        block.register_forward_pre_hook(begin)
        block.register_forward_hook(end)
    with torch.enable_grad(), counter:
        network(images)
    return found


def _ready_to_count(network: Counted, input_shape: tuple[int, ...]) -> tuple[Counted, Tensor]:
    """A copy through which one image passes as in training, and that image."""
    # with gradients, as training sees it: without, attention takes a fused operator, and linear
    # layers of weights that are not trained may become batched products
    network = copied(network).eval()
    for parameter in network.parameters():
        parameter.requires_grad_(parameter.is_floating_point())
    return network, _like(network).new_zeros(1, *input_shape)


def _like(network: nn.Module) -> Tensor:
    """A tensor of the device and the precision in which a network takes images."""
    return next(p for p in network.parameters() if p.is_floating_point())


def multiply_accumulates(network: nn.Module, input_shape: tuple[int, ...]) -> int:
    """Multiply-accumulates of convolutions and linear layers, see :func:`counted_cost`."""
    return counted_cost(network, input_shape).macs


def complexity_record(network: ResidualNetwork) -> dict[str, Any]:
    """Size and cost of a network, beside those of the network that it was pruned from."""
    header = network.header
    baseline = ResidualNetwork(replace(header, removed_blocks=()))
    macs, with_attention = counted_cost(network, header.input_shape)
    baseline_macs, baseline_with_attention = counted_cost(baseline, header.input_shape)
    return {
        "macs": macs,
        "macs_with_attention": with_attention,
        "parameters": parameter_count(network),
        "baseline_macs": baseline_macs,
        "baseline_macs_with_attention": baseline_with_attention,
        "baseline_parameters": parameter_count(baseline),
        "macs_reduction_percent": 100 * (1 - macs / baseline_macs),
        "convention": CONVENTION,
        "removed_blocks": list(header.removed_blocks),
        "blocks": header.kept_blocks(),
    }
