from dataclasses import replace

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models import get_model_weights

from layer_pruning.evaluation.complexity import (
    complexity_record,
    multiply_accumulates,
    parameter_count,
)
from layer_pruning.models.architectures import TORCHVISION
from layer_pruning.models.candidates import candidates
from layer_pruning.models.residual import ResidualNetwork, new_network
from small_networks import header, random_network

PHOTOGRAPH = (3, 32, 32)


def pruned_fully(shortcut):
    """A ResNet-56 after all 21 removals that two blocks a stage leave room for."""
    start = header("resnet56", shape=PHOTOGRAPH, shortcut=shortcut)
    while left := candidates(start.blocks, start.removed_blocks, min_blocks_per_stage=2):
        start = replace(start, removed_blocks=(*start.removed_blocks, left[-1]))
    return start


@pytest.mark.parametrize(
    ("shortcut", "macs", "reduction"),
    [("projection", 125_747_840, 78.80), ("parameter_free", 125_485_696, 78.97)],
)
def test_resnet_56_costs_what_is_published(shortcut, macs, reduction):
    record = complexity_record(ResidualNetwork(pruned_fully(shortcut)))
    assert record["baseline_macs"] == macs
    assert len(record["removed_blocks"]) == 21
    assert macs - record["macs"] == 21 * 4_718_592
    assert round(record["macs_reduction_percent"], 2) == reduction


@pytest.mark.parametrize(
    ("depth", "parameters"), [(20, 269_722), (32, 464_154), (44, 658_586), (56, 853_018)]
)
def test_parameters_are_those_published(depth, parameters):
    assert (
        parameter_count(ResidualNetwork(header(f"resnet{depth}", shape=PHOTOGRAPH))) == parameters
    )


def test_grouped_and_strided_convolutions_against_a_count_by_hand():
    network = torch.nn.Sequential(
        torch.nn.Conv2d(4, 6, 3, stride=2, padding=1, groups=2),
        torch.nn.Flatten(),
        torch.nn.Linear(6 * 4 * 4, 5),
    )
    by_hand = 4 * 4 * 6 * (2 * 3 * 3) + 5 * 6 * 4 * 4
    assert multiply_accumulates(network, (4, 8, 8)) == by_hand


def test_counting_leaves_the_network_as_it_was():
    network = ResidualNetwork(header()).train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    multiply_accumulates(network, (1, 8, 8))
    assert network.training
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert not any(module._forward_hooks for module in network.modules())


# products of activations with each other inside attention, which the published figures count and
# the convention leaves out: two products of tokens × tokens × width in each layer and window
ATTENTION = {
    "vit_b_16": 12 * 2 * 197**2 * 768,
    "swin_t": sum(
        layers * windows * 2 * 49**2 * width
        for layers, windows, width in ((2, 64, 96), (2, 16, 192), (6, 4, 384), (2, 1, 768))
    ),
}


@pytest.mark.parametrize(
    "name",
    [
        "resnet18",
        "mobilenet_v2",
        "convnext_tiny",
        "vit_b_16",
        "swin_t",
        *(pytest.param(name, marks=pytest.mark.long) for name in TORCHVISION if "resn" in name),
    ],
)
def test_networks_of_torchvision_cost_what_it_publishes(name):
    published = get_model_weights(name).DEFAULT.meta
    network = new_network(header(name, shape=(3, 224, 224), classes=1000), 0).eval()
    macs = multiply_accumulates(network, (3, 224, 224))
    assert round((macs + ATTENTION.get(name, 0)) / 1e9, 3) == published["_ops"]
    assert parameter_count(network) == published["num_params"]


@pytest.mark.parametrize("trained", [True, False])
def test_attention_costs_its_four_projections_whoever_calls_them(trained):
    layer = torch.nn.TransformerEncoderLayer(8, 2, dim_feedforward=16, batch_first=True)
    network = torch.nn.Sequential(torch.nn.Unflatten(1, (5, 8)), layer).requires_grad_(trained)
    assert multiply_accumulates(network, (40,)) == 5 * (4 * 8 * 8 + 2 * 8 * 16)


def test_an_independent_counter_agrees():
    network = random_network("resnet20", shape=PHOTOGRAPH)
    with FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, *PHOTOGRAPH))
    # a multiply-accumulate is two operations
    assert 2 * multiply_accumulates(network, PHOTOGRAPH) == counter.get_total_flops()
