"""Sweeps of networks whose modules work by more than what they return.

What ran before a candidate is answered from a record, which holds what modules returned. Here they
append to a list, change their argument, or keep something for a module that comes later.
"""

import pytest
import torch
from torch import nn

import layer_pruning
from layer_pruning.activations.sweep import BRANCHES, sweep

SHAPE, WIDTH = (3, 8, 8), 6


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.branch = nn.Sequential(nn.Conv2d(WIDTH, WIDTH, 3, padding=1), nn.GELU())

    def forward(self, x):
        return x + self.branch(x)


class Net(nn.Module):
    """Blocks, a tap, blocks, and a head; what the tap does is said below."""

    def __init__(self, before=4, after=2, head=1.0):
        super().__init__()
        torch.manual_seed(0)
        self.stem = nn.Conv2d(3, WIDTH, 1)
        self.early = nn.Sequential(*(Block() for _ in range(before)))
        self.tap = self.made_tap()
        self.late = nn.Sequential(*(Block() for _ in range(after)))
        self.head = nn.Linear(WIDTH, 5)
        nn.init.normal_(self.head.weight, std=0.5)
        with torch.no_grad():
            self.head.weight.mul_(head)
            self.head.bias.mul_(head)


class Appending(nn.Module):
    def __init__(self):
        super().__init__()
        self.project = nn.Linear(WIDTH, WIDTH)

    def forward(self, x, seen):
        seen.append(self.project(x.mean((2, 3))))
        return x


class AppendsToAList(Net):
    def made_tap(self):
        return Appending()

    def forward(self, x):
        seen = []
        x = self.late(self.tap(self.early(self.stem(x)), seen))
        return self.head(x.mean((2, 3)) + torch.stack(seen).sum(0))


class InPlace(nn.Module):
    def __init__(self):
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(3.0))

    def forward(self, x):
        x.mul_(self.factor)


class ScalesInPlace(Net):
    def made_tap(self):
        return InPlace()

    def forward(self, x):
        x = self.early(self.stem(x))
        self.tap(x)
        return self.head((x + self.late(x)).mean((2, 3)))


class Adding(nn.Module):
    def __init__(self, owner):
        super().__init__()
        self.owner, self.project = [owner], nn.Conv2d(WIDTH, WIDTH, 1)

    def forward(self, x):
        self.owner[0].state = self.owner[0].state + self.project(x).mean((2, 3))
        return x


class AddsToItsOwner(Net):
    def made_tap(self):
        return Adding(self)

    def forward(self, x):
        self.state = torch.zeros(1, WIDTH)
        x = self.late(self.tap(self.early(self.stem(x))))
        return self.head(x.mean((2, 3)) + self.state)


class Keeping(nn.Module):
    """Keeps what it saw last: nobody resets it, so a stale one looks like a right one."""

    def forward(self, x):
        self.kept = x.mean((2, 3))
        return x


class KeepsForLater(Net):
    def made_tap(self):
        return Keeping()

    def forward(self, x):
        x = self.late(self.tap(self.early(self.stem(x))))
        return self.head(x.mean((2, 3)) + self.tap.kept)


KINDS = [AppendsToAList, ScalesInPlace, AddsToItsOwner, KeepsForLater]


@pytest.mark.parametrize("branches", BRANCHES)
@pytest.mark.parametrize("head", [1.0, 0.0], ids=["", "zero head"])
@pytest.mark.parametrize("blocks", [(4, 2), (1, 5)], ids=["tap late", "tap early"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_sweep_is_one_evaluation_a_candidate_whatever_modules_do_beside(
    kind, blocks, head, branches
):
    network = layer_pruning.wrap(kind(*blocks, head=head), input_shape=SHAPE)
    images = torch.rand(6, *SHAPE, generator=torch.Generator().manual_seed(1))
    names = network.header.kept_blocks()
    assert len(names) == 6
    features, bypassed, _, logits = sweep(network, images, names, branches=branches, chunk=4)
    with torch.no_grad():
        assert torch.allclose(features, network.features(images), atol=1e-5)
        for index, name in enumerate(names):
            assert torch.allclose(bypassed[index], network.features(images, name), atol=1e-5)
            assert torch.allclose(logits[index], network.bypassing(name, images), atol=1e-5)
