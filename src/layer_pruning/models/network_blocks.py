"""The blocks of an architecture. Those of a CIFAR ResNet follow from its depth; those of all
others are found by building one, which imports torch then."""

import functools
import json
from typing import Any

from layer_pruning.models.architectures import architecture
from layer_pruning.models.blocks import Block
from layer_pruning.models.network_size import NetworkSize
from layer_pruning.models.specifications import Architecture, CifarResNet, FoundNetwork, Shape


def blocks_of(network: Architecture) -> tuple[Block, ...]:
    """All blocks in network order. Raises ValueError in one line where none can be found."""
    if isinstance(network, CifarResNet):
        return network.blocks()
    blocks: tuple[Block, ...] = _found(network).blocks
    return blocks


def feature_width(network: Architecture) -> int:
    """Width of the pooled representation. Raises as :func:`blocks_of`."""
    if isinstance(network, CifarResNet):
        return network.features
    return int(_found(network).features)


def has_batch_norm(network: Architecture) -> bool:
    """Whether a network has batch norm. Raises as :func:`blocks_of`."""
    return isinstance(network, CifarResNet) or bool(_found(network).batch_norm)


def size_of(network: Architecture, input_shape: Shape, classes: int) -> NetworkSize:
    """Counts of a network for images of ``input_shape``. Raises as :func:`blocks_of`."""
    if isinstance(network, CifarResNet):
        return network.size(input_shape, classes)
    found: NetworkSize = _found(network).size
    return found


def _found(network: FoundNetwork) -> Any:
    arguments = json.dumps(network.arguments(), sort_keys=True)
    return _found_once(arguments, network.input_shape)


@functools.lru_cache
def _found_once(arguments: str, input_shape: Shape) -> Any:
    # torch and torchvision take seconds to import: only where such a network is named
    from layer_pruning.models.bodies import drawn_body
    from layer_pruning.models.discovery import found_in, probe_images

    network = architecture("", json.loads(arguments), input_shape)
    assert isinstance(network, FoundNetwork)
    body = drawn_body(network, input_shape=input_shape, classes=10, seed=0)
    images = probe_images(network.channels, *input_shape[1:])
    return found_in(body, images, network.called, network.granularity)
