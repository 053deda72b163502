"""CIFAR residual networks as plain modules (He et al. 2016, arXiv 1512.03385, section 4.2)."""

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn import functional

from layer_pruning.models.specifications import CifarResNet


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


class CifarBody(nn.Module):
    """Stem, three stages of basic blocks, mean over the pixels, linear classifier.

    Takes normalised images (n, channels, height, width), gives logits (n, classes).
    """

    def __init__(self, shape: CifarResNet, channels: int, classes: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            OrderedDict(
                conv=nn.Conv2d(channels, shape.widths[0], 3, padding=1, bias=False),
                bn=nn.BatchNorm2d(shape.widths[0]),
            )
        )
        channels = shape.widths[0]
        for stage, width in enumerate(shape.widths, start=1):
            blocks = nn.ModuleDict()
            for position in range(1, shape.blocks_per_stage + 1):
                stride = 2 if stage > 1 and position == 1 else 1
                blocks[f"block{position}"] = BasicBlock(channels, width, stride, shape.shortcut)
                channels = width
            setattr(self, f"stage{stage}", blocks)
        self.classifier = nn.Linear(shape.widths[2], classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits of normalised images."""
        x = functional.relu(self.stem(x))
        for stage in (1, 2, 3):
            for block in self.get_submodule(f"stage{stage}").children():
                x = block(x)
        return self.classifier(x.mean(dim=(2, 3)))


def initialise(network: nn.Module, seed: int) -> None:
    """Draw new weights from a generator of their own (He et al. 2015, arXiv 1502.01852)."""
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
        elif isinstance(module, nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="linear", generator=generator)
            nn.init.zeros_(module.bias)
