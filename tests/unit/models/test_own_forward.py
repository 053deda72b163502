"""Networks as people write them: the network's own forward runs, whatever its blocks take and give.

Every network here is checked by hooks on the untouched module: what a pruned network computes is
what the module computes when the output of that block is overwritten.
"""

import copy

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

import layer_pruning
from layer_pruning.activations.sweep import sweep
from layer_pruning.evaluation.complexity import counted_cost
from layer_pruning.models.candidates import Limits
from layer_pruning.models.discovery import size_of
from layer_pruning.models.network_file import read_network

SHAPE = (3, 8, 8)
WIDTH = 6


@pytest.fixture
def pictures():
    return torch.rand(5, *SHAPE, generator=torch.Generator().manual_seed(3))


class Block(nn.Module):
    def __init__(self, branch=None):
        super().__init__()
        self.branch = branch or nn.Sequential(nn.Conv2d(WIDTH, WIDTH, 3, padding=1), nn.GELU())

    def forward(self, x):
        return x + self.branch(x)


class Net(nn.Module):
    """Three blocks one after another; parts of it are overwritten below."""

    def __init__(self, make=Block, classes=10):
        super().__init__()
        torch.manual_seed(0)
        self.stem = nn.Conv2d(3, WIDTH, 1)
        self.blocks = nn.ModuleList([make() for _ in range(3)])
        self.head = nn.Linear(WIDTH, classes)

    def through(self, x):
        for block in self.blocks:
            x = block(x)
        return x

    def forward(self, x):
        return self.head(self.through(self.stem(x)).mean((2, 3)))


# what blocks take and give


class WithPosition(Block):
    def forward(self, x, position, *, mask=None):
        assert mask is None
        return x + self.branch(x + position)


class TakesMore(Net):
    def through(self, x):
        position = x.mean((2, 3), keepdim=True)
        for block in self.blocks:
            x = block(x, position, mask=None)
        return x


class ByKeyword(Net):
    def through(self, x):
        for block in self.blocks:
            x = block(position=1.0, x=x)
        return x


class GivesTuple(Block):
    def forward(self, x, size):
        return x - self.branch(x), size, None


class Tuples(Net):
    def through(self, x):
        size = tuple(x.shape[2:])
        for block in self.blocks:
            x, size, _ = block(x, size)
        return x


class Pair(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.other = Block().branch, Block().branch

    def forward(self, streams):
        one, other = streams
        return [one + self.one(other), other + self.other(one)]


class Streams(Net):
    def through(self, x):
        streams = [x, x.flip(2)]
        for block in self.blocks:
            streams = block(streams)
        return sum(streams)


# what the code around blocks does


class InPlace(Net):
    def through(self, x):
        for block in self.blocks:
            x = block(x)
            x.clamp_(-0.2, 0.2)
            x *= 1.5
        return x


class LooksAtValues(Net):
    def through(self, x):
        assert isinstance(x, torch.Tensor)
        for block in self.blocks:
            x = block(x) if float(x.detach().abs().mean()) >= 0 else x
        return F.dropout(x, 0.5, self.training)


class Striding(Block):
    stride = 2

    def __init__(self):
        super().__init__()
        self.scale = 0.5


class ReadsAttributes(Net):
    def through(self, x):
        for block in self.blocks:
            x = block(x) * block.scale / block.stride
        return x


class Permuted(Net):
    """Blocks that keep channels last in a stage that does not."""

    def __init__(self):
        super().__init__(lambda: Block(nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.ReLU())))

    def through(self, x):
        x = x.permute(0, 2, 3, 1).contiguous()
        return super().through(x).permute(0, 3, 1, 2)


def encoder_layer():
    layer = nn.TransformerEncoderLayer(WIDTH, 2, 12, 0.0, batch_first=True, norm_first=True)
    # it is born with all biases 0, and all layers of an encoder alike
    for parameter in layer.parameters():
        nn.init.normal_(parameter, std=0.3)
    return layer


class Tokens(Net):
    """Layers of PyTorch that are one operator in evaluation mode without gradients."""

    def __init__(self):
        super().__init__(encoder_layer)

    def through(self, x):
        x = x.flatten(2).transpose(1, 2)
        return super().through(x).transpose(1, 2).unflatten(2, SHAPE[1:])


