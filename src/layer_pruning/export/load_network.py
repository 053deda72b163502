"""Load an exported network with torch and safetensors alone: images in [0, 1] in, logits out.

``from load_network import load; network = load("network.safetensors")``. CIFAR ResNets are rebuilt
from that file alone. Any other network is the traced program in ``network.pt2`` beside it, which
can run code when it is loaded: take it from people you trust. MIT licence.
"""

import json
import sys
from collections import OrderedDict
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor, nn


def conv_bn(before: int, after: int, size: int, stride: int = 1) -> nn.Sequential:
    """A convolution and its norm."""
    conv = nn.Conv2d(before, after, size, stride, padding=size // 2, bias=False)
    return nn.Sequential(OrderedDict(conv=conv, bn=nn.BatchNorm2d(after)))


class Block(nn.Module):
    """Two 3 × 3 convolutions beside a shortcut (He et al. 2016, arXiv 1512.03385)."""

    def __init__(self, before: int, after: int, stride: int, shortcut: str) -> None:
        super().__init__()
        self.stride, projection = stride, shortcut == "projection" and stride > 1
        self.conv1, self.bn1 = conv_bn(before, after, 3, stride)
        self.conv2, self.bn2 = conv_bn(after, after, 3)
        self.shortcut = conv_bn(before, after, 1, stride) if projection else None

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        residual = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        if self.shortcut is not None:
            return torch.relu(residual + self.shortcut(x))
        x, missing = x[:, :, :: self.stride, :: self.stride], residual.shape[1] - x.shape[1]
        pads = (0, 0, 0, 0, missing // 2, missing - missing // 2)
        return torch.relu(residual + nn.functional.pad(x, pads))


class Network(nn.Module):
    """A CIFAR ResNet less its removed blocks, normalisation included."""

    def __init__(self, about: dict[str, str]) -> None:
        super().__init__()
        options, removed = json.loads(about["arguments"]), json.loads(about["removed_blocks"])
        mean, std = (torch.tensor(json.loads(about[n])).view(1, -1, 1, 1) for n in ("mean", "std"))
        self.mean, self.std = nn.Buffer(mean, persistent=False), nn.Buffer(std, persistent=False)
        widths = options["widths"]
        self.stem = conv_bn(json.loads(about["input_shape"])[0], widths[0], 3)
        self.stage1, self.stage2, self.stage3 = stages = [nn.Sequential() for _ in widths]
        for stage, width in enumerate(widths):
            for position in range((options["depth"] - 2) // 6):
                new = stage > 0 and position == 0  # fewer pixels, more channels
                if f"stage{stage + 1}.block{position + 1}" not in removed:
                    block = Block(widths[stage - new], width, 1 + new, options["shortcut"])
                    stages[stage].add_module(f"block{position + 1}", block)
        self.classifier = nn.Linear(widths[-1], len(json.loads(about["class_names"])))

    def forward(self, images: Tensor) -> Tensor:  # noqa: D102
        x = torch.relu(self.stem((images - self.mean) / self.std))
        return self.classifier(self.stage3(self.stage2(self.stage1(x))).mean(dim=(2, 3)))


def load(path: str = "network.safetensors") -> nn.Module:
    """The network, ready for inference."""
    with safe_open(path, framework="pt") as file:
        about = file.metadata()
    if json.loads(about["arguments"])["family"] != "cifar_resnet":
        return torch.export.load(Path(path).with_name("network.pt2")).module()
    network = Network(about)
    network.load_state_dict(load_file(path))
    return network.eval()


if __name__ == "__main__":
    print(load(*sys.argv[1:]))
