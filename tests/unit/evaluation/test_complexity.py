from dataclasses import replace

import pytest
import torch

from layer_pruning.evaluation.complexity import (
    complexity_record,
    multiply_accumulates,
    parameter_count,
)
from layer_pruning.models.architectures import candidates
from layer_pruning.models.residual import ResidualNetwork
from small_networks import header

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
