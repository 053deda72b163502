"""Every network of torchvision: its blocks, and that removing one equals bypassing it."""

from collections import Counter
from dataclasses import replace

import pytest
import torch
from torch import nn
from torchvision.models.convnext import CNBlock
from torchvision.models.mobilenetv2 import InvertedResidual
from torchvision.models.resnet import BasicBlock, Bottleneck
from torchvision.models.swin_transformer import SwinTransformerBlock
from torchvision.models.vision_transformer import EncoderBlock

from layer_pruning.models.architectures import TORCHVISION, architecture
from layer_pruning.models.candidates import candidates
from layer_pruning.models.network_blocks import blocks_of
from layer_pruning.models.network_file import read_network, write_network
from layer_pruning.models.residual import ResidualNetwork, load_network, new_network, save_network
from layer_pruning.models.surroundings import without
from layer_pruning.surgery import without_block
from small_networks import header, random_network

SMALL = (3, 32, 32)
# blocks of each stage as the papers give them, and how many have an identity shortcut
STAGES = {
    "resnet18": ([2, 2, 2, 2], 5),
    "resnet34": ([3, 4, 6, 3], 13),
    "resnet50": ([3, 4, 6, 3], 12),
    "resnet101": ([3, 4, 23, 3], 29),
    "resnet152": ([3, 8, 36, 3], 46),
    "wide_resnet50_2": ([3, 4, 6, 3], 12),
    "resnext50_32x4d": ([3, 4, 6, 3], 12),
    "mobilenet_v2": ([1, 2, 3, 4, 3, 3, 1], 10),
    "convnext_tiny": ([3, 3, 9, 3], 18),
    "vit_b_16": ([12], 12),
    "swin_t": ([2, 2, 6, 2], 12),
}
# one of each family is tested at every block; the others at a few, and at every block when `long`
FULLY = ("resnet18", "mobilenet_v2", "convnext_tiny", "vit_b_16", "swin_t")


@pytest.fixture(scope="module", params=TORCHVISION)
def network(request):
    return random_network(request.param, shape=SMALL)


@pytest.fixture(scope="module")
def photographs():
    return torch.rand(2, *SMALL, generator=torch.Generator().manual_seed(3))


def has_identity_shortcut(module):
    """What torchvision's own code says of a block."""
    if isinstance(module, BasicBlock | Bottleneck):
        return module.downsample is None
    if isinstance(module, InvertedResidual):
        return module.use_res_connect
    return isinstance(module, CNBlock | EncoderBlock | SwinTransformerBlock)


def is_block(module):
    kinds = (BasicBlock, Bottleneck, InvertedResidual, CNBlock, EncoderBlock, SwinTransformerBlock)
    return isinstance(module, kinds)


def check_removals(network, blocks, photographs):
    """Removing, bypassing and zeroing the residual branch of a block are one and the same."""
    with torch.no_grad():
        intact = network(photographs)
        for block in blocks:
            check_removal(network, block, photographs, intact)


def check_removal(network, block, photographs, intact):
    body, module = network.body, network.body.get_submodule(block)
    with torch.no_grad():
        bypassed = network.bypassing(block, photographs)
        weights = [parameter.clone() for parameter in module.parameters()]
        for parameter in module.parameters():
            parameter.zero_()
        zeroed = network(photographs)
        for parameter, value in zip(module.parameters(), weights, strict=True):
            parameter.copy_(value)
        pruned = ResidualNetwork(replace(network.header, removed_blocks=(block,)), body).eval()
        removed = pruned(photographs)
        # torchvision's own forward pass, with an identity in the block's place
        own = body((photographs - network.mean) / network.std)
    body.set_submodule(block, module)
    assert torch.equal(removed, bypassed)
    assert torch.equal(removed, zeroed)
    assert torch.equal(removed, own)
    assert not torch.equal(removed, intact)


def removable(network):
    return [block.name for block in network.header.blocks if block.removable]


def test_blocks_are_found_and_which_can_go(network):
    blocks, body = network.header.blocks, network.body
    expected = {name for name, module in body.named_modules() if is_block(module)}
    assert {block.name for block in blocks} == expected
    for block in blocks:
        assert block.removable == has_identity_shortcut(body.get_submodule(block.name)), block
        assert (block.reason is None) == block.removable
    per_stage, identities = STAGES[network.header.architecture]
    assert list(Counter(block.stage for block in blocks).values()) == per_stage
    assert len(removable(network)) == identities


