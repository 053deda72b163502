"""What jobs take from the configuration: where they compute, and how their network is built."""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from layer_pruning.devices import select_device

if TYPE_CHECKING:
    import torch

    from layer_pruning.models.header import NetworkHeader
    from layer_pruning.models.residual import ResidualNetwork

Config = Mapping[str, Any]


def device_of(config: Config) -> "torch.device":
    """The device that a configuration asks for, taken; raises as :func:`select_device`."""
    return select_device(config["device"], config["threads"])


def network_of(
    path: str | os.PathLike[str],
    config: Config,
    architecture: str,
    device: "str | torch.device" = "cpu",
) -> "ResidualNetwork":
    """The network of a file; one of the user's own is built as the configuration says.

    Raises as :func:`layer_pruning.models.residual.load_network`.
    """
    from layer_pruning.models.residual import load_network

    return load_network(path, device, build=_build(config, architecture))


def header_of(path: str | os.PathLike[str], config: Config, architecture: str) -> "NetworkHeader":
    """What a file says of its network; raises as :func:`network_of`."""
    from layer_pruning.models.network_file import named_by_caller, read_header

    return named_by_caller(read_header(path), _build(config, architecture))


def _build(config: Config, architecture: str) -> str | None:
    build: str | None = config["architectures"][architecture].get("build")
    return build
