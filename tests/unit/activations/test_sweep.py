import numpy as np
import pytest
import torch

from layer_pruning.activations.features import Activations, read_activations, write_activations
from layer_pruning.activations.sweep import activations_of, sweep
from layer_pruning.models.architectures import candidates
from small_networks import random_network


def everything(network):
    return candidates(network.header.blocks, min_blocks_per_stage=1)


@pytest.mark.parametrize("chunk", [5, 12, 100])
@pytest.mark.parametrize("shortcut", ["parameter_free", "projection"])
def test_sweep_equals_one_evaluation_a_candidate(chunk, shortcut, images):
    network = random_network("resnet20", shortcut=shortcut)
    names = everything(network)
    features, features_bypassed, logits, logits_bypassed = sweep(
        network, images, names, chunk=chunk
    )
    assert features_bypassed.shape == (len(names), len(images), 64)
    assert torch.allclose(logits, network(images), rtol=1e-4, atol=1e-4)
    assert torch.allclose(network.classifier(features), logits, rtol=1e-4, atol=1e-4)
    for index, name in enumerate(names):
        expected = network(images, bypass=name)
        assert torch.allclose(logits_bypassed[index], expected, rtol=1e-4, atol=1e-4)
        through = network.classifier(features_bypassed[index])
        assert torch.allclose(through, logits_bypassed[index], rtol=1e-4, atol=1e-4)


def test_each_prefix_is_computed_once(images):
    network = random_network("resnet20")
    names = everything(network)
    calls = {name: 0 for name, _ in network.trunk()}
    original = type(dict(network.trunk())["stage1.block1"]).forward
    names_by_weight = {}

    def counted(block, x):
        calls[names_by_weight[tuple(block.conv1.weight.flatten()[:4].tolist())]] += 1
        return original(block, x)

    from layer_pruning.models.fused import fused

    for name, block in fused(network).trunk():
        names_by_weight[tuple(block.conv1.weight.flatten()[:4].tolist())] = name
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(block), "forward", counted)
        sweep(network, images, names)
    order = list(calls)
    for position, name in enumerate(order):
        # once on the way of the intact network, and once behind every earlier candidate
        assert calls[name] == 1 + sum(candidate in names for candidate in order[:position])


def test_sweep_refuses_a_block_that_is_not_there(images):
    with pytest.raises(ValueError, match=r"no stage7\.block1 to bypass"):
        sweep(random_network(), images, ["stage7.block1"])


def test_file_keeps_everything_and_a_damaged_one_is_named(images, tmp_path):
    network = random_network()
    indices, labels = np.arange(12), np.arange(12) % 3
    activations = activations_of(network, images.numpy(), labels, indices, everything(network))
    path = tmp_path / "activations.npz"
    write_activations(path, activations)
    read = read_activations(path)
    for field in Activations.__dataclass_fields__:
        assert np.array_equal(getattr(read, field), getattr(activations, field))
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ValueError, match=r"activations\.npz: not a readable activations file"):
        read_activations(path)