class Encoder(Tokens):
    """The same in PyTorch's own stage, which reads its first layer: that one has to stay."""

    def __init__(self):
        super().__init__()
        encoder = nn.TransformerEncoder(self.blocks[0], 3, enable_nested_tensor=False)
        encoder.layers = self.blocks
        self.blocks = nn.Sequential(encoder)


class AsStage(Net):
    """The stage is a module of its own, and is the identity when its blocks are."""

    def __init__(self, stage=Permuted):
        super().__init__()
        self.stage = stage()
        self.stage.forward = self.stage.through
        del self.blocks

    def through(self, x):
        return self.stage(x.contiguous(memory_format=torch.channels_last))


class ConvolutionalHead(Net):
    def __init__(self):
        super().__init__()
        self.head = nn.Sequential(nn.Conv2d(WIDTH, 10, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten())

    def forward(self, x):
        return nn.Identity()(self.head(self.through(self.stem(x))))


class TwoHeads(Net):
    def __init__(self):
        super().__init__()
        self.second = nn.Linear(WIDTH, 10)

    def forward(self, x, features_only=False):
        x = self.through(self.stem(x)).mean((2, 3))
        return (self.head(x) + self.second(x * 2)) / 2


class HasLogits:
    def __init__(self, logits):
        self.logits = logits


class GivesObject(Net):
    def forward(self, x):
        return HasLogits(super().forward(x))


# norms and branches


def branch(*layers):
    return lambda: Block(nn.Sequential(nn.Conv2d(WIDTH, WIDTH, 3, padding=1), *layers))


def frozen():
    from torchvision.ops import FrozenBatchNorm2d

    norm = FrozenBatchNorm2d(WIDTH)
    for value in norm.buffers():
        value.copy_(torch.rand(WIDTH) + 0.5)
    return norm


def seasoned():
    norm = nn.BatchNorm2d(WIDTH, affine=False)
    norm.running_mean.normal_()
    norm.running_var.uniform_(0.5, 2)
    return norm


class Shifted(Block):
    def __init__(self):
        super().__init__()
        self.register_buffer("shift", torch.randn(1, WIDTH, 1, 1))

    def forward(self, x):
        return x + (self.branch(x) + self.shift)


def normed(wrapper):
    return lambda: Block(nn.Sequential(wrapper(nn.Conv2d(WIDTH, WIDTH, 1)), nn.Tanh()))


NETWORKS = {
    "plain": Net,
    "more arguments": lambda: TakesMore(WithPosition),
    "by keyword": lambda: ByKeyword(WithPosition),
    "tuples": lambda: Tuples(GivesTuple),
    "streams": lambda: Streams(Pair),
    "in place": InPlace,
    "looks at values": LooksAtValues,
    "reads attributes": lambda: ReadsAttributes(Striding),
    "channels last": Permuted,
    "encoder layers": Tokens,
    "stage": AsStage,
    "convolutional head": ConvolutionalHead,
    "two heads": TwoHeads,
    "object": GivesObject,
    "norm without parameters": lambda: Net(branch(seasoned())),
    "group norm without parameters": lambda: Net(branch(nn.GroupNorm(2, WIDTH, affine=False))),
    "frozen norm": lambda: Net(branch(frozen())),
    "norm after pooling": lambda: Net(branch(nn.BatchNorm2d(WIDTH), nn.AvgPool2d(3, 1, 1))),
    "pooling": lambda: Net(lambda: Block(nn.AvgPool2d(3, 1, 1))),
    "weight norm": lambda: Net(normed(nn.utils.parametrizations.weight_norm)),
    "older weight norm": lambda: Net(normed(nn.utils.weight_norm)),
    "spectral norm": lambda: Net(normed(nn.utils.parametrizations.spectral_norm)),
    "buffer": lambda: Net(Shifted),
}


def made(name):
    torch.manual_seed(1)
    return NETWORKS[name]().eval()


def overwritten(module, path, images):
    """Logits of ``module`` when a block gives what it was given, whatever that is."""
    kept = []

    def before(_, given, named):
        kept.append([given, named])

    def after(_, given, named, output):
        given, named = kept.pop()
        if isinstance(output, tuple):
            return (given[0].clone(), given[1], None)
        return copy.copy((*given, named.get("x"))[0])

    block = module.get_submodule(path)
    handles = [
        block.register_forward_pre_hook(before, with_kwargs=True),
        block.register_forward_hook(after, with_kwargs=True),
    ]
    output = module(images)
    for handle in handles:
        handle.remove()
    return getattr(output, "logits", output)


@torch.no_grad()
@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("name", NETWORKS)
def test_every_block_is_found_and_goes(name, pictures, tmp_path):
    module, untouched = made(name), made(name)
    network = layer_pruning.wrap(module, input_shape=SHAPE)
    paths = [block.name for block in network.header.blocks if block.removable]
    assert [path.rpartition(".")[2] for path in paths] == ["0", "1", "2"]
    intact = network(pictures)
    expected = untouched(pictures)
    assert torch.equal(intact, getattr(expected, "logits", expected))
    for path in paths:
        smaller = layer_pruning.prune(network, path)
        assert torch.equal(smaller(pictures), overwritten(untouched, path, pictures))
        assert torch.equal(smaller(pictures), network.bypassing(path, pictures))
        assert not torch.equal(smaller(pictures), intact)
        assert not [n for n, _ in smaller.body.named_parameters() if n.startswith(f"{path}.")]
    layer_pruning.save(smaller, tmp_path / "smaller.safetensors")
    again = layer_pruning.load(tmp_path / "smaller.safetensors", module=made(name))
    assert torch.equal(again(pictures), smaller(pictures))
    assert read_network(tmp_path / "smaller.safetensors")[0] == smaller.header


@torch.no_grad()
@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("branches", ["one_by_one", "together"])
@pytest.mark.parametrize("name", NETWORKS)
def test_a_sweep_is_one_evaluation_a_candidate(name, branches, pictures):
    network = layer_pruning.wrap(made(name), input_shape=SHAPE)
    names = network.block_names[::-1]
    features, bypassed, logits, logits_bypassed = sweep(network, pictures, names, branches=branches)
    close = {"rtol": 1e-4, "atol": 1e-4}
    assert torch.allclose(logits, network(pictures), **close)
    assert torch.allclose(features, network.features(pictures), **close)
    assert features.shape == (5, WIDTH)
    for place, block in enumerate(names):
        assert torch.allclose(logits_bypassed[place], network.bypassing(block, pictures), **close)
        assert torch.allclose(bypassed[place], network.features(pictures, block), **close)


@torch.no_grad()
@pytest.mark.parametrize("name", ["plain", "in place", "more arguments", "tuples", "streams"])
def test_prefixes_are_shared_whatever_blocks_take(name, pictures):
    network = layer_pruning.wrap(made(name), input_shape=SHAPE)
    calls = []
    for path, block in network.blocks().items():
        part = next(m for m in block.modules() if isinstance(m, nn.Conv2d))
        part.register_forward_hook(lambda *_, path=path: calls.append(path))
    sweep(network, pictures[:1], [], chunk=1)
    before = {path: calls.count(path) for path in network.block_names}
    calls.clear()
    sweep(network, pictures, network.block_names, chunk=len(pictures))
    more = [calls.count(path) - before[path] for path in network.block_names]
    # a whole run without each block and one more show that runs can be taken up, beside these: in
    # them, as in the sweep, each block runs behind every candidate before it
    assert more == [3 + place + place for place in range(3)]


@pytest.fixture(params=[True, False])
def usual(request):
    """Whether PyTorch may take its fast path."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(request.param)
    yield request.param
    torch.backends.mha.set_fastpath_enabled(before)


@pytest.mark.parametrize("is_frozen", [False, True])
def test_an_encoder_of_pytorch_is_seen_operator_by_operator(is_frozen, usual, pictures):
    module = Encoder().requires_grad_(not is_frozen).eval()
    network = layer_pruning.wrap(module, input_shape=SHAPE)
    first, *others = [block.name for block in network.header.blocks]
    assert network.header.candidates(Limits(1)) == others
    assert others == ["blocks.0.layers.1", "blocks.0.layers.2"]
    assert "self_attn" in network.block(first).reason
    cost = counted_cost(network, SHAPE)
    for path in others:
        smaller = layer_pruning.prune(network, path)
        with torch.no_grad():
            assert torch.equal(smaller(pictures), overwritten(module, path, pictures))
            assert torch.equal(smaller(pictures), network.bypassing(path, pictures))
        # four projections, two layers between 6 and 12 features, and attention, of 64 tokens
        less = counted_cost(smaller, SHAPE)
        assert cost.macs - less.macs == 64 * (4 * 36 + 2 * 72)
        attention = (one.macs_with_attention - one.macs for one in (cost, less))
        assert next(attention) - next(attention) == 2 * 64 * 64 * 6
        assert size_of(module, pictures[:1]).macs == cost.macs_with_attention
    labels = np.arange(5) % 2
    assert layer_pruning.score(network, pictures, labels, metrics=["kl"])["kl"].min() > 0
    # as it was before
    assert torch.backends.mha.get_fastpath_enabled() is usual


@pytest.mark.long
def test_an_encoder_of_pytorch_is_exported(tmp_path):
    network = layer_pruning.wrap(Encoder(), input_shape=SHAPE)
    smaller = layer_pruning.prune(network, "blocks.0.layers.1")
    manifest = layer_pruning.export_network(smaller, tmp_path / "encoder")
    assert {check["same_predictions"] for check in manifest["checks"]["by_file"].values()} == {True}


# what is no shortcut


class Gate(Block):
    def forward(self, x):
        return x * 2 * torch.sigmoid(self.branch(x))


class ScaledInAdding(Block):
    def forward(self, x):
        return torch.add(self.branch(x), x, alpha=0.5)


class Scaled(Block):
    def forward(self, x):
        return 0.5 * x + self.branch(x)


class LearnedScale(Block):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, x):
        return (x + self.branch(x)) * self.scale


class Clamped(Block):
    def forward(self, x):
        return (x + self.branch(x)).clamp(-9, 9)


class Rectified(Block):
    def forward(self, x):
        return F.relu(x + self.branch(x))


class PostNorm(Block):
    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm2d(WIDTH)

    def forward(self, x):
        return self.norm(x + self.branch(x))


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (Gate, "no shortcut: nothing is added to its input"),
        (ScaledInAdding, r"its shortcut is not the identity: a factor \(mul\) changes it"),
        (Scaled, r"its shortcut is not the identity: a factor \(mul\) changes it"),
        (LearnedScale, r"a factor \(mul\) follows the sum"),
        (PostNorm, r"a norm \(.*batch_norm.*\) follows the sum"),
    ],
)
def test_what_is_no_identity_says_why(make, reason):
    with pytest.raises(ValueError, match=reason) as caught:
        layer_pruning.wrap(Net(make), input_shape=SHAPE)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("make", [Clamped, Rectified])
def test_an_activation_after_the_sum_counts_whatever_the_probe_images_are(make):
    class NoStem(Net):
        """What blocks are given are the images: of one sign, and small."""

        def forward(self, x):
            return self.head(self.through(torch.cat([x, x], 1)).mean((2, 3)))

    network = layer_pruning.wrap(NoStem(make), input_shape=SHAPE)
    first, second, third = network.header.blocks
    assert not first.removable and second.removable and third.removable
    assert "follows the sum: without its branch, its output is not its input" in first.reason


class Reaching(Net):
    def through(self, x):
        return super().through(x) * self.blocks[1].branch[0].weight.mean()


class Hidden(Net):
    def __init__(self):
        super().__init__()
        self.order = [self.blocks[0], self.blocks[2]]

    def through(self, x):
        for block in self.order:
            x = block(x)
        return self.blocks[1](x)


def test_code_that_needs_a_block_keeps_it():
    reaching = layer_pruning.wrap(Reaching(), input_shape=SHAPE).header.blocks
    assert [block.removable for block in reaching] == [True, False, True]
    assert "the code around it needs what it holds" in reaching[1].reason
    hidden = layer_pruning.wrap(Hidden(), input_shape=SHAPE).header.blocks
    can_go = {block.name: block.removable for block in hidden}
    assert can_go == {"blocks.0": False, "blocks.2": False, "blocks.1": True}
    assert hidden[0].reason == "the network reaches it by another way than its name"


def zero_head(module):
    """As before its training: whatever goes before it, logits are zero."""
    nn.init.zeros_(module.head.weight)
    nn.init.zeros_(module.head.bias)
    return module


@pytest.mark.parametrize("head", [lambda module: module, zero_head], ids=["", "zero head"])
def test_a_block_that_is_reached_by_another_way_stays_whatever_the_head(head):
    class Stored(Net):
        """Runs a block once more by a method that it keeps, which no replacement reaches."""

        def __init__(self):
            super().__init__()
            self.step = [self.blocks[1].forward]

        def through(self, x):
            return self.step[0](super().through(x))

    class Borrows(Net):
        """Computes with what a block holds, and what is therefore in no file without it."""

        def __init__(self):
            super().__init__()
            self.borrowed = [self.blocks[1].branch[0].weight]

        def through(self, x):
            return super().through(x) + self.borrowed[0].data.mean()

    reached = {Stored: ["blocks.1"], Borrows: ["blocks.1"], Hidden: ["blocks.0", "blocks.2"]}
    for kind, names in {**reached, Net: []}.items():
        found = layer_pruning.wrap(head(kind()), input_shape=SHAPE).header.blocks
        stay = {block.name: block.reason for block in found if not block.removable}
        reason = "the network reaches it by another way than its name"
        assert stay == dict.fromkeys(names, reason)


@pytest.mark.filterwarnings("ignore:.*drawn at random")
def test_chance_behind_a_head_of_zeros_keeps_no_block():
    class Drops(Block):
        def forward(self, x):
            return x + F.dropout(self.branch(x), 0.5)

    found = layer_pruning.wrap(zero_head(Net(Drops)), input_shape=SHAPE).header.blocks
    assert [block.removable for block in found] == [True] * 3


def test_a_block_that_changes_a_list_it_is_given_stays():
    class Appends(Block):
        def forward(self, x, seen=None):
            if seen is not None:
                seen.append(x)
            return super().forward(x)

    class Collects(Net):
        def through(self, x):
            seen = []
            first, second, third = self.blocks
            x = third(second(first(x)), seen)
            return x + sum(seen)

    network = layer_pruning.wrap(Collects(Appends), input_shape=SHAPE)
    reasons = {block.name: block.reason for block in network.header.blocks}
    assert reasons["blocks.0"] is reasons["blocks.1"] is None
    assert reasons["blocks.2"] == "it changes a list or dictionary that it is given"


def test_a_block_under_two_names_is_gone_from_both(pictures, tmp_path):
    class Alias(Net):
        def __init__(self):
            super().__init__()
            self.first = self.blocks[0]

    network = layer_pruning.wrap(Alias(), input_shape=SHAPE)
    block = network.header.blocks[0]
    assert block.paths == ("blocks.0", "first")
    pruned = layer_pruning.prune(network, "blocks.0")
    assert torch.equal(pruned.body(pictures), pruned(pictures))
    assert not [n for n in pruned.body.state_dict() if n.startswith(("first.", "blocks.0."))]
    from layer_pruning.surgery import without_block

    layer_pruning.save(network, tmp_path / "n.safetensors")
    _, tensors = without_block(*read_network(tmp_path / "n.safetensors"), "blocks.0")
    assert set(tensors) == set(pruned.body.state_dict())


def test_tied_weights_stay_with_the_block_that_is_left(pictures):
    module = Net()
    module.blocks[1].branch[0].weight = module.blocks[0].branch[0].weight
    network = layer_pruning.wrap(module, input_shape=SHAPE)
    pruned = layer_pruning.prune(network, "blocks.0")
    assert torch.equal(pruned(pictures), network.bypassing("blocks.0", pictures))
    weight = pruned.body.blocks[1].branch[0].weight
    assert torch.equal(weight, module.blocks[0].branch[0].weight)


# granularity


class Halves(nn.Module):
    """A block whose halves are residual on their own."""

    def __init__(self):
        super().__init__()
        self.attention, self.feed_forward = Block(), Block(nn.Conv2d(WIDTH, WIDTH, 1))

    def forward(self, x):
        return self.feed_forward(self.attention(x))


def test_halves_of_blocks_are_blocks_when_asked_for(pictures):
    whole = layer_pruning.wrap(Net(Halves), input_shape=SHAPE)
    assert whole.block_names == ["blocks.0", "blocks.1", "blocks.2"]
    fine = layer_pruning.wrap(Net(Halves), input_shape=SHAPE, granularity="sublayer")
    assert fine.block_names == [
        f"blocks.{place}.{half}" for place in range(3) for half in ("attention", "feed_forward")
    ]
    pruned = layer_pruning.prune(fine, "blocks.1.attention")
    assert torch.equal(pruned(pictures), fine.bypassing("blocks.1.attention", pictures))
    with pytest.raises(ValueError, match="granularity: 'half' should be one of block, sublayer"):
        layer_pruning.wrap(Net(Halves), input_shape=SHAPE, granularity="half")


def test_a_block_that_runs_twice_goes_twice(pictures):
    class Twice(Net):
        def through(self, x):
            return super().through(super().through(x))

    network = layer_pruning.wrap(Twice(), input_shape=SHAPE)
    assert network.block_names == ["blocks.0", "blocks.1", "blocks.2"]
    pruned = layer_pruning.prune(network, "blocks.1")
    assert torch.equal(pruned(pictures), overwritten(Twice().eval(), "blocks.1", pictures))


# heads


def test_features_are_what_the_first_head_is_given(pictures):
    network = layer_pruning.wrap(TwoHeads(), input_shape=SHAPE)
    assert network.classifier_names() == ["head", "second"]
    body = network.body
    expected = body.through(body.stem(pictures)).mean((2, 3))
    assert torch.equal(network.features(pictures), expected)
    conv = layer_pruning.wrap(ConvolutionalHead(), input_shape=SHAPE)
    body = conv.body
    pooled = body.through(body.stem(pictures)).mean((2, 3))
    assert torch.allclose(conv.features(pictures), pooled, atol=1e-6)


def test_a_layer_before_the_classifier_that_is_as_wide_is_no_head():
    class Narrow(Net):
        def __init__(self):
            super().__init__()
            self.neck, self.head = nn.Linear(WIDTH, 10), nn.Linear(10, 10)

        def forward(self, x):
            return self.head(F.relu(self.neck(self.through(self.stem(x)).mean((2, 3)))))

    network = layer_pruning.wrap(Narrow(), input_shape=SHAPE)
    assert network.classifier_names() == ["head"]


def test_a_network_without_a_classifier_or_logits_is_refused():
    class Pooled(Net):
        def forward(self, x):
            return self.through(self.stem(x)).mean((2, 3))

    class Maps(Net):
        def forward(self, x):
            return self.through(self.stem(x))

    with pytest.raises(ValueError, match="no layer was found that turns features into 6 logits"):
        layer_pruning.wrap(Pooled(), input_shape=SHAPE)
    with pytest.raises(ValueError, match=r"it returns a tensor of shape .*logits \(n, classes\)"):
        layer_pruning.wrap(Maps(), input_shape=SHAPE)


# modes


def test_what_acts_in_training_acts_in_the_wrapped_network(pictures):
    network = layer_pruning.wrap(LooksAtValues(), input_shape=SHAPE)
    assert torch.equal(network(pictures), network(pictures))
    network.train()
    assert not torch.equal(network(pictures), network(pictures))


def test_a_hook_on_the_module_itself_stays(pictures):
    module = Net()
    module.register_forward_pre_hook(lambda _, given: (given[0] * 2,))
    network = layer_pruning.wrap(module, input_shape=SHAPE)
    assert torch.equal(network(pictures), Net().eval()(pictures * 2))


@pytest.mark.parametrize("mode", ["evaluation", "training"])
def test_a_module_that_changes_from_call_to_call_is_refused(mode):
    class Counting(Net):
        count = 0

        def forward(self, x):
            if self.training != (mode == "training"):
                return super().forward(x)
            Counting.count += 1
            return super().forward(x) * Counting.count

    with pytest.raises(ValueError, match=f"in {mode} mode, it does not compute the same again"):
        layer_pruning.wrap(Counting(), input_shape=SHAPE)


def test_modules_that_hold_another_are_named():
    with pytest.raises(ValueError, match=r"DataParallel: wrap the network that it holds"):
        layer_pruning.wrap(nn.DataParallel(Net()), input_shape=SHAPE)
    with pytest.raises(ValueError, match="a script has no modules of Python"):
        layer_pruning.wrap(torch.jit.script(Net(Block)), input_shape=SHAPE)


def test_every_module_is_in_its_own_mode_after_a_look(pictures):
    network = layer_pruning.wrap(Net(), input_shape=SHAPE)
    network.train()
    network.body.blocks[1].eval()
    network._heads = []
    network.features(pictures)
    assert network.body.training and not network.body.blocks[1].training


@pytest.mark.parametrize("name", ["mnasnet0_5", "mnasnet1_3"])
def test_a_loaded_state_is_not_taken_for_an_older_one(name, tmp_path):
    from torchvision.models import get_model

    network = layer_pruning.wrap(get_model(name, num_classes=4), input_shape=(3, 32, 32))
    layer_pruning.save(network, tmp_path / "n.safetensors")
    module = get_model(name, num_classes=4)
    again = layer_pruning.load(tmp_path / "n.safetensors", module=module)
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.equal(again(images), network(images))
