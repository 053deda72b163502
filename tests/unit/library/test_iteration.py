"""Pruning step by step in a loop of the caller's."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

import layer_pruning
from unit.models import own_networks

SHAPE = (3, 8, 8)
# two 3 × 3 convolutions from 6 channels to 6, on 8 × 8 pixels, and on 4 × 4 in the late blocks
EARLY, LATE = 2 * 9 * 36 * 64, 2 * 9 * 36 * 16
BLOCKS = ["early.blocks.0", "early.blocks.1", "early.blocks.2", "late.0", "late.1"]


@pytest.fixture
def network():
    torch.manual_seed(0)
    return layer_pruning.wrap(own_networks.build(10, SHAPE), input_shape=SHAPE)


@pytest.fixture
def probe():
    generator = torch.Generator().manual_seed(1)
    return torch.rand(20, *SHAPE, generator=generator), torch.arange(20) % 4


def through(pruning):
    return [step.removed for step in pruning]


def test_a_step_is_scoring_ranking_and_pruning_the_network_as_it_was_trained(network, probe):
    """The loop by hand and the iteration are the same, training in between included."""

    def train(module):
        with torch.no_grad():
            for number, parameter in enumerate(module.parameters()):
                parameter.mul_(1 + 0.1 * (-1) ** number)

    by_hand, expected = network, []
    for _ in range(3):
        scores = layer_pruning.score(by_hand, *probe, metrics=["kl", "cka"])
        by_hand = layer_pruning.prune(by_hand, layer_pruning.rank(scores).index[0])
        train(by_hand)
        expected.append(scores)
    before = copy.deepcopy(network.state_dict())
    pruning = layer_pruning.iterate(network, *probe, removals=3, metrics=["kl", "cka"])
    for place, step in enumerate(pruning):
        assert step.scores.equals(expected[place])
        assert step.ranking.index[0] == step.removed[0]
        assert len(step.history) == place + 2
        train(step.network)
    assert pruning.network.header.removed_blocks == by_hand.header.removed_blocks
    with torch.no_grad():
        assert torch.equal(pruning.network(probe[0]), by_hand(probe[0]))
    after = network.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_history_counts_what_went(network, probe):
    pruning = layer_pruning.iterate(network, *probe, metrics=["shallowest"], evaluate=lambda n: 0.5)
    removed = through(pruning)
    assert removed == [("early.blocks.0",), ("early.blocks.1",), ("late.0",)]
    history = pruning.history
    assert history.index.tolist() == [0, 1, 2, 3] and history["removed"].tolist() == [(), *removed]
    assert (-history["macs"].diff().dropna()).tolist() == [EARLY, EARLY, LATE]
    assert history.loc[3, "macs_reduction"] == pytest.approx(
        100 * (2 * EARLY + LATE) / history.loc[0, "macs"]
    )
    assert history.loc[0, "parameters"] - history.loc[1, "parameters"] == 2 * (6 * 54 + 12)
    assert (history["accuracy"] == 0.5).all()
    assert pruning.history.equals(history)


@pytest.mark.parametrize(("share", "steps"), [(0.5, 1), (1.0, 1), (1.001, 2), (2.0, 2)])
def test_a_reduction_ends_it_at_the_first_network_that_saves_as_much(network, probe, share, steps):
    total = layer_pruning.measure(network, batch_size=1, repeats=1)["macs"]
    target = {"macs_reduction": 100 * share * EARLY / total}
    pruning = layer_pruning.iterate(network, *probe, target=target, metrics=["shallowest"])
    assert len(through(pruning)) == steps and pruning.reached
    assert len(pruning.network.header.removed_blocks) == steps


def test_accuracy_ends_it_before_the_network_that_falls_below(network, probe):
    """The network that counts is the last one that kept it, as it was trained."""
    accuracies, seen = iter([0.9, 0.85, 0.8, 0.7]), []

    def evaluate(module):
        seen.append(module)
        return next(accuracies)

    target = {"validation_accuracy": 0.8}
    pruning = layer_pruning.iterate(
        network, *probe, target=target, evaluate=evaluate, metrics=["shallowest"]
    )
    networks = [step.network for step in pruning]
    assert len(networks) == 3 and pruning.network is networks[1] and pruning.reached
    assert seen == [network, *networks]
    assert pruning.history["accuracy"].tolist() == [0.9, 0.85, 0.8, 0.7]


def test_latency_is_measured_beside_the_unpruned_network(network, probe, monkeypatch):
    from layer_pruning.library import iteration

    rounds = []

    def seconds(runs, *, repeats, seed):
        assert repeats == 7 and seed == 0
        for run in runs.values():
            run()
        rounds.append(1 - 0.1 * (len(rounds) + 1))
        # a machine that is ten times slower in one round
        return {"network": [rounds[-1], 10 * rounds[-1], rounds[-1]], "start": [1.0, 10.0, 1.0]}

    monkeypatch.setattr(iteration, "interleaved_seconds", seconds)
    target = {"latency_reduction": 15}
    pruning = layer_pruning.iterate(
        network, *probe, target=target, repeats=7, metrics=["shallowest"]
    )
    assert len(through(pruning)) == 2 and pruning.reached
    assert pruning.history["latency_reduction"].tolist() == pytest.approx([0, 10, 20])


def test_what_was_put_in_the_place_of_a_network_is_what_goes_on(network, probe):
    """A trainer may give another object back, or one that it holds."""
    pruning = layer_pruning.iterate(network, *probe, removals=2, metrics=["magnitude"])
    emptied = []
    for step in pruning:
        other = copy.deepcopy(step.network)
        emptied.append(other.block_names[0])
        with torch.no_grad():
            for parameter in other.blocks()[emptied[-1]].parameters():
                parameter.zero_()
        step.network = nn.DataParallel(other)
    assert pruning.history["removed"].tolist()[2] == (emptied[0],)
    assert pruning.network is other


def test_another_network_in_its_place_is_refused(network, probe):
    pruning = layer_pruning.iterate(network, *probe, metrics=["shallowest"])
    with pytest.raises(ValueError, match=r"without the blocks early\.blocks\.0 would be right"):
        for step in pruning:
            step.network = network


def test_several_blocks_a_step_and_the_limits_of_stages(network, probe):
    options = {"metrics": ["shallowest"], "blocks_per_step": 2}
    pruning = layer_pruning.iterate(network, *probe, removals=3, **options)
    # of the first stage, the third block stays though it is ranked next
    assert through(pruning) == [("early.blocks.0", "early.blocks.1"), ("late.0",)]
    kept = layer_pruning.iterate(network, *probe, protect=BLOCKS[1:], **options)
    assert through(kept) == [("early.blocks.0",)]


def test_a_target_that_is_not_reached_is_warned_of(network, probe):
    target = {"latency_reduction": 99.9}
    options = {"batch_size": 1, "repeats": 1, "metrics": ["shallowest"]}
    pruning = layer_pruning.iterate(network, *probe, target=target, **options)
    with pytest.warns(UserWarning, match="3 blocks are gone, and no other may go"):
        through(pruning)
    assert not pruning.reached and len(pruning.network.header.removed_blocks) == 3


def test_going_through_it_again_starts_again(network, probe):
    pruning = layer_pruning.iterate(network, *probe, removals=1, metrics=["kl"])
    assert pruning.history.empty and pruning.network is network
    assert through(pruning) == through(pruning)
    assert len(pruning.history) == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": {"macs_reduction": 99}}, r"99 % fewer macs cannot be reached: \d+\.\d\d % is"),
        ({"target": {"macs_reduction": 50}, "removals": 1}, "cannot be reached"),
        ({"target": {"macs_reduction": 0}}, "macs_reduction is 0; percent between 0 and 100"),
        ({"target": {"macs": 40}}, "target: one of macs_reduction, parameters_reduction"),
        ({"target": {"macs_reduction": 1, "latency_reduction": 1}}, "target: one of"),
        ({"target": {"validation_accuracy": 0.5}}, "needs 'evaluate'"),
        ({"protect": ["stage9.block9"]}, "'stage9.block9' is no block of the network"),
        ({"target": {"validation_accuracy": 90}, "evaluate": len}, "a number from 0 to 1, not 90"),
        ({"removals": 0}, "removals is 0; 1 or more"),
        ({"blocks_per_step": -1}, "blocks_per_step is -1"),
        ({"blocks_per_step": 1.5}, r"blocks_per_step is 1\.5; a whole number would be right"),
        ({"removals": "3"}, "removals is '3'; a whole number would be right"),
        ({"removals": 2.5}, r"removals is 2\.5; a whole number would be right"),
        ({"target": {"macs_reduction": "40"}}, "macs_reduction is '40'; a number would be right"),
        ({"target": 40}, "target: a mapping, such as {'macs_reduction': 40}, not 40"),
        ({"metrics": ["saves_energy"]}, "saves_energy: nothing says how much energy"),
        ({"metrics": []}, "metrics: at least one"),
        ({"protect": "late.1"}, "protect: a list of blocks would be right"),
    ],
)
def test_what_cannot_work_is_said_before_anything_is_computed(network, probe, options, message):
    with pytest.raises(ValueError, match=message) as caught:
        layer_pruning.iterate(network, *probe, **options)
    assert "\n" not in str(caught.value)


def test_an_accuracy_that_is_missed_at_the_start_and_one_that_is_none(network, probe):
    options = {"target": {"validation_accuracy": 0.8}, "metrics": ["kl"]}
    low = layer_pruning.iterate(network, *probe, evaluate=lambda n: 0.5, **options)
    with pytest.raises(ValueError, match=r"unpruned network is 0\.5, below"):
        next(iter(low))
    percent = layer_pruning.iterate(network, *probe, evaluate=lambda n: np.float64(95), **options)
    with pytest.raises(ValueError, match="evaluate: an accuracy is a number from 0 to 1, not 95"):
        next(iter(percent))
    for nothing in (None, torch.zeros(2)):
        none = layer_pruning.iterate(network, *probe, evaluate=lambda n, x=nothing: x, **options)
        with pytest.raises(ValueError, match="evaluate: an accuracy is a number from 0 to 1, not"):
            next(iter(none))


def test_of_a_frozen_network_no_parameters_can_be_saved(network, probe):
    network.requires_grad_(False)
    with pytest.raises(ValueError, match=r"40 % fewer parameters cannot .*: 0\.00 % is the"):
        layer_pruning.iterate(network, *probe, target={"parameters_reduction": 40})


def test_a_target_that_weights_shared_among_blocks_reach_together_is_not_refused(probe):
    body = own_networks.build(10, SHAPE)
    for block in body.early.blocks[1:]:
        block.conv1, block.conv2 = body.early.blocks[0].conv1, body.early.blocks[0].conv2
    for block in body.late:
        block.conv1, block.conv2 = body.early.blocks[0].conv1, body.early.blocks[0].conv2
    network = layer_pruning.wrap(body, input_shape=SHAPE)
    options = {"target": {"parameters_reduction": 50}, "min_blocks_per_stage": 0}
    pruning = layer_pruning.iterate(network, *probe, metrics="kl", **options)
    through(pruning)
    assert pruning.reached and len(pruning.history) == 1 + 5
