"""Blocks are found by what a network does, whatever its code looks like."""

import shutil
from dataclasses import replace

import own_networks
import pytest
import torch
from own_networks import EndsInReLU, Gated, InPlace, Own, PreActivation, WithInnerIdentity
from torch import nn

from layer_pruning.models.architectures import architecture
from layer_pruning.models.bodies import drawn_body
from layer_pruning.models.discovery import find_blocks, probe_images
from layer_pruning.models.fused import fused
from layer_pruning.models.network_blocks import blocks_of
from layer_pruning.models.network_file import read_network, write_network
from layer_pruning.models.residual import ResidualNetwork, load_network, save_network
from layer_pruning.surgery import without_block
from small_networks import random_network

SHAPE = (3, 12, 12)


@pytest.fixture
def photographs():
    return torch.rand(4, *SHAPE, generator=torch.Generator().manual_seed(1))


def found(blocks, **options):
    torch.manual_seed(0)
    body = Own(blocks, **options).eval()
    return {b.name: b for b in find_blocks(body, probe_images(*SHAPE))}


@pytest.mark.parametrize("shortcut", ["parameter_free", "projection"])
def test_what_is_found_in_a_cifar_resnet_is_what_follows_from_its_depth(shortcut):
    declared = architecture("resnet20", {"shortcut": shortcut})
    body = drawn_body(declared, input_shape=(3, 16, 16), classes=10, seed=0)
    blocks = find_blocks(body, probe_images(3, 16, 16))
    assert [replace(b, reason=None) for b in blocks] == [
        replace(b, reason=None) for b in declared.blocks()
    ]


def test_a_stage_is_taken_apart_into_its_blocks():
    blocks = found([PreActivation(6) for _ in range(3)], late=[PreActivation(6)])
    assert list(blocks) == ["early.blocks.0", "early.blocks.1", "early.blocks.2", "late.0"]
    assert all(block.removable for block in blocks.values())
    # pooling lies between them, so the last one is a stage of its own
    assert [b.stage for b in blocks.values()] == ["stage1", "stage1", "stage1", "stage2"]


def test_a_block_that_changes_the_shape_stays():
    blocks = found([PreActivation(6), PreActivation(6, 2, 12), PreActivation(12)], out=12)
    assert [b.removable for b in blocks.values()] == [True, False, True]
    assert blocks["early.blocks.1"].reason == "it changes the shape"
    assert [b.stage for b in blocks.values()] == ["stage1", "stage2", "stage2"]


def test_a_relu_after_the_sum_is_the_identity_only_for_what_is_not_negative():
    # the first one gets the stem's output, negative in places; the second one gets a ReLU's
    blocks = found([EndsInReLU(6), EndsInReLU(6)])
    assert [b.removable for b in blocks.values()] == [False, True]
    assert blocks["early.blocks.0"].reason == (
        "an activation (relu) follows the sum: without its branch, its output is not its input"
    )


def test_sums_in_place_are_seen():
    blocks = found([EndsInReLU(6), InPlace(6), InPlace(6)])
    assert [(b.name[-1], b.removable) for b in blocks.values()] == [("1", True), ("2", True)]


def test_blocks_that_share_their_weights_are_one():
    shared = PreActivation(6)
    blocks = found([shared, shared], late=[PreActivation(6)])
    assert list(blocks) == ["early.blocks.0", "late.0"]
    assert blocks["early.blocks.0"].aliases == ("early.blocks.1",)


def test_an_identity_inside_a_block_is_no_block_and_a_gate_is_no_identity():
    blocks = found([WithInnerIdentity(6), Gated(6), WithInnerIdentity(6)])
    assert list(blocks) == ["early.blocks.0", "early.blocks.2"]


def own(name="build", **arguments):
    options = {"build": f"own_networks:{name}"}
    return options | ({"arguments": arguments} if arguments else {})


def test_every_block_of_a_users_own_network_can_go(photographs, tmp_path):
    network = random_network("mine", shape=SHAPE, **own(width=5))
    assert network.header.arguments["arguments"] == {"width": 5}
    path = tmp_path / "network.safetensors"
    save_network(network, path)
    with torch.no_grad():
        before = network(photographs)
        assert torch.equal(before, network.body((photographs - network.mean) / network.std))
        for block in network.block_names:
            write_network(path.with_stem("less"), *without_block(*read_network(path), block))
            pruned = load_network(path.with_stem("less"), build=network.header.arguments["build"])
            assert torch.equal(pruned(photographs), network.bypassing(block, photographs))
            assert torch.equal(pruned(photographs), pruned.body((photographs - 0.3) / 0.25))
            assert not torch.equal(pruned(photographs), before)


def test_layers_registered_in_another_order_than_they_run_are_not_fused(photographs):
    network = random_network("mine", shape=SHAPE, **own())
    with torch.no_grad():
        assert torch.allclose(fused(network)(photographs), network(photographs), atol=1e-4)


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("missing", {}, "own_networks has no function 'missing'"),
        ("not_a_function", {}, "own_networks has no function 'not_a_function'"),
        ("build", {"depth": 3}, "failed when called with num_classes, input_shape, depth"),
        ("build_nothing", {}, "returned a NoneType, not a torch.nn.Module"),
        ("build_plain", {}, "no module was found whose shortcut is the identity; a network needs"),
    ],
)
def test_a_network_without_blocks_is_told_what_it_needs(name, arguments, message):
    with pytest.raises(ValueError, match=message) as caught:
        blocks_of(architecture("mine", own(name, **arguments), SHAPE))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        ("no_such_package.module:build", "importing no_such_package.module failed"),
        ("own_networks", "should be written 'my_package.my_module:function'"),
        ("own_networks:", "should be written"),
    ],
)
def test_a_function_that_is_not_there(build, message):
    with pytest.raises(ValueError, match=message) as caught:
        blocks_of(architecture("mine", {"build": build}, SHAPE))
    assert "\n" not in str(caught.value)


def test_a_module_in_the_working_folder_is_found(tmp_path, monkeypatch):
    shutil.copy(own_networks.__file__, tmp_path / "lies_here.py")
    monkeypatch.chdir(tmp_path)
    assert len(blocks_of(architecture("lies_here:build", {}, SHAPE))) == 5


def test_a_network_in_training_keeps_its_path(photographs):
    network = random_network("mine", shape=SHAPE, **own()).train()
    again = ResidualNetwork(network.header, network.body)
    assert isinstance(again.classifier, nn.Linear) and again.training
