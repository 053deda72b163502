"""Modes of PyTorch that a caller has switched on change no number and nothing that can train."""

from contextlib import contextmanager

import pytest
import torch
from torch import nn
from torch.nn import functional

import layer_pruning
from layer_pruning.runtime.callers_modes import outside_callers_modes
from unit.models.own_networks import EndsInReLU

SHAPE = (3, 8, 8)
NORMALISED = {"input_shape": SHAPE, "mean": [0.5] * 3, "std": [0.2] * 3}
METRICS = ["kl", "cka", "wasserstein", "saves_macs", "saves_parameters"]


@contextmanager
def float64_by_default():
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


MODES = {
    "inference mode": torch.inference_mode,
    "autocast": lambda: torch.autocast("cpu", dtype=torch.bfloat16),
    "float64 by default": float64_by_default,
    # as with a GPU by default, what is made without a word of where is elsewhere
    "another device by default": lambda: torch.device("meta"),
}


@pytest.fixture(params=MODES)
def mode(request):
    return MODES[request.param]


def module():
    torch.manual_seed(0)
    blocks = [EndsInReLU(6) for _ in range(4)]
    pooled = nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 5)
    return nn.Sequential(nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), *blocks, *pooled)


@pytest.fixture
def network():
    return layer_pruning.wrap(module(), **NORMALISED)


@pytest.fixture
def probe():
    generator = torch.Generator().manual_seed(1)
    return torch.rand(40, *SHAPE, generator=generator), torch.arange(40) % 5


def trains(network, probe):
    images, labels = probe
    network.train().zero_grad()
    functional.cross_entropy(network(images), labels).backward()
    return all(parameter.grad is not None for parameter in network.parameters())


def test_distances_and_searches_are_those_without(mode, network, probe):
    expected = layer_pruning.score(network, *probe, metrics=METRICS)
    found = {
        search: layer_pruning.search(network, *probe, removals=2, search=search)
        for search in ("beam", "profiles")
    }
    with mode():
        # images that are made inside cannot be changed outside
        inside = (probe[0] * 1, probe[1] * 1)
        assert layer_pruning.score(network, *inside, metrics=METRICS).equals(expected)
        arrays = [one.numpy() for one in probe]
        assert layer_pruning.score(network, *arrays, metrics=METRICS).equals(expected)
        for search, sets in found.items():
            again = layer_pruning.search(network, *probe, removals=2, search=search)
            assert again.equals(sets)


def test_costs_are_those_without(mode, network):
    few = {"batch_size": 2, "repeats": 1}
    expected = layer_pruning.measure(network, **few)
    assert expected["macs"] == 64 * 9 * 6 * (3 + 4 * 6) + 6 * 5
    with mode():
        found = layer_pruning.measure(network, **few)
    # of the time alone nothing is said
    assert found | {"latency_seconds": 0} == expected | {"latency_seconds": 0}


def test_what_is_made_inside_computes_the_same_and_can_be_trained(mode, network, probe, tmp_path):
    path, unpruned = tmp_path / "network.safetensors", module()
    with mode():
        pruned = layer_pruning.prune(network, "3")
        layer_pruning.save(pruned, path)
        loaded = layer_pruning.load(path, module=unpruned)
        wrapped = layer_pruning.wrap(network.body, **NORMALISED)
        less = network.less(["3"])
    images, _ = probe
    expected = layer_pruning.bypass(network, "3")(images)
    for one in (pruned, loaded, less):
        assert torch.equal(one.eval()(images), expected)
    assert torch.equal(wrapped(images), network(images))
    assert wrapped.header == network.header
    assert all(trains(one, probe) for one in (pruned, loaded, less, wrapped))


def test_steps_are_those_without_and_train_outside(mode, network, probe):
    options = {"metrics": "kl", "target": {"macs_reduction": 30}}
    pruning = layer_pruning.iterate(network, *probe, **options)
    expected = [step.removed for step in pruning]
    with mode():
        again = layer_pruning.iterate(network, *probe, **options)
        steps = list(again)
    assert [step.removed for step in steps] == expected
    assert again.history.equals(pruning.history)
    assert all(trains(step.network, probe) for step in steps)


@pytest.mark.filterwarnings("ignore:the target was not reached")
def test_a_latency_is_measured_inside_too(mode, network, probe):
    with mode():
        pruning = layer_pruning.iterate(
            network, *probe, metrics="kl", target={"latency_reduction": 99}, removals=1, repeats=1
        )
        assert len(list(pruning)) == 1


def test_the_callers_modes_are_back_afterwards(network, probe):
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        layer_pruning.score(network, *probe, metrics="kl")
        assert torch.is_inference_mode_enabled() and torch.is_autocast_enabled("cpu")
        assert network(probe[0]).dtype == torch.bfloat16
    with torch.inference_mode(), outside_callers_modes():
        assert not torch.is_inference_mode_enabled() and not torch.is_grad_enabled()
    for gradients in (True, False):
        with torch.set_grad_enabled(gradients), outside_callers_modes():
            assert torch.is_grad_enabled() is gradients


def test_modules_made_in_inference_mode_are_refused_in_a_line(network, tmp_path):
    layer_pruning.save(network, tmp_path / "network.safetensors")
    with torch.inference_mode():
        inside = module()
    message = r": the module was made inside .* make it outside, or inside torch.no_grad\(\)$"
    with pytest.raises(ValueError, match=f"Sequential{message}"):
        layer_pruning.wrap(inside, **NORMALISED)
    with pytest.raises(ValueError, match=rf"network\.safetensors{message}"):
        layer_pruning.load(tmp_path / "network.safetensors", module=inside)


def test_warnings_name_the_line_of_the_caller():
    body = module()
    body[2].branch.append(nn.Dropout(0.5))
    body[2].branch[-1].forward = lambda x: functional.dropout(x, 0.5)
    with pytest.warns(match="drawn at random") as caught:
        layer_pruning.wrap(body, **NORMALISED)
    assert caught[0].filename == __file__
