import time
from collections import Counter

import pytest
import torch

import layer_pruning
from layer_pruning.evaluation.complexity import counted_cost, parameter_count
from layer_pruning.evaluation.savings import (
    Surroundings,
    block_runners,
    called_blocks,
    counted_savings,
    latencies,
    parameters_saved,
    part_runners,
    removable_blocks,
)
from layer_pruning.models.residual import new_network
from small_networks import header, random_network


def test_a_block_saves_its_own_parameters_and_multiply_accumulates():
    network = random_network("resnet20")
    savings = counted_savings(network, ["stage1.block2", "stage3.block3"])
    for name, width, side in (("stage1.block2", 16, 8), ("stage3.block3", 64, 2)):
        block = network.blocks()[name]
        assert savings[name]["parameters"] == sum(p.numel() for p in block.parameters())
        assert savings[name]["macs"] == 2 * 9 * width * width * side * side


def test_only_blocks_that_can_go_are_measured():
    assert "stage2.block1" not in removable_blocks(random_network("resnet20"))
    assert len(removable_blocks(random_network("resnet20"))) == 7


def test_each_block_runs_on_its_own_inputs(images):
    network = random_network("resnet14")
    seen = {}
    for name, block in network.blocks().items():
        block.register_forward_hook(lambda m, i, o, name=name: seen.update({name: i[0].clone()}))
    network(images)
    expected = dict(seen)
    runners = block_runners(network, images, ["stage1.block2", "stage3.block2"])
    for name, run in runners.items():
        seen.clear()
        run()
        assert list(seen) == [name]
        assert torch.equal(seen[name], expected[name])


class InPlace(torch.nn.Module):
    """A block that adds to its argument, or leaves it alone."""

    def __init__(self, kept):
        super().__init__()
        self.conv, self.kept = torch.nn.Conv2d(4, 4, 3, padding=1), kept

    def forward(self, x):
        if self.kept:
            return x + torch.relu(self.conv(x))
        x += torch.relu(self.conv(x))
        return x


class OfInPlace(torch.nn.Module):
    """Works in place within its blocks, or on what they give."""

    def __init__(self, kept):
        super().__init__()
        self.stem, self.head = torch.nn.Conv2d(3, 4, 3, padding=1), torch.nn.Linear(4, 3)
        self.blocks = torch.nn.ModuleList([InPlace(kept) for _ in range(3)])

    def forward(self, x):
        x = self.stem(x)
        for block in self.blocks:
            x = block(x)
        if self.blocks[0].kept:
            x += 1
        return self.head(x.mean((2, 3)))


@pytest.mark.parametrize("kept", [True, False])
def test_what_works_in_place_runs_on_the_same_numbers_every_time(kept, images):
    torch.manual_seed(0)
    network = layer_pruning.wrap(OfInPlace(kept).eval(), input_shape=(3, 8, 8))
    batch = images[:2, :, :8, :8]
    parts = [*called_blocks(network, batch).values(), Surroundings(network, batch)]
    with torch.no_grad():
        first = [part(batch).clone() for part in parts]
        for part in parts:
            for _ in range(50):
                part(batch)
        assert all(torch.equal(part(batch), own) for part, own in zip(parts, first, strict=True))
        assert torch.allclose(first[-1], network(batch))


def test_latency_is_the_median_of_interleaved_rounds():
    calls = []

    def runner(name, seconds):
        def run():
            calls.append(name)
            time.sleep(seconds)

        return run

    found = latencies(
        {"slow": runner("slow", 0.02), "fast": runner("fast", 0.002)}, repeats=7, seed=0
    )
    # a busy machine makes both of them longer, never shorter
    assert found["slow"] >= 0.02 and 0.002 <= found["fast"] < found["slow"]
    rounds = [set(calls[i : i + 2]) for i in range(0, len(calls), 2)]
    assert rounds == [{"slow", "fast"}] * 9
    assert len({tuple(calls[i : i + 2]) for i in range(0, len(calls), 2)}) == 2


@pytest.mark.parametrize(
    ("name", "side"), [("resnet14", 8), pytest.param("swin_t", 32, marks=pytest.mark.long)]
)
def test_the_parts_of_a_network_are_the_network(name, side):
    network = new_network(header(name, shape=(1, side, side)), 0).eval()
    batch = torch.rand(2, 1, side, side, generator=torch.Generator().manual_seed(0))
    called = count_calls(network)
    with torch.no_grad():
        assert torch.equal(Surroundings(network, batch)(batch), network(batch))
    runners = part_runners(network, batch)
    assert list(runners) == [*network.block_names, "(around the blocks)"]
    called.clear()
    network(batch)
    whole = called.copy()
    called.clear()
    for name in network.block_names:
        runners[name]()
    # every block as the network runs it, and nothing else of the network
    blocks = {id(m) for block in network.blocks().values() for m in block.modules()}
    assert called == {module: count for module, count in whole.items() if module in blocks}


def count_calls(network):
    called = Counter()
    for module in network.body.modules():
        if not [*module.children()]:
            module.register_forward_hook(lambda m, *_: called.update([id(m)]))
    return called


class Attention(torch.nn.Module):
    """A residual block whose attention multiplies activations with each other, unfused."""

    def __init__(self):
        super().__init__()
        self.qkv, self.out = torch.nn.Linear(12, 36), torch.nn.Linear(12, 12)

    def forward(self, x):
        q, k, v = self.qkv(x).chunk(3, dim=-1)
        return x + self.out((q @ k.mT).softmax(-1) @ v)


class Attentive(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = torch.nn.Conv2d(1, 12, 2, 2)
        self.blocks = torch.nn.Sequential(*(Attention() for _ in range(3)))
        self.head = torch.nn.Linear(12, 3)

    def forward(self, x):
        return self.head(self.blocks(self.stem(x).flatten(2).mT).mean(1))


def test_what_a_block_saves_is_what_the_network_is_counted_less_without_it():
    network = layer_pruning.wrap(Attentive(), input_shape=(1, 8, 8))
    names = removable_blocks(network)
    assert len(names) == 3
    whole = counted_cost(network, (1, 8, 8))
    assert whole.macs_with_attention > whole.macs
    for name, saved in counted_savings(network, names).items():
        less = counted_cost(layer_pruning.prune(network, name), (1, 8, 8))
        assert saved["macs"] == whole.macs - less.macs == 16 * 12 * (36 + 12)


def ordinary(module):
    pass


def one_weight(module):
    module.blocks[0].out.weight = module.blocks[2].out.weight


def one_layer(module):
    module.blocks[0].qkv = module.blocks[1].qkv


def with_the_rest(module):
    module.also = module.blocks[1].out


def under_two_names(module):
    module.first = module.blocks[0]


def frozen(module):
    module.blocks[1].qkv.requires_grad_(False)


@pytest.mark.parametrize(
    "shared", [ordinary, one_weight, one_layer, with_the_rest, under_two_names, frozen]
)
def test_parameters_that_a_removal_saves_are_those_that_the_network_has_less(shared):
    module = Attentive()
    shared(module)
    network = layer_pruning.wrap(module, input_shape=(1, 8, 8))
    names, whole = removable_blocks(network), parameter_count(network)
    for name, saved in counted_savings(network, names).items():
        less = parameter_count(layer_pruning.prune(network, name))
        assert saved["parameters"] == whole - less
    for sets in (names[:2], names[::2], names):
        assert parameters_saved(network, sets) == whole - parameter_count(network.less(sets))
