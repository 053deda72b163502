"""Networks that are another one whenever they are built."""

import logging
import random
import re

import numpy as np
import pytest
import torch
from own_networks import PreActivation
from safetensors.torch import save_file
from torch import nn

from layer_pruning.models.residual import load_network, save_network
from layer_pruning.models.weights import start_network
from small_networks import header


class Features(nn.Module):
    """Random Fourier features of the colours, kept in one way or another."""

    def __init__(self, way):
        super().__init__()
        self.way = way
        drawn = torch.randn(6)
        if way in ("persistent", "not_persistent"):
            self.register_buffer("frequencies", drawn, persistent=way == "persistent")
        elif way == "attribute":
            self.frequencies = drawn
        elif way == "in_a_list":
            self.frequencies = [drawn]
        elif way == "of_numpy":
            self.frequencies = torch.from_numpy(np.random.default_rng().normal(size=6)).float()
        elif way == "a_grid":
            self.register_buffer("frequencies", torch.linspace(0, 1, 6), persistent=False)
        elif way == "of_a_seed":
            self.frequencies = torch.randn(6, generator=torch.Generator().manual_seed(1))
        elif way == "order":
            self.order = random.sample(range(6), 6)
        elif way == "in_training":
            self.shift = drawn
        elif way == "module_in_a_list":
            self.layers = [nn.Conv2d(1, 6, 1)]

    def forward(self, images):
        if self.way == "order":
            return images * torch.tensor(self.order).view(1, -1, 1, 1)
        if self.way == "in_training":
            return images.repeat(1, 6, 1, 1) + (self.training * self.shift).view(1, -1, 1, 1)
        if self.way == "module_in_a_list":
            return self.layers[0](images)
        if self.way == "when_first_run" and not hasattr(self, "frequencies"):
            self.frequencies = torch.randn(6)
        kept = self.frequencies[0] if self.way == "in_a_list" else self.frequencies
        return torch.sin(3 * images * kept.to(images.device).view(1, -1, 1, 1))


def build(num_classes, input_shape, way):
    # a classifier of zeros would hide all that comes before it
    classifier = nn.Linear(6, num_classes)
    nn.init.zeros_(classifier.weight)
    blocks = [PreActivation(6) for _ in range(2)]
    return nn.Sequential(Features(way), *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), classifier)


def build_any_width(num_classes, input_shape):
    # another width at every call, whatever the seed
    width = next(WIDTHS)
    stem = nn.Conv2d(1, width, 3, padding=1)
    blocks = [PreActivation(width) for _ in range(2)]
    return nn.Sequential(
        stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, num_classes)
    )


WIDTHS = iter(range(4, 100))
BUILD = f"{__name__}:build"


def started(way, **options):
    own = {"build": BUILD, "arguments": {"way": way}}
    described = header("mine", **own)
    state = torch.get_rng_state()
    try:
        return start_network(described, own | options, 0)
    finally:
        assert torch.equal(state, torch.get_rng_state())


@pytest.mark.parametrize(
    ("way", "says"),
    [
        ("not_persistent", "0.frequencies"),
        ("attribute", "0.frequencies"),
        ("in_a_list", "0.frequencies"),
        ("of_numpy", "0.frequencies"),
        ("when_first_run", "something in it"),
        ("in_training", "0.shift"),
        ("order", "something in it"),
        ("module_in_a_list", "0.layers"),
    ],
)
def test_what_is_drawn_and_not_in_the_state_dict_is_refused_by_its_name(way, says):
    with pytest.raises(ValueError, match=rf"^mine: {re.escape(says)} is drawn anew") as refused:
        started(way)
    assert "make it a persistent buffer" in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("way", ["persistent", "a_grid", "of_a_seed"])
def test_what_is_in_the_state_dict_or_always_the_same_is_kept(way, tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        network = started(way).eval()
    assert not caplog.text
    save_network(network, tmp_path / "n.safetensors")
    images = torch.rand(3, 1, 8, 8)
    again = load_network(tmp_path / "n.safetensors", build=BUILD)
    with torch.no_grad():
        assert torch.equal(network(images), again(images))


def test_start_weights_do_not_hold_it_either(tmp_path):
    path = tmp_path / "weights.safetensors"
    save_file(dict(build(10, (1, 8, 8), "attribute").state_dict()), path)
    with pytest.raises(ValueError, match=r"0\.frequencies is drawn anew"):
        started("attribute", weights=str(path))


def test_a_network_of_another_shape_whenever_it_is_built_is_refused():
    options = {"build": f"{__name__}:build_any_width"}
    with pytest.raises(ValueError, match=r"^mine: its state dict has tensors of other names or sh"):
        start_network(header("mine", **options), options, 0)
