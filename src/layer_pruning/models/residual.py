"""Networks as an ordered trunk of named blocks: stem, blocks, pooling, classifier."""

import os
from collections import OrderedDict
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

from layer_pruning.models.architectures import CifarResNet, architecture
from layer_pruning.models.network_file import NetworkHeader, read_network, write_network


class SubsampleAndPad(nn.Module):
    """Parameter-free shortcut (option A): every second pixel, missing channels set to zero."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        missing = out_channels - in_channels
        self.before, self.after = missing // 2, missing - missing // 2

    def forward(self, x: Tensor) -> Tensor:
        """Fewer pixels, more channels."""
        x = x[:, :, :: self.stride, :: self.stride]
        return functional.pad(x, (0, 0, 0, 0, self.before, self.after))


class BasicBlock(nn.Module):
    """Two 3 × 3 convolutions with batch norm beside a shortcut, ReLU after the sum."""

    def __init__(self, in_channels: int, out_channels: int, stride: int, shortcut: str) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.shortcut: nn.Module
        if stride == 1 and in_channels == out_channels:
            self.shortcut = nn.Identity()
        elif shortcut == "parameter_free":
            self.shortcut = SubsampleAndPad(in_channels, out_channels, stride)
        else:
            self.shortcut = nn.Sequential(
                OrderedDict(
                    conv=nn.Conv2d(in_channels, out_channels, 1, stride, bias=False),
                    bn=nn.BatchNorm2d(out_channels),
                )
            )

    def forward(self, x: Tensor) -> Tensor:
        """Residual branch plus shortcut, through a ReLU."""
        residual = functional.relu(self.bn1(self.conv1(x)))
        residual = self.bn2(self.conv2(residual))
        return functional.relu(residual + self.shortcut(x))


class ResidualNetwork(nn.Module):
    """A CIFAR residual network less the blocks that its header lists as removed.

    Takes images in [0, 1] of shape (n, channels, height, width) and gives logits (n, classes).
    Normalisation is inside, so that attacks and exports cannot get it wrong.

    A removed block is simply absent. Its input went through a ReLU before, so the ReLU that a
    bypassed block would end with changes nothing, and removal equals bypassing exactly.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, header: NetworkHeader) -> None:
        super().__init__()
        self.header = header
        shape: CifarResNet = architecture(header.architecture, header.arguments)
        statistics = (1, -1, 1, 1)
        mean, std = torch.tensor(header.mean), torch.tensor(header.std)
        # not persistent: the header holds them, and a state dict should hold what is learnt
        self.register_buffer("mean", mean.view(statistics), persistent=False)
        self.register_buffer("std", std.view(statistics), persistent=False)
        self.stem = nn.Sequential(
            OrderedDict(
                conv=nn.Conv2d(header.input_shape[0], shape.widths[0], 3, padding=1, bias=False),
                bn=nn.BatchNorm2d(shape.widths[0]),
            )
        )
        kept = set(header.kept_blocks())
        self.block_names = [block.name for block in shape.blocks() if block.name in kept]
        channels = shape.widths[0]
        for stage, width in enumerate(shape.widths, start=1):
            blocks = nn.ModuleDict()
            for position in range(1, shape.blocks_per_stage + 1):
                if f"stage{stage}.block{position}" in kept:
                    stride = 2 if stage > 1 and position == 1 else 1
                    blocks[f"block{position}"] = BasicBlock(channels, width, stride, shape.shortcut)
                    channels = width
            setattr(self, f"stage{stage}", blocks)
        self.classifier = nn.Linear(shape.widths[2], len(header.class_names))

    def trunk(self) -> Iterator[tuple[str, nn.Module]]:
        """The blocks that are left, by name, in network order."""
        for name in self.block_names:
            yield name, self.get_submodule(name)

    def enter(self, images: Tensor) -> Tensor:
        """Normalised images through the stem: the input of the first block."""
        return functional.relu(self.stem((images - self.mean) / self.std))

    def pool(self, x: Tensor) -> Tensor:
        """Output of the last block to the pooled representation (n, features)."""
        return x.mean(dim=(2, 3))

    def forward(self, images: Tensor, bypass: str | None = None) -> Tensor:
        """Logits of ``images``; with ``bypass``, as if that block's residual branch were gone."""
        x = self.enter(images)
        for name, block in self.trunk():
            if name != bypass:
                x = block(x)
        return self.classifier(self.pool(x))


def initialise(network: nn.Module, seed: int) -> None:
    """Draw new weights from a generator of their own (He et al. 2015, arXiv 1502.01852)."""
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
        elif isinstance(module, nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="linear", generator=generator)
            nn.init.zeros_(module.bias)


def new_network(header: NetworkHeader, seed: int) -> ResidualNetwork:
    """An untrained network, drawn from ``seed``."""
    network = ResidualNetwork(header)
    initialise(network, seed)
    return network


def load_network(
    path: str | os.PathLike[str], device: str | torch.device = "cpu"
) -> ResidualNetwork:
    """Rebuild the network of a network file, in evaluation mode.

    Raises FileNotFoundError, or ValueError in one line naming the file and the tensor.
    """
    header, tensors = read_network(path)
    network = ResidualNetwork(header)
    wanted = network.state_dict()
    if set(wanted) != set(tensors):
        differing = sorted(set(wanted) ^ set(tensors))
        raise ValueError(f"{path}: weights missing or not wanted: {', '.join(differing[:5])}")
    for name, tensor in tensors.items():
        if tuple(wanted[name].shape) != tensor.shape:
            raise ValueError(
                f"{path}: {name} has shape {tensor.shape}, not {tuple(wanted[name].shape)}"
            )
    network.load_state_dict({name: torch.from_numpy(value) for name, value in tensors.items()})
    return network.to(device).eval()


def save_network(network: ResidualNetwork, path: str | os.PathLike[str]) -> None:
    """Write the network file of ``network``, whole."""
    tensors = {name: value.detach().cpu().numpy() for name, value in network.state_dict().items()}
    write_network(path, network.header, tensors)
