from dataclasses import replace

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models import get_model_weights

from layer_pruning.evaluation.complexity import (
    complexity_record,
    counted_cost,
    multiply_accumulates,
    parameter_count,
)
from layer_pruning.models.architectures import TORCHVISION
from layer_pruning.models.candidates import Limits, candidates
from layer_pruning.models.residual import ResidualNetwork, new_network
from small_networks import header, random_network

PHOTOGRAPH = (3, 32, 32)


def pruned_fully(shortcut):
    """A ResNet-56 after all 21 removals that two blocks a stage leave room for."""
    start = header("resnet56", shape=PHOTOGRAPH, shortcut=shortcut)
    while left := candidates(start.blocks, start.removed_blocks, limits=Limits(2)):
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


TRANSPOSED = torch.nn.ConvTranspose2d


@pytest.mark.parametrize(
    ("layer", "shape", "by_hand"),
    [
        # each input value is multiplied with one factor for every output that it is spread over
        (TRANSPOSED(4, 6, 2, stride=2), (4, 5, 5), 4 * 25 * 6 * 4),
        (TRANSPOSED(4, 6, 3, padding=1), (4, 5, 5), 4 * 25 * 6 * 9),
        (TRANSPOSED(4, 6, 3, stride=2, output_padding=1, groups=2), (4, 5, 5), 4 * 25 * 3 * 9),
        (TRANSPOSED(4, 6, 3, dilation=2), (4, 5, 5), 4 * 25 * 6 * 9),
        (torch.nn.ConvTranspose1d(4, 6, 3, stride=2), (4, 7), 4 * 7 * 6 * 3),
        (torch.nn.ConvTranspose3d(2, 3, 2), (2, 3, 3, 3), 2 * 27 * 3 * 8),
        (torch.nn.Conv3d(2, 3, 2), (2, 3, 3, 3), 3 * 8 * 2 * 8),
    ],
    ids=str,
)
def test_convolutions_of_every_kind_against_a_count_by_hand(layer, shape, by_hand):
    assert multiply_accumulates(layer, shape) == by_hand


# products of activations with each other inside attention, which the published figures count and
# the convention leaves out: two products of tokens × tokens × width in each layer and window
ATTENTION = {
    "vit_b_16": 12 * 2 * 197**2 * 768,
    "swin_t": sum(
        layers * windows * 2 * 49**2 * width
        for layers, windows, width in ((2, 64, 96), (2, 16, 192), (6, 4, 384), (2, 1, 768))
    ),
}


class Attends(torch.nn.Module):
    """Queries, keys and values are one projection; ``product`` makes attention of them."""

    def __init__(self, product):
        super().__init__()
        self.project, self.product = torch.nn.Linear(8, 8), product

    def forward(self, x):
        return self.product(self.project(x))


def in_matrices(x):
    return (x[0] @ x[0].T).softmax(1) @ x[0]


@pytest.mark.parametrize(
    "product",
    [
        lambda x: torch.nn.functional.scaled_dot_product_attention(x, x, x),
        lambda x: (x @ x.mT).softmax(-1) @ x,
        lambda x: torch.baddbmm(torch.zeros(1, 5, 5), x, x.mT) @ x,
        in_matrices,
    ],
    ids=["fused", "batched", "with a bias", "without a batch"],
)
def test_products_inside_attention_are_counted_beside_the_others(product):
    assert counted_cost(Attends(product), (5, 8)) == (5 * 8 * 8, 5 * 8 * 8 + 2 * 5 * 5 * 8)


class Headwise(torch.nn.Module):
    """A linear layer a head: a batched product with a weight, frozen or not."""

    def __init__(self, trained):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.rand(3, 8, 4), requires_grad=trained)

    def forward(self, x):
        return torch.einsum("nhd,hde->nhe", x, self.weight)


@pytest.mark.parametrize("trained", [True, False])
def test_a_batched_product_with_a_weight_is_no_attention(trained):
    assert counted_cost(Headwise(trained), (3, 8)) == (3 * 8 * 4, 3 * 8 * 4)


def test_the_record_tells_what_is_published_beside_the_convention():
    record = complexity_record(
        new_network(header("vit_b_16", shape=(3, 224, 224), classes=1000), 0)
    )
    assert record["macs_with_attention"] - record["macs"] == ATTENTION["vit_b_16"]
    assert round(record["baseline_macs_with_attention"] / 1e9, 2) == 17.56
    assert "macs_with_attention" in record["convention"]


def test_frozen_parameters_are_none_of_those_that_train():
    network = random_network("resnet20", shape=PHOTOGRAPH)
    network.body.stem.requires_grad_(False)
    frozen = sum(parameter.numel() for parameter in network.body.stem.parameters())
    assert parameter_count(network) == 269_722 - frozen
    # nor are they forgotten by the count of operations
    assert multiply_accumulates(network, PHOTOGRAPH) == multiply_accumulates(
        random_network("resnet20", shape=PHOTOGRAPH), PHOTOGRAPH
    )


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
    macs, with_attention = counted_cost(network, (3, 224, 224))
    assert round(with_attention / 1e9, 3) == published["_ops"]
    assert with_attention - macs == ATTENTION.get(name, 0)
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


def lower_rank(layer):
    """A product of two weights in place of a weight."""

    class LowRank(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.change = torch.nn.Linear(8, 8, bias=False)

        def forward(self, weight):
            return weight + self.change.weight @ self.change.weight

    torch.nn.utils.parametrize.register_parametrization(layer, "weight", LowRank())


PARAMETRISED = {
    "spectral": torch.nn.utils.parametrizations.spectral_norm,
    "spectral, the older one": torch.nn.utils.spectral_norm,
    "orthogonal": torch.nn.utils.parametrizations.orthogonal,
    "orthogonal, by Cayley's map": lambda layer: torch.nn.utils.parametrizations.orthogonal(
        layer, orthogonal_map="cayley"
    ),
    "weight": torch.nn.utils.parametrizations.weight_norm,
    "lower rank": lower_rank,
}


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("name", PARAMETRISED)
def test_what_is_computed_from_weights_alone_is_no_cost_of_an_image(name):
    network = torch.nn.Sequential(
        torch.nn.Conv2d(1, 8, 2, 2),
        torch.nn.Flatten(2),
        torch.nn.Linear(4, 8),
        torch.nn.Linear(8, 8),
    )
    by_hand = 4 * 8 * 4 + 8 * 4 * 8 + 8 * 8 * 8
    assert counted_cost(network, (1, 4, 4)) == (by_hand, by_hand)
    PARAMETRISED[name](network[3])
    if name != "lower rank":
        PARAMETRISED[name](network[0])
    assert counted_cost(network, (1, 4, 4)) == (by_hand, by_hand)


class Positions(torch.nn.Module):
    """Layers that are called with a table and with a learnt query, as Swin V2 and others do."""

    def __init__(self):
        super().__init__()
        self.register_buffer("table", torch.rand(7, 2))
        self.query = torch.nn.Parameter(torch.rand(1, 3, 8))
        self.layers = torch.nn.Sequential(torch.nn.Linear(2, 5), torch.nn.Linear(5, 1))
        self.attention = torch.nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, x):
        return self.attention(self.query, x, x)[0] + self.layers(self.table).mean()


def test_a_layer_costs_the_same_whatever_it_is_called_with():
    of_table, projections = 7 * (2 * 5 + 5), 2 * 3 * 8 * 8 + 2 * 6 * 8 * 8
    # keys are multiplied with what was learnt, as with a weight
    assert counted_cost(Positions(), (6, 8)).macs == of_table + projections + 3 * 6 * 8
