"""Beam and profiles: what they find on small networks, and what they leave as it was."""

import copy
import itertools
import logging

import numpy as np
import pandas as pd
import pytest
import torch

import layer_pruning
from layer_pruning.models.candidates import Limits
from layer_pruning.searching.norms import recalibrate, running_norms
from layer_pruning.searching.sets import (
    choices,
    count_profiles,
    count_sets,
    in_network_order,
    profiles,
)
from layer_pruning.surgery import without_block
from small_networks import header, random_network
from unit.models import own_networks

LIMITS = Limits(1)


@pytest.fixture(scope="module")
def network():
    return random_network("resnet20")


@pytest.fixture(scope="module")
def probe():
    generator = torch.Generator().manual_seed(3)
    return torch.rand(40, 1, 8, 8, generator=generator), torch.arange(40) % 10


@pytest.fixture(scope="module")
def exhaustive(network, probe):
    """What a beam finds that keeps all sets."""
    return layer_pruning.search(network, *probe, removals=3, beam=1000, metrics=["kl"])


def admissible_sets(head, size, limits=LIMITS):
    """Every set of blocks that can go together, by brute force over all subsets."""
    names = [block.name for block in head.blocks]

    def can_go(blocks):
        for block in blocks:
            if block not in head.candidates(limits):
                return False
            head_then, _ = without_block(head, {}, block)
            return can_go_from(head_then, blocks[1:])
        return True

    def can_go_from(head_then, rest):
        if not rest:
            return True
        if rest[0] not in head_then.candidates(limits):
            return False
        return can_go_from(without_block(head_then, {}, rest[0])[0], rest[1:])

    return [one for one in itertools.combinations(names, size) if can_go(one)]


def loss(network, images, labels):
    with torch.no_grad():
        return float(torch.nn.functional.cross_entropy(network(images), labels))


def kl(network, other, images):
    with torch.no_grad():
        intact, less = (one(images).double().log_softmax(1) for one in (network, other))
    return float((intact.exp() * (intact - less)).sum(1).mean())


def test_a_beam_as_wide_as_there_are_sets_is_an_exhaustive_search(network, probe, exhaustive):
    found = exhaustive
    for size in found.index:
        sets = admissible_sets(network.header, size)
        assert found.sets[size] == len(sets)
        damage = {one: kl(network, network.less(one), probe[0]) for one in sets}
        best = min(damage, key=damage.get)
        assert found.blocks[size] == best
        assert found.kl[size] == pytest.approx(damage[best], rel=1e-3, abs=1e-6)


@pytest.mark.parametrize("metric", ["kl", "cka", "loss_increase"])
def test_a_beam_of_one_is_greedy_without_training_in_between(network, probe, metric):
    """Greedy by the distance from the intact network, which is what sets can be compared by."""
    found = layer_pruning.search(network, *probe, removals=5, beam=1, metrics=[metric])
    images, labels = probe
    with torch.no_grad():
        intact = network.features(images).double().numpy()

    def distance(other):
        if metric == "kl":
            return kl(network, other, images)
        if metric == "loss_increase":
            return loss(other, images, labels) - loss(network, images, labels)
        with torch.no_grad():
            less = other.features(images).double().numpy()
        first, second = intact - intact.mean(0), less - less.mean(0)
        cross = np.linalg.norm(first.T @ second) ** 2
        return 1 - cross / np.linalg.norm(first.T @ first) / np.linalg.norm(second.T @ second)

    smaller = network
    for size in found.index:
        options = {
            name: layer_pruning.prune(smaller, name) for name in smaller.header.candidates(LIMITS)
        }
        smaller = options[min(options, key=lambda name: distance(options[name]))]
        gone = in_network_order(smaller.header.removed_blocks, network.header.blocks)
        assert found.blocks[size] == gone


def test_a_beam_of_one_by_the_loss_is_the_iteration_that_trains_nothing(network, probe):
    """The loss of the reference is the same for all blocks, so it does not matter which it is."""
    pruning = layer_pruning.iterate(network, *probe, removals=5, metrics=["loss_increase"])
    for _ in pruning:
        pass
    found = layer_pruning.search(network, *probe, removals=5, beam=1, metrics=["loss_increase"])
    assert {*found.blocks[5]} == {*pruning.network.header.removed_blocks}


