import json

import numpy as np
import pytest
import torch
from torch.nn import functional

from layer_pruning.models.cifar import BasicBlock
from layer_pruning.models.fused import fused
from layer_pruning.models.network_file import read_network, write_network
from layer_pruning.models.residual import (
    load_network,
    new_network,
    save_network,
)
from layer_pruning.surgery import without_block
from small_networks import header, random_network


def removable(network):
    return [block.name for block in network.header.blocks if block.removable]


@pytest.mark.parametrize("shortcut", ["parameter_free", "projection"])
def test_removing_a_block_equals_bypassing_it_exactly(shortcut, images, tmp_path):
    network = random_network("resnet20", shortcut=shortcut)
    save_network(network, tmp_path / "network.safetensors")
    before = network(images)
    for block in removable(network):
        header_left, tensors = without_block(*read_network(tmp_path / "network.safetensors"), block)
        write_network(tmp_path / "pruned.safetensors", header_left, tensors)
        pruned = load_network(tmp_path / "pruned.safetensors")
        assert torch.equal(pruned(images), network.bypassing(block, images))
        # a bypass that does nothing would pass the line above with a removal that does nothing
        assert not torch.equal(pruned(images), before)
        assert pruned.header.removed_blocks == (block,)
        original = network.body.state_dict()
        assert all(
            torch.equal(value, original[name]) for name, value in pruned.body.state_dict().items()
        )


def test_removals_in_a_row_keep_their_order_and_their_names(images, tmp_path):
    network = random_network("resnet20")
    path = tmp_path / "network.safetensors"
    save_network(network, path)
    history = ["stage3.block2", "stage1.block1", "stage3.block3"]
    for block in history:
        write_network(path, *without_block(*read_network(path), block))
    pruned = load_network(path)
    assert list(pruned.header.removed_blocks) == history
    x = functional.relu(network.body.stem(network.normalised(images)))
    for name, block in network.blocks().items():
        if name not in history:
            x = block(x)
    assert torch.equal(pruned(images), network.classifier(x.mean((2, 3))))


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ("stage2.block1", "shortcut changes the shape"),
        ("stage9.block1", "is no block"),
        ("stage1.block2", "was removed before"),
    ],
)
def test_what_cannot_be_removed(block, message, tmp_path):
    save_network(random_network("resnet20"), tmp_path / "n.safetensors")
    pruned = without_block(*read_network(tmp_path / "n.safetensors"), "stage1.block2")
    with pytest.raises(ValueError, match=message):
        without_block(*pruned, block)
    network = random_network("resnet20").less(["stage1.block2"])
    with pytest.raises(ValueError, match=message):
        network.bypassing(block, torch.zeros(1, 3, 32, 32))
    if block != "stage1.block2":
        with pytest.raises(ValueError, match=message):
            network.less([block])


def test_normalisation_is_inside_the_network(images):
    network = random_network()
    other = random_network()
    other.mean.zero_()
    other.std.fill_(1.0)
    normalised = (images - network.mean) / network.std
    assert torch.allclose(network(images), other(normalised), atol=1e-5)


def test_parameter_free_shortcut_subsamples_and_pads():
    block = BasicBlock(4, 8, 2, "parameter_free")
    x = torch.rand(2, 4, 6, 6)
    out = block.shortcut(x)
    assert torch.equal(out[:, 2:6], x[:, :, ::2, ::2])
    assert out.shape == (2, 8, 3, 3) and not out[:, :2].any() and not out[:, 6:].any()


@pytest.mark.parametrize("shortcut", ["parameter_free", "projection"])
def test_fusing_changes_nothing_but_rounding(shortcut, images):
    network = random_network("resnet20", shortcut=shortcut)
    light = fused(network)
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in light.modules())
    assert torch.allclose(light(images), network(images), rtol=1e-4, atol=1e-4)


def test_weights_come_from_the_seed_and_not_from_the_global_generator():
    one, same, other = (new_network(header(), seed) for seed in (1, 1, 2))
    pairs = zip(one.parameters(), same.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
    assert not torch.equal(one.body.stem.conv.weight, other.body.stem.conv.weight)


def test_a_damaged_or_foreign_file_is_named_and_never_used(tmp_path):
    path = tmp_path / "network.safetensors"
    save_network(random_network(), path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"network\.safetensors: not a readable network file"):
        load_network(path)
    path.write_bytes(b"\x80\x04" + whole[2:])
    with pytest.raises(ValueError, match="not a readable network file"):
        load_network(path)
    from safetensors.numpy import save_file

    save_file({"a": np.zeros(3)}, path)
    with pytest.raises(ValueError, match="not a network file of this workflow"):
        load_network(path)
    with pytest.raises(FileNotFoundError, match="no such network file"):
        load_network(tmp_path / "missing.safetensors")


def test_weights_of_another_shape_are_named(tmp_path):
    path = tmp_path / "network.safetensors"
    save_network(random_network(), path)
    header_read, tensors = read_network(path)
    tensors["classifier.weight"] = tensors["classifier.weight"][:, :-1]
    write_network(path, header_read, tensors)
    with pytest.raises(ValueError, match=r"classifier\.weight has shape \(10, 63\)"):
        load_network(path)
    del tensors["classifier.weight"]
    write_network(path, header_read, tensors)
    with pytest.raises(ValueError, match=r"missing or not wanted: classifier\.weight"):
        load_network(path)


def test_weights_that_are_not_finite_are_never_written(tmp_path):
    network = random_network()
    network.classifier.bias.data[3] = float("nan")
    path = tmp_path / "network.safetensors"
    path.write_text("what was there")
    with pytest.raises(ValueError, match=r"classifier\.bias holds values that are not finite"):
        save_network(network, path)
    assert path.read_text() == "what was there"


def test_the_same_network_is_the_same_file_byte_for_byte(tmp_path):
    network = random_network("narrow", depth=8, widths=(2, 2, 3))
    files = [tmp_path / f"{number}.safetensors" for number in range(8)]
    for file in files:
        save_network(network, file)
    contents = {file.read_bytes() for file in files}
    assert len(contents) == 1
    content = contents.pop()
    # the order that safetensors writes is of chance, between processes too
    metadata = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])["__metadata__"]
    assert list(metadata) == sorted(metadata) and len(metadata) > 5
