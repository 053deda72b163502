"""Which convolutions absorb their norm, and that the copy computes what the network does."""

import pytest
import torch
import torch.nn.utils.prune as masks
from own_networks import EndsInReLU
from torch import nn

import layer_pruning
from layer_pruning.models.copies import copied
from layer_pruning.models.fused import fused

WRAP = {"input_shape": (1, 8, 8), "mean": [0.3], "std": [0.4]}


def network():
    torch.manual_seed(0)
    stem = nn.Sequential(nn.Conv2d(1, 6, 3, padding=1), nn.ReLU())
    body = nn.Sequential(stem, *[EndsInReLU(6) for _ in range(3)], nn.Flatten(), nn.Linear(384, 4))
    for module in body.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 1.5)
            module.weight.data.uniform_(0.5, 1.5)
    return body.eval()


def with_convolutions(change):
    body = network()
    for module in list(body.modules()):
        if isinstance(module, nn.Conv2d):
            change(module)
    return body


class Doubling(nn.Conv2d):
    def forward(self, x):
        return 2 * super().forward(x)


def without_statistics():
    body = network()
    for block in body[1:4]:
        block.branch[1] = nn.BatchNorm2d(6, track_running_stats=False)
    return body


KEPT = {
    "masks": lambda: with_convolutions(lambda c: masks.l1_unstructured(c, "weight", 0.5)),
    "orthogonal": lambda: with_convolutions(nn.utils.parametrizations.orthogonal),
    "hooked": lambda: with_convolutions(
        lambda c: c.register_forward_hook(lambda module, given, output: 2 * output)
    ),
    "of another class": lambda: with_convolutions(lambda c: setattr(c, "__class__", Doubling)),
    "norms without statistics": without_statistics,
}


def norms(walker):
    return sum(isinstance(module, nn.BatchNorm2d) for module in walker.modules())


@pytest.mark.filterwarnings("ignore:.*depend on the other images")
@pytest.mark.parametrize("name", KEPT)
def test_pairs_that_are_no_plain_pair_are_skipped_and_scores_are_those_of_bypassing(name):
    wrapped = layer_pruning.wrap(KEPT[name](), **WRAP)
    assert norms(fused(wrapped)) == 3
    # fewer than a chunk of the sweep: norms without statistics see one batch here and there
    images = torch.rand(40, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    labels = torch.arange(40) % 4
    scores = layer_pruning.score(wrapped, images, labels, metrics=["disagreement"])
    with torch.no_grad():
        whole = wrapped(images).argmax(1)
        for block in scores.index:
            changed = (layer_pruning.bypass(wrapped, block)(images).argmax(1) != whole).double()
            assert scores.loc[block, "disagreement"] == pytest.approx(float(changed.mean()))
    layer_pruning.measure(wrapped, repeats=1)


def test_a_plain_pair_beside_one_that_is_not_is_fused():
    body = network()
    masks.l1_unstructured(body[1].branch[0], "weight", 0.5)
    wrapped = layer_pruning.wrap(body, **WRAP)
    assert norms(fused(wrapped)) == 1
    images = torch.rand(5, 1, 8, 8)
    assert torch.allclose(fused(wrapped)(images), wrapped(images), atol=1e-5)


def test_a_copy_of_computed_weights_computes_the_same_and_shares_nothing():
    body = with_convolutions(lambda c: masks.l1_unstructured(c, "weight", 0.5))
    images = torch.rand(2, 1, 8, 8)
    expected = body(images)
    other = copied(body)
    assert not body[0][0].weight.is_leaf
    assert torch.equal(other(images), expected)
    body[0][0].weight_orig.data.zero_()
    assert torch.equal(other(images), expected)


def test_every_module_of_the_copy_is_in_evaluation_mode():
    light = fused(layer_pruning.wrap(network(), **WRAP))
    assert norms(light) < norms(network())
    assert [name for name, module in light.named_modules() if module.training] == []