def test_a_beam_that_keeps_all_sets_is_never_worse_than_greedy(network, probe, exhaustive):
    greedy = layer_pruning.search(network, *probe, removals=3, beam=1, metrics=["kl"])
    assert (exhaustive.kl <= greedy.kl + 1e-6).all() and exhaustive.kl[1] == greedy.kl[1]


def test_a_vote_ranks_the_children_of_all_kept_sets_together(network, probe):
    """With all sets kept, the vote is that of `rank` over them all."""
    found = layer_pruning.search(
        network, *probe, removals=2, beam=1000, metrics=["kl", "loss_increase"]
    )
    table = {}
    for one in admissible_sets(network.header, 2):
        other = network.less(one)
        table[" ".join(one)] = {
            "kl": kl(network, other, probe[0]),
            "loss_increase": loss(other, *probe) - loss(network, *probe),
        }
    ranking = layer_pruning.rank(pd.DataFrame.from_dict(table, orient="index"))
    assert ranking.index[0] == " ".join(found.blocks[2])


def test_sets_and_profiles_are_those_that_brute_force_finds():
    for limits in (LIMITS, Limits(2), Limits(1, ["stage1.block1", "stage3.block2"])):
        head = header("resnet26")
        stages = choices(head.blocks, limits)
        order = [block.name for block in head.blocks][::-1]
        for size in range(1, 6):
            sets = admissible_sets(head, size, limits)
            assert count_sets(stages, size) == len(sets)
            shapes = {tuple(sorted(name.split(".")[0] for name in one)) for one in sets}
            found = profiles(stages, size, order)
            assert count_profiles(stages, size) == len(found) == len(shapes)
            assert {in_network_order(one, head.blocks) for one in found} <= {*sets}
            # the last of a stage go, as the order says
            for one in found:
                for name in one:
                    later = [n for n in order[: order.index(name)] if n[:6] == name[:6]]
                    assert {*later} - {*limits.protect} <= {*one}


def test_a_resnet20_has_27_profiles_and_a_resnet56_512_that_keep_two_a_stage():
    """Products of how many numbers of blocks can go of each stage, none included."""
    for name, keeps, expected in (("resnet20", 1, 27), ("resnet56", 2, 8**3)):
        stages = choices(header(name).blocks, Limits(keeps))
        assert sum(count_profiles(stages, size) for size in range(100)) == expected


def test_profiles_are_ranked_after_their_norms_were_estimated_anew(network, probe):
    images, labels = probe
    found = layer_pruning.search(
        network, images, labels, removals=3, search="profiles", metrics=["kl"]
    )
    order = layer_pruning.rank(layer_pruning.score(network, images, labels, metrics=["kl"])).index
    sets = [
        in_network_order(one, network.header.blocks)
        for one in profiles(choices(network.header.blocks, LIMITS), 3, order)
    ]
    damage = {}
    for one in sets:
        smaller = network.less(one)
        # one batch: training mode normalises by just that, with the biased variance
        recalibrate(smaller, [images])
        damage[one] = kl(network, smaller, images)
    assert found.sets[3] == len(sets)
    assert found.blocks[3] == min(damage, key=damage.get)
    assert found.kl[3] == pytest.approx(min(damage.values()), rel=1e-3)


def test_recalibrated_norms_hold_what_the_batches_have_and_nothing_else_changes(network, probe):
    images, _ = probe
    smaller = layer_pruning.prune(network, "stage1.block2")
    before = copy.deepcopy(smaller.state_dict())
    seen = {}
    first = running_norms(smaller)[0]
    handle = first.register_forward_pre_hook(
        lambda module, given: seen.setdefault("maps", []).append(given[0])
    )
    recalibrate(smaller, [images[::2], images[1::2]])
    handle.remove()
    means = torch.stack([maps.mean((0, 2, 3)) for maps in seen["maps"]])
    assert torch.allclose(first.running_mean, means.mean(0), atol=1e-5)
    after = smaller.state_dict()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed and all("running_" in n or "num_batches" in n for n in changed)
    assert not any(part.training for part in smaller.modules() if part is not smaller.body)
    assert all(norm.momentum == 0.1 for norm in running_norms(smaller))
    # of the network itself nothing changed
    assert not torch.equal(after[min(changed)], network.state_dict()[min(changed)])


