"""Networks whose numbers depend on chance, on the batch, or on another precision."""

import logging

import pytest
import torch
from own_networks import PreActivation
from torch import nn
from torch.nn import functional

import layer_pruning
from layer_pruning.models.bodies import new_body
from layer_pruning.models.specifications import OwnNetwork
from layer_pruning.models.steadiness import unsteadiness
from layer_pruning.models.weights import start_network
from small_networks import header, random_network

WRAP = {"input_shape": (1, 8, 8), "mean": [0.3], "std": [0.4]}


class Dropping(PreActivation):
    """Dropout that nobody turned off."""

    def forward(self, x):
        return x + functional.dropout(super().forward(x) - x)


class Centred(PreActivation):
    """A branch that looks at the whole batch."""

    def forward(self, x):
        branch = super().forward(x) - x
        return x + branch - branch.mean(0)


def network(block=PreActivation, norm=nn.BatchNorm2d, classes=4):
    torch.manual_seed(0)
    stem = nn.Conv2d(1, 6, 3, padding=1)
    body = nn.Sequential(stem, *[block(6) for _ in range(3)], nn.Flatten(), nn.Linear(384, classes))
    for module in list(body.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, nn.BatchNorm2d):
                setattr(module, name, norm(child.num_features))
    return body.eval()


def build_dropping(num_classes, input_shape):
    return network(Dropping, classes=num_classes)


def build_half(num_classes, input_shape):
    return network(classes=num_classes).half()


def without_statistics(width):
    return nn.BatchNorm2d(width, track_running_stats=False)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (network(Dropping), "differ from one call to the next"),
        (network(norm=without_statistics), "depend on the other images of the batch"),
        (network(), None),
    ],
    ids=["dropout", "norm without statistics", "steady"],
)
def test_logits_of_chance_or_of_the_batch_are_noticed(body, says, recwarn):
    state = torch.get_rng_state()
    said = unsteadiness(body, (1, 8, 8))
    assert torch.equal(state, torch.get_rng_state())
    assert (says in said) if says else said is None
    layer_pruning.wrap(body, **WRAP)
    warned = [str(warning.message) for warning in recwarn]
    assert any(says in text for text in warned) if says else not warned


def test_a_mean_over_the_batch_is_noticed_and_our_networks_are_steady():
    assert "other images" in unsteadiness(network(Centred), (1, 8, 8))
    assert unsteadiness(random_network(), (1, 8, 8)) is None


def test_the_log_of_the_training_names_an_own_network_of_chance(caplog):
    build = f"{__name__}:build_dropping"
    with caplog.at_level(logging.WARNING):
        started = start_network(header("mine", build=build), {"build": build}, 0)
    assert started.training
    assert "differ from one call to the next" in caplog.text


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_another_precision_than_float32_is_named(kind):
    name = str(kind).removeprefix("torch.")
    with pytest.raises(ValueError, match=rf"^Sequential: 0.weight is {name}.*module.float"):
        layer_pruning.wrap(network().to(kind), **WRAP)
    one = network()
    one[2].conv1.to(kind)
    with pytest.raises(ValueError, match=rf"2.conv1.weight is {name}"):
        layer_pruning.wrap(one, **WRAP)


def test_an_own_network_of_another_precision_is_named():
    half = OwnNetwork(build=f"{__name__}:build_half", build_arguments=(), input_shape=(1, 8, 8))
    with pytest.raises(ValueError, match=r"build_half: 0.weight is float16"):
        new_body(half, input_shape=(1, 8, 8), classes=4)
