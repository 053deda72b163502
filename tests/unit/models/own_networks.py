"""Networks as users write them, for the tests of discovery."""

import torch
import torch.nn.utils.prune as masks
from torch import nn
from torch.nn import functional


class PreActivation(nn.Module):
    """Norms and ReLUs before the convolutions; registered in another order than they run."""

    def __init__(self, width, stride=1, out=None):
        super().__init__()
        out = out or width
        self.conv1 = nn.Conv2d(width, out, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(out, out, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out)
        self.shortcut = None if out == width else nn.Conv2d(width, out, 1, stride, bias=False)

    def forward(self, x):
        y = self.conv1(functional.relu(self.bn1(x)))
        y = self.conv2(functional.relu(self.bn2(y)))
        return y + (x if self.shortcut is None else self.shortcut(x))


class EndsInReLU(nn.Module):
    """The identity for inputs that are not negative, and only for those."""

    def __init__(self, width):
        super().__init__()
        self.branch = nn.Sequential(nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width))

    def forward(self, x):
        return functional.relu(x + self.branch(x))


class InPlace(nn.Module):
    """All its steps work in place, so that one tensor object goes through most of it."""

    def __init__(self, width):
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1)
        self.bn = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        y = self.bn(self.conv(x))
        y += x
        return self.relu(y)


class Gated(nn.Module):
    """Half of the input stays when the weights are gone: no identity."""

    def __init__(self, width):
        super().__init__()
        self.gate = nn.Sequential(nn.Conv2d(width, width, 1), nn.Sigmoid())

    def forward(self, x):
        return x * self.gate(x)


class ResponseNorm(nn.Module):
    """An identity inside a block, as in ConvNeXt V2: no block of its own."""

    def __init__(self, width):
        super().__init__()
        self.scale = nn.Sequential(nn.Conv2d(width, width, 1))

    def forward(self, x):
        return x + self.scale(x)


class WithInnerIdentity(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1)
        self.norm = ResponseNorm(width)
        self.last = nn.Conv2d(width, width, 1)

    def forward(self, x):
        return x + self.last(self.norm(self.conv(x)))


class Stage(nn.Module):
    """A stage as a module of its own, called as a whole."""

    def __init__(self, *blocks):
        super().__init__()
        self.blocks = nn.ModuleList(blocks)

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return x


class Head(nn.Module):
    def __init__(self, width, classes):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.linear = nn.Linear(width, classes)

    def forward(self, x):
        return self.linear(self.norm(x))


class Own(nn.Module):
    """A stem, a trunk, functional pooling half-way, and a head of its own."""

    def __init__(self, blocks, *, channels=3, width=6, classes=10, late=(), ending="plain", out=6):
        super().__init__()
        self.conv = nn.Conv2d(channels, width, 3, padding=1)
        self.early = Stage(*blocks)
        self.late = nn.Sequential(*late)
        self.head = Head(out, classes)
        self.ending = ending

    def forward(self, x):
        x = self.early(self.conv(x))
        if self.ending == "looks" and x.sum() > 0:
            x = x + 1
        if self.ending == "skips":
            return self.head((self.late(x) + x).mean(dim=(2, 3)))
        x = functional.max_pool2d(x, 2)
        x = self.head(self.late(x).mean(dim=(2, 3)))
        return x.log_softmax(dim=1) if self.ending == "probabilities" else x


def build(num_classes, input_shape, width=6, ending="plain"):
    blocks = [PreActivation(width) for _ in range(3)]
    late = [PreActivation(width), PreActivation(width)]
    channels = input_shape[0]
    return Own(
        blocks,
        channels=channels,
        width=width,
        classes=num_classes,
        late=late,
        ending=ending,
        out=width,
    )


COMPUTED = {
    "weight norm": nn.utils.parametrizations.weight_norm,
    "spectral norm": nn.utils.parametrizations.spectral_norm,
    "older weight norm": nn.utils.weight_norm,
    "mask": lambda layer: masks.identity(layer, "weight"),
    "plain": lambda layer: layer,
}


def build_head(num_classes, input_shape, way="plain", bias=True):
    """One whose classifier computes its weight in some ``way`` of PyTorch's."""
    body = build(num_classes, input_shape)
    body.head.linear = COMPUTED[way](nn.Linear(6, num_classes, bias=bias))
    return body


def build_plain(num_classes, input_shape):
    return nn.Sequential(nn.Flatten(), nn.Linear(torch.Size(input_shape).numel(), num_classes))


def build_nothing(num_classes, input_shape):
    return None


not_a_function = 3