def test_the_network_computes_what_torchvision_computes(network, photographs):
    with torch.no_grad():
        normalised = (photographs - network.mean) / network.std
        assert torch.equal(network(photographs), network.body(normalised))
        features = network.features(photographs)
        assert features.shape == (2, network.classifier.in_features)
        assert torch.equal(network.classifier(features), network(photographs))


def test_removing_equals_bypassing(network, photographs):
    blocks = removable(network)
    if network.header.architecture not in FULLY:
        blocks = [blocks[0], blocks[len(blocks) // 2], blocks[-1]]
    check_removals(network, blocks, photographs)


@pytest.mark.long
def test_removing_equals_bypassing_at_every_block_of_larger_images(network):
    images = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(4))
    if network.header.architecture == "vit_b_16":
        network = random_network("vit_b_16", shape=(3, 64, 64))
    check_removals(network, removable(network), images)


@pytest.mark.parametrize("name", ["mobilenet_v2", "swin_t"])
def test_a_file_holds_a_network_pruned_as_far_as_it_goes(name, photographs, tmp_path):
    network = random_network(name, shape=SMALL)
    path = tmp_path / "network.safetensors"
    save_network(network, path)
    history = []
    while left := candidates(network.header.blocks, history, min_blocks_per_stage=1):
        history.append(left[len(left) // 2])
        write_network(path, *without_block(*read_network(path), history[-1]))
    pruned = load_network(path)
    assert list(pruned.header.removed_blocks) == history
    # what links the blocks stays, and every block keeps its name
    assert pruned.block_names == [n for n in network.block_names if n not in history]
    with torch.no_grad(), without(network.body, [network.block(name) for name in history]):
        assert torch.equal(pruned(photographs), network(photographs))
    original = network.body.state_dict()
    assert all(torch.equal(v, original[k]) for k, v in pruned.body.state_dict().items())


def test_stochastic_depth_is_off_in_evaluation(photographs):
    network = new_network(header("swin_t", shape=SMALL), 0)
    drops = [m for m in network.modules() if type(m).__name__ == "StochasticDepth" and m.p > 0]
    assert drops
    network.eval()
    with torch.no_grad():
        assert torch.equal(network(photographs), network(photographs))


def test_grey_images_are_colour_images_with_equal_channels():
    network = random_network("resnet18", shape=(1, 32, 32))
    grey = torch.rand(2, 1, 32, 32, generator=torch.Generator().manual_seed(5))
    colour = ResidualNetwork(
        replace(network.header, input_shape=SMALL, mean=(0.3,) * 3, std=(0.25,) * 3), network.body
    ).eval()
    with torch.no_grad():
        assert torch.equal(network.eval()(grey), colour(grey.repeat(1, 3, 1, 1)))


@pytest.mark.parametrize(
    ("name", "shape", "message"),
    [
        ("vit_b_16", (3, 40, 40), "multiple of 16 pixels, not 40 × 40"),
        ("resnet18", (4, 32, 32), "one or three channels, not 4"),
        ("convnext_tiny", (3, 8, 8), "convnext_tiny: it cannot take images of 3 × 8 × 8"),
    ],
)
def test_images_that_a_network_cannot_take(name, shape, message):
    with pytest.raises(ValueError, match=message) as caught:
        blocks_of(architecture(name, {}, shape))
    assert "\n" not in str(caught.value)


def test_training_reaches_every_parameter(photographs):
    network = new_network(header("resnet18", shape=SMALL), 0)
    assert network.training and network.body.training
    nn.functional.cross_entropy(network(photographs), torch.tensor([0, 1])).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())


def test_weights_come_from_the_seed_and_leave_the_global_generator_alone():
    state = torch.random.get_rng_state()
    one, same, other = (new_network(header("resnet18", shape=SMALL), s) for s in (1, 1, 2))
    assert torch.equal(torch.random.get_rng_state(), state)
    pairs = zip(one.parameters(), same.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
    assert not torch.equal(one.body.conv1.weight, other.body.conv1.weight)
