"""Networks as an ordered trunk of named blocks: stem, blocks, pooling, classifier."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from layer_pruning.models.architectures import OwnNetwork, TorchvisionNetwork, architecture
from layer_pruning.models.bodies import drawn_body, new_body
from layer_pruning.models.network_file import (
    NetworkHeader,
    check_build,
    named_by_caller,
    read_header,
    read_network,
    write_network,
)
from layer_pruning.models.trunk import cut


class ResidualNetwork(nn.Module):
    """Any network with a trunk of residual blocks, less those that its header lists as removed.

    Takes images in [0, 1] of shape (n, channels, height, width) and gives logits (n, classes).
    Normalisation is inside, so that attacks and exports cannot get it wrong. ``body`` is the
    network itself, as its own code builds it; the names of blocks and of tensors in a network
    file are paths in it.

    A removed block is an identity in its place. It gave its input back once its residual branch
    was gone (:mod:`layer_pruning.models.discovery`), so removal equals bypassing exactly.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, header: NetworkHeader, body: nn.Module | None = None) -> None:
        """``body`` is the unpruned module of the header's architecture; None builds one.

        Raises ValueError in one line where the header does not describe a network.
        """
        super().__init__()
        self.header = header
        statistics = (1, -1, 1, 1)
        mean, std = torch.tensor(header.mean), torch.tensor(header.std)
        # not persistent: the header holds them, and a state dict should hold what is learnt
        self.register_buffer("mean", mean.view(statistics), persistent=False)
        self.register_buffer("std", std.view(statistics), persistent=False)
        network = architecture(header.architecture, header.arguments, header.input_shape)
        if body is None:
            check_build(header)
            body = new_body(
                network, input_shape=header.input_shape, classes=len(header.class_names)
            )
        # a body in training may take other ways, such as through an auxiliary classifier
        self._trunk = cut(body.eval(), [block.name for block in header.blocks])
        # a grey image is a colour image with three equal channels
        self._channels = 3 if isinstance(network, TorchvisionNetwork) else header.input_shape[0]
        if {len(header.mean), len(header.std)} - {1, self._channels}:
            raise ValueError(
                f"{header.architecture}: mean and std should have {self._channels} numbers each, "
                f"not {len(header.mean)} and {len(header.std)}"
            )
        for name in header.removed_blocks:
            body.set_submodule(name, nn.Identity())
        self.body = body.train()
        self.block_names = header.kept_blocks()

    def trunk(self) -> Iterator[tuple[str, nn.Module]]:
        """The blocks that are left, by name, in network order, and what links them.

        Links (a merging layer, say) stay whatever is removed around them; their names are none of
        ``block_names``.
        """
        kept = set(self.block_names)
        for block in self.header.blocks:
            link = self._trunk.links.get(block.name)
            if link is not None:
                yield link.name, link.module(self.body)
            if block.name in kept:
                yield block.name, self.body.get_submodule(block.name)

    def enter(self, images: Tensor) -> Tensor:
        """Normalised images through the stem: the input of the first block."""
        x = (images - self.mean) / self.std
        return self._trunk.enter(self.body, x.expand(-1, self._channels, -1, -1))

    def pool(self, x: Tensor) -> Tensor:
        """Output of the last block to the pooled representation (n, features)."""
        return self._trunk.pool(self.body, x)

    @property
    def classifier(self) -> nn.Module:
        """The linear layer from the pooled representation to logits."""
        return self.body.get_submodule(self._trunk.classifier)

    @property
    def classifier_name(self) -> str:
        """Path of the classifier in a network file."""
        return self._trunk.classifier

    def forward(self, images: Tensor, bypass: str | None = None) -> Tensor:
        """Logits of ``images``; with ``bypass``, as if that block's residual branch were gone."""
        x = self.enter(images)
        for name, block in self.trunk():
            if name != bypass:
                x = block(x)
        return self.classifier(self.pool(x))


def new_network(header: NetworkHeader, seed: int) -> ResidualNetwork:
    """An untrained network, drawn from ``seed``.

    Raises ValueError where a file alone names the code that builds it, see
    :func:`layer_pruning.models.network_file.check_build`.
    """
    check_build(header)
    body = drawn_body(
        architecture(header.architecture, header.arguments, header.input_shape),
        input_shape=header.input_shape,
        classes=len(header.class_names),
        seed=seed,
    )
    return ResidualNetwork(header, body)


def load_network(
    path: str | os.PathLike[str],
    device: str | torch.device = "cpu",
    body: nn.Module | None = None,
    *,
    build: str | None = None,
) -> ResidualNetwork:
    """Rebuild the network of a network file, in evaluation mode.

    ``body`` is an unpruned module to put the weights into; None builds one. Of a user's own
    network it is built by ``build``, ``package.module:function``, where the file names the same.
    Raises FileNotFoundError, or ValueError in one line naming the file and the tensor, before
    anything is imported or built.
    """
    try:
        claimed = named_by_caller(read_header(path), build)
        if body is None:
            check_build(claimed)
    except ValueError as error:
        raise ValueError(_naming(path, error)) from error
    read, tensors = read_network(path)
    header = replace(read, may_build=claimed.may_build)
    try:
        if body is None:
            _check_fits(path, _skeleton(header), tensors)
        network = ResidualNetwork(header, body)
    except ValueError as error:
        raise ValueError(_naming(path, error)) from error
    _check_fits(path, network.body.state_dict(), tensors)
    network.body.load_state_dict({name: torch.from_numpy(value) for name, value in tensors.items()})
    return network.to(device).eval()


def _naming(path: str | os.PathLike[str], error: ValueError) -> str:
    said = str(error)
    return said if said.startswith(f"{path}: ") else f"{path}: {said}"


def _skeleton(header: NetworkHeader) -> dict[str, Tensor] | None:
    """The tensors that the network of ``header`` has, without memory for their numbers.

    A file can describe a network that no machine holds. None for a user's own, whose code may
    need real tensors.
    """
    network = architecture(header.architecture, header.arguments, header.input_shape)
    if isinstance(network, OwnNetwork):
        return None
    try:
        with torch.device("meta"):
            body = new_body(
                network, input_shape=header.input_shape, classes=len(header.class_names)
            )
    except (RuntimeError, OverflowError) as error:
        said = " ".join(str(error).split())[:200]
        raise ValueError(f"it describes a network that cannot be built ({said})") from error
    for name in header.removed_blocks:
        body.set_submodule(name, nn.Identity())
    return dict(body.state_dict())


def _check_fits(
    path: str | os.PathLike[str],
    wanted: Mapping[str, Tensor] | None,
    tensors: Mapping[str, np.ndarray],
) -> None:
    """Raise ValueError, naming file and tensor, unless ``tensors`` are those ``wanted``."""
    if wanted is None:
        return
    if set(wanted) != set(tensors):
        differing = sorted(set(wanted) ^ set(tensors))
        raise ValueError(f"{path}: weights missing or not wanted: {', '.join(differing[:5])}")
    for name, tensor in tensors.items():
        if tuple(wanted[name].shape) != tensor.shape:
            raise ValueError(
                f"{path}: {name} has shape {tensor.shape}, not {tuple(wanted[name].shape)}"
            )


def save_network(network: ResidualNetwork, path: str | os.PathLike[str]) -> None:
    """Write the network file of ``network``, whole."""
    tensors = {
        name: value.detach().cpu().numpy() for name, value in network.body.state_dict().items()
    }
    write_network(path, network.header, tensors)