def test_a_network_without_running_norms_can_be_searched_by_profiles(probe):
    module = Plain()
    network = layer_pruning.wrap(module, input_shape=(1, 8, 8))
    found = layer_pruning.search(network, *probe, removals=2, search="profiles", metrics=["kl"])
    assert list(found.index) == [1, 2] and found.sets[2] == 3


class Block(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv = torch.nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x):
        return x + self.conv(x).tanh()


class Plain(torch.nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.first = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3), *[Block(4) for _ in range(3)])
        self.second = torch.nn.Sequential(
            torch.nn.Conv2d(4, 6, 3, stride=2), *[Block(6) for _ in range(3)]
        )
        self.classifier = torch.nn.Linear(6, 10)

    def forward(self, x):
        return self.classifier(self.second(self.first(x)).mean((2, 3)))


def test_the_network_stays_and_costs_are_told_before(network, probe, caplog):
    before = copy.deepcopy(network.state_dict())
    with caplog.at_level(logging.INFO, logger="layer_pruning"):
        layer_pruning.search(network, *probe, removals=3, beam=2, metrics=["kl"])
        layer_pruning.search(network, *probe, removals=1, search="profiles", metrics=["kl"])
    said = [record.getMessage() for record in caplog.records]
    assert said[0] == "2 sets to grow by one block, a sweep each"
    assert "3 profiles, 6 network evaluations" in said
    assert all(torch.equal(before[name], now) for name, now in network.state_dict().items())
    assert network.header.removed_blocks == ()


def sets(features, bypassed, labels):
    """A metric that is called as a column of the table is."""
    return 0.0


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"removals": 0}, "removals is 0; 1 or more would be right"),
        ({"removals": 3, "beam": 0}, "beam is 0; 1 or more would be right"),
        ({"removals": "3"}, "removals is '3'; a whole number would be right"),
        ({"removals": 2, "metrics": []}, "metrics: at least one would be right"),
        ({"removals": 2, "metrics": ["kl", sets]}, "'sets' is a column of its own"),
        ({"removals": 2, "metrics": ["kl"], "weights": {"kl": 1}}, "borda takes no weights"),
        ({"removals": 30}, "removals is 30, and 6 blocks may go under these limits"),
        (
            {"removals": 2, "search": "bream"},
            "search: beam or profiles would be right, not 'bream'",
        ),
        ({"removals": 2, "metrics": ["magnitude"]}, "'magnitude' does not compare networks"),
        ({"removals": 2, "metrics": "votes"}, "'votes' is no criterion"),
        ({"removals": 2, "protect": ["stage9"]}, "'stage9' is no block of the network"),
    ],
)
def test_what_cannot_be_searched_is_one_line(network, probe, given, says):
    with pytest.raises(ValueError, match=says) as raised:
        layer_pruning.search(network, *probe, **given)
    assert "\n" not in str(raised.value)


def test_a_network_that_lost_blocks_is_no_start(network, probe):
    smaller = layer_pruning.prune(network, "stage1.block2")
    with pytest.raises(ValueError, match="a search starts from one that has all"):
        layer_pruning.search(smaller, *probe, removals=1)


def test_functions_of_ones_own_are_searched_by(network, probe):
    def largest(features, bypassed, labels):
        return abs(features - bypassed).max()

    found = layer_pruning.search(network, *probe, removals=2, beam=3, metrics=["kl", largest])
    assert [*found.columns] == ["blocks", "sets", "kl", "largest"]


def test_blocks_whose_names_hold_spaces_are_not_searched(probe):
    module = own_networks.build(10, (3, 8, 8))
    module.late = torch.nn.Sequential()
    for name in ("the first", "the second"):
        module.late.add_module(name, own_networks.EndsInReLU(6))
    network = layer_pruning.wrap(module, input_shape=(3, 8, 8))
    with pytest.raises(ValueError, match=r"'late\.the first': a search needs names of blocks with"):
        layer_pruning.search(network, torch.rand(8, 3, 8, 8), torch.arange(8) % 4, removals=1)
