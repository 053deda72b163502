"""Load an exported network with torch and safetensors alone: images in [0, 1] in, logits out.

``from load_network import load; network = load("network.safetensors")``. CIFAR ResNets are rebuilt
from that file alone. Any other network is the traced program in ``network.pt2`` beside it, which
can run code when it is loaded: take it from people you trust. It cannot train; with ``module``, an
unpruned network like the one that was pruned, the weights go into that, and what comes back is an
ordinary module that can: ``load("network.safetensors", module=timm.create_model(...))``. MIT
licence.
"""

import json
import sys
from collections import OrderedDict
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor, nn

COLOUR = ("torchvision", "timm", "hf")  # families that see grey images in three channels


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


class Normalised(nn.Module):
    """Brings images in [0, 1] to the mean and spread that a network was trained with."""

    def __init__(self, about: dict[str, str]) -> None:
        super().__init__()
        mean, std = (torch.tensor(json.loads(about[n])).view(1, -1, 1, 1) for n in ("mean", "std"))
        self.mean, self.std = nn.Buffer(mean, persistent=False), nn.Buffer(std, persistent=False)


class Network(Normalised):
    """A CIFAR ResNet less its removed blocks, normalisation included."""

    def __init__(self, about: dict[str, str]) -> None:
        super().__init__(about)
        options, removed = json.loads(about["arguments"]), json.loads(about["removed_blocks"])
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


class Gone(nn.Module):
    """Where a block was: it gives back, of its arguments, what the block would without its branch.

    Numbers, texts and truth values of the block stay, as code around it may read them.
    """

    def __init__(self, block: nn.Module, route: str | None) -> None:
        super().__init__()
        self._route = json.loads(route) if route else {"argument": [0]}
        for name in set(dir(block)) - set(dir(nn.Module())):
            value = getattr(block, name)
            items = value if isinstance(value, tuple | list) else [value]
            if not name.startswith("_") and all(
                item is None or isinstance(item, bool | int | float | str) for item in items
            ):
                setattr(self, name, value)

    def forward(self, *positional: Any, **keywords: Any) -> Any:  # noqa: D102
        return routed(self._route, {**dict(enumerate(positional)), **keywords})


def routed(route: dict[str, Any], given: Any) -> Any:
    """What a route makes of the arguments of a block, by position or keyword."""
    ((kind, value),) = route.items()
    if kind == "argument":
        for step in value:
            given = given[step]
        return given
    if kind == "dict":
        return {key: routed(item, given) for key, item in value.items()}
    if kind in ("tuple", "list"):
        items = [routed(item, given) for item in value]
        return tuple(items) if kind == "tuple" else items
    return value


class Filled(Normalised):
    """A module of one's own less its removed blocks, normalisation included."""

    def __init__(self, about: dict[str, str], module: nn.Module) -> None:
        super().__init__(about)
        shape, family = json.loads(about["input_shape"]), json.loads(about["arguments"])["family"]
        self.channels = 3 if family in COLOUR else shape[0]
        removed = json.loads(about["removed_blocks"])
        for block in json.loads(about["blocks"]):
            if block["name"] in removed:
                gone = Gone(module.get_submodule(block["name"]), block.get("route"))
                for path in (block["name"], *block.get("aliases", ())):
                    module.set_submodule(path, gone)
        self.body = module

    def fill(self, tensors: dict[str, Tensor]) -> None:
        """Put the weights of a network file into the module; all have to fit."""
        state = OrderedDict(tensors)
        # without the versions of its parts, a module takes what it is given for an old state
        state._metadata = self.body.state_dict()._metadata  # type: ignore[attr-defined]
        self.body.load_state_dict(state)

    def forward(self, images: Tensor) -> Tensor:  # noqa: D102
        x = ((images - self.mean) / self.std).expand(-1, self.channels, -1, -1)
        output = self.body(x)
        output = output[0] if isinstance(output, tuple) else output
        return getattr(output, "logits", output)


class Program(nn.Module):
    """A traced program: it computes as in evaluation, and cannot be trained."""

    def __init__(self, program: nn.Module) -> None:
        super().__init__()
        self.program, self.training = program, False

    def forward(self, images: Tensor) -> Tensor:  # noqa: D102
        return self.program(images)

    def train(self, mode: bool = True) -> "Program":  # noqa: D102
        if mode:
            raise RuntimeError(
                "network.pt2 is a traced program, which computes as in evaluation and cannot be "
                "trained; load(path, module=...), with an unpruned module like the one that was "
                "pruned, gives a network that can"
            )
        return self


def load(path: str = "network.safetensors", module: nn.Module | None = None) -> nn.Module:
    """The network, in evaluation mode.

    ``module`` is an unpruned network like the one that was pruned, to put the weights into; it
    loses the removed blocks. Raises RuntimeError, naming tensors, for one that is not like it.
    """
    with safe_open(path, framework="pt") as file:
        about = file.metadata()
    if module is not None:
        filled = Filled(about, module)
        filled.fill(load_file(path))
        return filled.eval()
    if json.loads(about["arguments"])["family"] != "cifar_resnet":
        return Program(torch.export.load(Path(path).with_name("network.pt2")).module())
    network = Network(about)
    network.load_state_dict(load_file(path))
    return network.eval()


if __name__ == "__main__":
    print(load(sys.argv[1] if sys.argv[1:] else "network.safetensors"))
