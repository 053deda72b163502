"""Which convolutions absorb their norm, and that the copy computes what the network does."""

import pytest
import torch
import torch.nn.utils.prune as masks
import torchvision
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


class Small(nn.Module):
    """What its ``inside`` makes of the input, weighted so little that logits hardly tell."""

    def __init__(self, width, factor=1e-5):
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(width)
        self.factor = nn.Parameter(torch.tensor(factor))

    def forward(self, x):
        return x + self.factor * self.inside(x)


class NormFirst(Small):
    """Registered as convolution and norm, and run the other way round."""

    def inside(self, x):
        return self.conv(torch.relu(self.bn(x)))


class TakenTwice(Small):
    def inside(self, x):
        y = self.conv(x)
        return self.bn(y) + y


class ViewTaken(Small):
    def inside(self, x):
        y = self.conv(x)
        return self.bn(y) + y[:, :1]


class ChangedBetween(Small):
    def inside(self, x):
        y = self.conv(x)
        y.mul_(3)
        return self.bn(y)


class ConvolutionTwice(Small):
    def inside(self, x):
        return self.bn(self.conv(x)) + self.conv(x.flip(2))


class NormTwice(Small):
    def inside(self, x):
        return self.bn(self.conv(x)) + self.bn(x)


class NormHeldElsewhere(Small):
    def __init__(self, width):
        super().__init__(width)
        self.steps = [self.conv, self.bn]

    def inside(self, x):
        for step in self.steps:
            x = step(x)
        return x


def of_blocks(kind, head=1.0):
    torch.manual_seed(0)
    blocks = [kind(6) for _ in range(3)]
    body = nn.Sequential(nn.Conv2d(1, 6, 3, padding=1), *blocks, nn.Flatten(), nn.Linear(384, 4))
    for block in blocks:
        block.bn.running_mean.normal_()
        block.bn.running_var.uniform_(0.1, 3)
        block.bn.weight.data.uniform_(0.2, 3)
        block.bn.bias.data.normal_()
    for parameter in body[-1].parameters():
        parameter.data.mul_(head)
    return layer_pruning.wrap(body, **WRAP)


@pytest.mark.parametrize("head", [1.0, 0.0], ids=["", "zero head"])
@pytest.mark.parametrize(
    "kind",
    [
        *(NormFirst, TakenTwice, ViewTaken, ChangedBetween, ConvolutionTwice, NormTwice),
        NormHeldElsewhere,
    ],
)
def test_what_goes_from_where_to_where_decides_however_little_it_weighs(kind, head):
    wrapped = of_blocks(kind, head)
    light = fused(wrapped)
    assert norms(light) == 3
    images = torch.rand(4, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        for name in wrapped.block_names:
            whole, ours = (n.features(images) - n.features(images, name) for n in (wrapped, light))
            assert torch.allclose(ours, whole, rtol=1e-2, atol=1e-7)


def test_a_pair_that_runs_several_times_and_has_several_names_is_one():
    class Twice(Small):
        def __init__(self, width):
            super().__init__(width, factor=1.0)
            self.conv_again, self.bn_again = self.conv, self.bn

        def inside(self, x):
            return self.bn_again(self.conv(self.bn(self.conv_again(x))))

    wrapped = of_blocks(Twice)
    light = fused(wrapped)
    assert norms(light) == 0
    images = torch.rand(4, 1, 8, 8)
    assert torch.allclose(light(images), wrapped(images), rtol=1e-4, atol=1e-4)


def test_code_that_reads_a_norm_keeps_them_all():
    class Reads(Small):
        def inside(self, x):
            return self.bn(self.conv(x)) * self.bn.weight.mean()

    assert norms(fused(of_blocks(Reads))) == 3


@pytest.mark.parametrize(("name", "count"), [("resnet18", 20), ("mobilenet_v2", 52)])
def test_every_norm_of_networks_of_torchvision_is_absorbed(name, count):
    torch.manual_seed(0)
    module = getattr(torchvision.models, name)(num_classes=5)
    wrapped = layer_pruning.wrap(module, input_shape=(3, 32, 32))
    assert norms(wrapped) == count
    assert norms(fused(wrapped)) == 0
