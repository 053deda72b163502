"""The weights of a block are what it computes with and has learnt, however they are stored."""

import numpy as np
import pytest
import torch
import torch.nn.utils.prune as masks
from torch import nn
from torch.nn.utils import parametrizations, parametrize
from torchvision.models import get_model

import layer_pruning
from layer_pruning.models.candidates import Limits
from layer_pruning.models.learnt import learnt_weights
from layer_pruning.models.network_file import read_header, read_network, write_network
from layer_pruning.models.residual import save_network
from layer_pruning.scoring.weights import OF_WEIGHTS
from layer_pruning.surgery import without_block
from small_networks import random_network
from unit.models.own_networks import build

SHAPE = (3, 8, 8)
BLOCK = "early.blocks.1"


class Doubled(nn.Module):
    def forward(self, weight):
        return 2 * weight


class EverySecond(masks.BasePruningMethod):
    """A way of masking of one's own."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t, default_mask):
        mask = default_mask.clone()
        mask.view(-1)[::2] = 0
        return mask


def masked_norm(layer):
    nn.utils.weight_norm(layer)
    masks.random_unstructured(layer, "weight_v", 0.5)


WAYS = {
    "mask of ones": lambda layer: masks.identity(layer, "weight"),
    "two masks": lambda layer: [masks.l1_unstructured(layer, "weight", 0.3) for _ in range(2)],
    "mask of one's own": lambda layer: EverySecond.apply(layer, "weight"),
    "mask of a bias": lambda layer: masks.identity(layer, "bias"),
    "weight norm": parametrizations.weight_norm,
    "spectral norm": parametrizations.spectral_norm,
    "orthogonal": parametrizations.orthogonal,
    "parametrisation of one's own": lambda layer: parametrize.register_parametrization(
        layer, "weight", Doubled()
    ),
    "older weight norm": nn.utils.weight_norm,
    "older spectral norm": nn.utils.spectral_norm,
    "masked older weight norm": masked_norm,
    "indices": lambda layer: layer.register_buffer("index", torch.arange(64).view(8, 8)),
    "indices that are a parameter": lambda layer: layer.register_parameter(
        "index", nn.Parameter(torch.arange(64).view(8, 8), requires_grad=False)
    ),
    "table": lambda layer: layer.register_buffer("table", torch.full((8, 8), 1e3)),
}


def both(way):
    """A network with a layer stored in some ``way``, and a plain one that computes the same."""
    torch.manual_seed(0)
    module = build(4, SHAPE).eval()
    plain = build(4, SHAPE).eval()
    plain.load_state_dict(module.state_dict())
    layer = next(m for m in module.get_submodule(BLOCK).modules() if isinstance(m, nn.Conv2d))
    same = next(m for m in plain.get_submodule(BLOCK).modules() if isinstance(m, nn.Conv2d))
    if layer.bias is None:
        layer.bias = nn.Parameter(torch.rand(len(layer.weight)))
        same.bias = nn.Parameter(layer.bias.detach().clone())
    WAYS[way](layer)
    images = torch.rand(6, *SHAPE)
    with torch.no_grad():
        # what hooks compute is there once it has run
        logits = module(images)
        same.weight.copy_(layer.weight)
        assert torch.allclose(plain(images), logits, atol=1e-5)
    return module, plain, images


def of_file(path):
    header, tensors = read_network(path)
    blocks = header.candidates(Limits(1))
    return {m: OF_WEIGHTS[m](tensors, blocks, header.weights) for m in OF_WEIGHTS}


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("way", WAYS)
def test_one_function_has_one_score_however_its_weights_are_stored(way, tmp_path):
    *modules, images = both(way)
    labels = np.arange(6) % 3
    network, plain = (layer_pruning.wrap(module, input_shape=SHAPE) for module in modules)
    given = {"images": images, "labels": labels, "metrics": list(OF_WEIGHTS)}
    expected = layer_pruning.score(plain, **given)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    computed = layer_pruning.score(network, **given)
    assert np.allclose(computed, expected, rtol=1e-6)
    assert (computed["fewest_weights"] == expected["fewest_weights"]).all()
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    # so it has from its file, and from that of a network that was pruned without PyTorch
    path, smaller = tmp_path / "network.safetensors", tmp_path / "smaller.safetensors"
    layer_pruning.save(network, path)
    told = of_file(path)
    for metric in OF_WEIGHTS:
        assert told[metric] == pytest.approx(expected[metric].to_dict(), rel=1e-6)
    write_network(smaller, *without_block(*read_network(path), "late.0"))
    left = of_file(smaller)
    for metric in OF_WEIGHTS:
        assert left[metric].items() <= told[metric].items()
    assert BLOCK in left["magnitude"]
    write_network(smaller, *without_block(*read_network(path), BLOCK))
    assert read_header(smaller).weights == {}


def test_a_network_that_learns_on_does_not_keep_what_its_file_said(tmp_path):
    module, _, images = both("weight norm")
    path = tmp_path / "network.safetensors"
    layer_pruning.save(layer_pruning.wrap(module, input_shape=SHAPE), path)
    assert set(read_header(path).weights) == {BLOCK}
    loaded = layer_pruning.load(path, module=both("weight norm")[0])
    with torch.no_grad():
        for parameter in loaded.parameters():
            parameter.mul_(2)
    before = of_file(path)["magnitude"][BLOCK]
    given = {"images": images, "labels": np.arange(6) % 3, "metrics": ["magnitude"]}
    now = layer_pruning.score(loaded, **given)["magnitude"][BLOCK]
    assert now > 1.5 * before
    layer_pruning.save(loaded, path)
    assert of_file(path)["magnitude"][BLOCK] == pytest.approx(now)


def test_the_file_of_an_ordinary_network_says_nothing_of_its_weights(tmp_path):
    from safetensors import safe_open

    network = random_network("resnet14")
    save_network(network, tmp_path / "network.safetensors")
    with safe_open(tmp_path / "network.safetensors", framework="numpy") as file:
        assert "weights" not in file.metadata()
    state = network.body.state_dict()
    learnt = learnt_weights(network.body)
    assert list(learnt) == [name for name, _ in network.body.named_parameters()]
    assert all(torch.equal(learnt[name], state[name]) for name in learnt)


@pytest.mark.parametrize("name", ["swin_v2_t", "maxvit_t", "swin_t", "vit_b_16", "convnext_tiny"])
def test_weights_of_networks_of_torchvision_are_parameters(name):
    with torch.device("meta"):
        body = get_model(name, weights=None)
    parameters = {key for key, _ in body.named_parameters()}
    assert set(learnt_weights(body)) == parameters
