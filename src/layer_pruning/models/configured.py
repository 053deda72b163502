"""The networks of files, built as a configuration says. PyTorch is imported when one is loaded."""

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from layer_pruning.runtime.devices import device_of

if TYPE_CHECKING:
    import torch

    from layer_pruning.models.header import NetworkHeader
    from layer_pruning.models.residual import ResidualNetwork

Config = Mapping[str, Any]
Path = str | os.PathLike[str]


def network_of(
    path: Path, config: Config, architecture: str, device: "str | torch.device | None" = None
) -> "ResidualNetwork":
    """The network of a file on ``device``, or else on that of the configuration.

    One of the user's own is built as the configuration says. Raises as
    :func:`layer_pruning.models.residual.load_network`.
    """
    return networks_of([path], config, architecture, device)[0]


def networks_of(
    paths: Iterable[Path],
    config: Config,
    architecture: str,
    device: "str | torch.device | None" = None,
) -> "list[ResidualNetwork]":
    """Several networks on one device, see :func:`network_of`."""
    from layer_pruning.models.residual import load_network

    # before a file is read: a card is waited for
    place, build = device or device_of(config), _build(config, architecture)
    return [load_network(path, place, build=build) for path in paths]


def header_of(path: Path, config: Config, architecture: str) -> "NetworkHeader":
    """What a file says of its network; raises as :func:`network_of`."""
    from layer_pruning.models.network_file import named_by_caller, read_header

    return named_by_caller(read_header(path), _build(config, architecture))


def _build(config: Config, architecture: str) -> str | None:
    build: str | None = config["architectures"][architecture].get("build")
    return build
