import dataclasses

import pytest
import torch
from torch import nn

from layer_pruning.training.layers import layer_factors
from layer_pruning.training.optimizer import AdamW, NesterovSGD, optimizer_of
from layer_pruning.training.recipe import Recipe
from layer_pruning.training.weight_decay import decaying
from small_networks import random_network

RECIPE = Recipe(
    epochs=4,
    batch_size=16,
    learning_rate=0.01,
    schedule="cosine",
    weight_decay=0.05,
    label_smoothing=0.0,
    shift_pixels=0,
    flip=False,
    keep="last",
    optimizer="adamw",
)


def small_network():
    return random_network("tiny", depth=8, widths=(6, 8, 12), classes=4)


def with_gradients(network, seed=0):
    generator = torch.Generator().manual_seed(seed)
    for parameter in network.parameters():
        parameter.grad = torch.randn(parameter.shape, generator=generator)
    return network


def values(network):
    return {name: value.detach().clone() for name, value in network.named_parameters()}


@pytest.mark.parametrize("name", ["sgd", "adamw"])
def test_steps_equal_those_of_the_optimizer_class(name):
    ours, theirs = small_network(), small_network()
    recipe = dataclasses.replace(RECIPE, optimizer=name, betas=(0.8, 0.95), momentum=0.8)
    optimizer = optimizer_of(ours, recipe)
    decays = optimizer.decays(ours)
    groups = [
        {
            "params": [p for n, p in theirs.named_parameters() if (n in decays) == decayed],
            "weight_decay": 0.05 * decayed,
        }
        for decayed in (True, False)
    ]
    reference = (
        torch.optim.AdamW(groups, lr=0.02, betas=(0.8, 0.95))
        if name == "adamw"
        else torch.optim.SGD(groups, lr=0.02, momentum=0.8, nesterov=True)
    )
    for seed in range(3):
        with_gradients(ours, seed), with_gradients(theirs, seed)
        optimizer.step(0.02)
        reference.step()
    for (n, a), b in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(a, b, atol=1e-7, rtol=1e-6, msg=n)
        assert a.grad is None


def test_decay_is_decoupled_from_the_size_of_the_gradient():
    """The same direction a thousand times as long moves a weight by the same step."""
    networks = [small_network(), small_network()]
    for network, scale in zip(networks, (1, 1000), strict=True):
        with_gradients(network)
        for parameter in network.parameters():
            parameter.grad *= scale
        AdamW(network, RECIPE).step(0.01)
    one, two = map(values, networks)
    for name in one:
        torch.testing.assert_close(one[name], two[name], atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("name", ["sgd", "adamw"])
def test_the_state_brings_back_everything(name):
    recipe = dataclasses.replace(RECIPE, optimizer=name)
    straight, broken = small_network(), small_network()
    optimizer = optimizer_of(straight, recipe)
    for seed in range(4):
        with_gradients(straight, seed)
        optimizer.step(0.01)
    first = optimizer_of(broken, recipe)
    for seed in range(2):
        with_gradients(broken, seed)
        first.step(0.01)
    state = {key: tensor.clone() for key, tensor in first.state().items()}
    second = optimizer_of(broken, recipe)
    second.restore(state)
    for seed in range(2, 4):
        with_gradients(broken, seed)
        second.step(0.01)
    assert all(map(torch.equal, straight.parameters(), broken.parameters()))


def test_gradients_are_scaled_down_to_the_bound_together():
    """One step of SGD without momentum is the gradient itself."""
    network = with_gradients(small_network())
    before = values(network)
    norm = torch.cat([p.grad.flatten() for p in network.parameters()]).norm()
    recipe = dataclasses.replace(
        RECIPE, optimizer="sgd", momentum=0.0, weight_decay=0.0, gradient_clipping=float(norm) / 4
    )
    gradients = {n: p.grad.clone() for n, p in network.named_parameters()}
    NesterovSGD(network, recipe).step(1.0)
    for name, value in network.named_parameters():
        torch.testing.assert_close(before[name] - value, gradients[name] / 4, atol=1e-5, rtol=1e-4)


class Kinds(nn.Module):
    """Every kind of parameter that networks hold."""

    def __init__(self):
        super().__init__()
        self.cls_token = nn.Parameter(torch.ones(1, 1, 8))
        self.pos_embed = nn.Parameter(torch.ones(1, 5, 8))
        self.relative_position_bias_table = nn.Parameter(torch.ones(9, 2))
        self.layer_scale = nn.Parameter(torch.ones(8, 1, 1))
        self.kernel = nn.Parameter(torch.ones(3, 8))
        self.listed = nn.Parameter(torch.ones(3, 8))
        self.conv = nn.Conv2d(1, 8, 3)
        self.narrow = nn.Linear(8, 1)
        self.attention = nn.MultiheadAttention(8, 2)
        self.places = nn.Embedding(5, 8)
        self.norm = nn.LayerNorm((4, 8))
        self.batch_norm = nn.BatchNorm2d(8)
        self.normed = nn.utils.parametrizations.weight_norm(nn.Linear(8, 8))

    def no_weight_decay(self):
        return {"listed"}


def test_decay_is_for_what_layers_compute_with():
    assert decaying(Kinds()) == {
        "kernel",
        "conv.weight",
        "narrow.weight",
        "attention.in_proj_weight",
        "attention.out_proj.weight",
        "normed.parametrizations.weight.original1",
    }


def test_what_a_part_lists_is_found_by_its_path():
    holder = nn.Sequential(Kinds())
    assert "0.listed" not in decaying(holder) and "0.kernel" in decaying(holder)


def test_layers_slow_down_towards_the_images():
    network = small_network()
    factors = layer_factors(network, 0.5)
    blocks = network.block_names
    assert len(blocks) == 3
    assert factors["body.classifier.weight"] == 1
    expected = {name: 0.5 ** (3 - place) for place, name in enumerate(blocks)}
    for name, factor in factors.items():
        block = next((b for b in blocks if name.startswith(f"body.{b}.")), None)
        if block:
            assert factor == expected[block], name
        elif "stem" in name:
            assert factor == 0.5**4, name
    assert set(layer_factors(network, 1.0).values()) == {1.0}


def test_the_order_of_layers_is_that_in_which_they_run():
    """The final norm is defined before the blocks and runs after them."""
    network = random_network("tiny", depth=8, widths=(6, 8, 12), classes=4)
    parts = dict(network.body.named_children())
    for name in parts:
        delattr(network.body, name)
    for name in reversed(parts):
        setattr(network.body, name, parts[name])
    assert next(name for name, _ in network.named_parameters()) == "body.classifier.weight"
    assert layer_factors(network, 0.5)["body.classifier.weight"] == 1


def test_rates_follow_layers():
    network = with_gradients(small_network())
    before = values(network)
    gradients = {n: p.grad.clone() for n, p in network.named_parameters()}
    recipe = dataclasses.replace(
        RECIPE, optimizer="sgd", momentum=0.0, weight_decay=0.0, layer_decay=0.5
    )
    NesterovSGD(network, recipe).step(1.0)
    for name, factor in layer_factors(network, 0.5).items():
        moved = before[name] - dict(network.named_parameters())[name]
        torch.testing.assert_close(moved, factor * gradients[name], atol=1e-5, rtol=1e-4)


def test_layer_rates_need_blocks():
    with pytest.raises(ValueError, match="layer_decay: it is for networks whose blocks are known"):
        layer_factors(nn.Linear(2, 2), 0.5)
