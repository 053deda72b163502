"""A wrapped network is an ordinary module wherever PyTorch takes one, before and after removals."""

import copy
import io
import pickle
import warnings

import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel
from torch.utils.checkpoint import checkpoint

import layer_pruning
from small_networks import random_network
from unit.models import own_networks

SHAPE = (3, 8, 8)
METRIC = {"metrics": ["kl"]}


def wrapped(seed=0):
    torch.manual_seed(seed)
    module = own_networks.build(10, SHAPE)
    return layer_pruning.wrap(module, input_shape=SHAPE, mean=[0.5] * 3, std=[0.2] * 3)


def of_the_workflow(seed=0):
    return random_network("resnet14", shape=SHAPE, seed=seed)


@pytest.fixture(params=[wrapped, of_the_workflow], ids=["wrapped", "known"])
def make(request):
    """A function that makes a network less a block; another seed gives other weights."""

    def network(seed=0):
        whole = request.param(seed)
        return layer_pruning.prune(whole, whole.block_names[-1])

    return network


@pytest.fixture
def images():
    return torch.rand(4, *SHAPE, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def process_group(tmp_path):
    store = f"file://{tmp_path / 'store'}"
    torch.distributed.init_process_group("gloo", init_method=store, rank=0, world_size=1)
    yield
    torch.distributed.destroy_process_group()


def pickled(network):
    buffer = io.BytesIO()
    torch.save(network, buffer)
    buffer.seek(0)
    return torch.load(buffer, weights_only=False)


def checkpointed(network):
    return lambda images: checkpoint(network, images, use_reentrant=False)


def with_own_parameters(network):
    parameters = dict(network.named_parameters())
    return lambda images: torch.func.functional_call(network, parameters, (images,))


def traced(network):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.jit.trace(network, torch.rand(2, *SHAPE))


def programmed(network):
    batch = torch.export.Dim("batch")
    images = torch.rand(2, *SHAPE)
    program = torch.export.export(network, (images,), dynamic_shapes=({0: batch},))
    return program.module()


WAYS = {
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
    "pickle": lambda network: pickle.loads(pickle.dumps(network)),
    "torch.save": pickled,
    "torch.compile": lambda n: torch.compile(n, backend="aot_eager", fullgraph=True),
    "torch.export": programmed,
    "torch.fx": torch.fx.symbolic_trace,
    "torch.jit.trace": traced,
    "functional_call": with_own_parameters,
    "checkpoint": checkpointed,
    "DataParallel": nn.DataParallel,
    "AveragedModel": AveragedModel,
    "channels_last": lambda network: network.to(memory_format=torch.channels_last),
}


# the compiler takes seconds to import
SLOW = {"torch.compile", "torch.jit.trace", "torch.export"}


@pytest.mark.parametrize(
    "way", [pytest.param(way, marks=pytest.mark.long if way in SLOW else ()) for way in WAYS]
)
def test_it_computes_the_same(make, images, way):
    network = make()
    with torch.no_grad():
        expected = network(images)
        assert torch.allclose(WAYS[way](network)(images), expected, atol=1e-5)


def test_a_traced_graph_holds_what_was_left(make):
    """torch.fx sees the layers; what was removed is not among them."""
    network = make()
    graph = torch.fx.symbolic_trace(network).graph
    called = [node.target for node in graph.nodes if node.op == "call_module"]
    removed = f"body.{network.header.removed_blocks[0]}"
    assert len(called) > 5 and not [name for name in called if name.startswith(removed)]


def test_its_state_goes_into_another_one_like_it(make, images):
    network, other = make(), make(seed=1)
    buffer = io.BytesIO()
    torch.save(network.state_dict(), buffer)
    buffer.seek(0)
    with torch.no_grad():
        assert not torch.equal(network(images), other(images))
        other.load_state_dict(torch.load(buffer, weights_only=True))
        assert torch.equal(network(images), other(images))


def test_it_trains_in_several_processes_and_goes_on_from_there(make, images, process_group):
    network = make().train()
    parallel = nn.parallel.DistributedDataParallel(network)
    nn.functional.cross_entropy(parallel(images), torch.arange(4)).backward()
    assert all(p.grad is not None for p in network.parameters())
    torch.optim.SGD(parallel.parameters(), lr=0.1).step()
    held_by_all_ways(parallel, network, images)


@pytest.mark.parametrize(
    "hold",
    [
        pytest.param(lambda n: torch.compile(n, backend="eager"), marks=pytest.mark.long),
        nn.DataParallel,
        AveragedModel,
        pytest.param(
            lambda n: torch.compile(nn.DataParallel(n), backend="eager"), marks=pytest.mark.long
        ),
    ],
    ids=["compiled", "DataParallel", "AveragedModel", "compiled DataParallel"],
)
def test_what_holds_it_is_pruned_as_it_is(make, images, hold):
    network = make()
    held_by_all_ways(hold(network), network, images)


def held_by_all_ways(holder, network, images):
    """Every function of the library takes ``holder`` for the network that it holds."""
    network.eval()
    block, probe = network.block_names[0], (images.repeat(5, 1, 1, 1), torch.arange(20) % 4)
    with torch.no_grad():
        assert torch.equal(
            layer_pruning.prune(holder, block)(images), network.bypassing(block, images)
        )
        assert torch.equal(
            layer_pruning.bypass(holder, block)(images), network.bypassing(block, images)
        )
    table = layer_pruning.score(holder, *probe, **METRIC)
    assert table.equals(layer_pruning.score(network, *probe, **METRIC))
    cost = layer_pruning.measure(holder, batch_size=2, repeats=1)
    assert cost["macs"] == layer_pruning.measure(network, batch_size=2, repeats=1)["macs"]


@pytest.mark.parametrize("number", [torch.float16, torch.bfloat16, torch.float64], ids=str)
def test_other_precisions_last_through_a_removal(make, images, number, tmp_path):
    network = make().to(number)
    block = network.block_names[0]
    smaller = layer_pruning.prune(network, block)
    with torch.no_grad():
        logits = smaller(images.to(number))
        assert logits.dtype == number
        exact = layer_pruning.prune(make(), block)(images)
        assert torch.allclose(logits.float(), exact, atol=0.05 * float(exact.abs().max()))
    costs = [layer_pruning.measure(n, batch_size=2, repeats=1) for n in (network, make(), smaller)]
    assert costs[0]["macs"] == costs[1]["macs"] > costs[2]["macs"]
    probe = (images.repeat(5, 1, 1, 1), torch.arange(20) % 4)
    assert layer_pruning.score(network, *probe, **METRIC).notna().all(axis=None)
    assert network.mean.dtype == number
    layer_pruning.save(smaller, tmp_path / "n.safetensors")


def test_bfloat16_weights_come_back_as_the_numbers_they_were(images, tmp_path):
    network = wrapped().bfloat16()
    layer_pruning.save(network, tmp_path / "n.safetensors")
    again = layer_pruning.load(tmp_path / "n.safetensors", module=own_networks.build(10, SHAPE))
    for before, after in zip(network.parameters(), again.parameters(), strict=True):
        assert after.dtype == torch.float32 and torch.equal(before.float(), after)


@pytest.mark.long
def test_an_export_of_half_a_precision_computes_in_float32(tmp_path):
    manifest = layer_pruning.export_network(of_the_workflow().bfloat16(), tmp_path / "out")
    assert manifest["input"]["type"] == "float32"


def test_a_removal_leaves_modes_hooks_frozen_parts_and_additions_as_they_were(make, images):
    network = make().train()
    norm = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)][-1]
    norm.eval().requires_grad_(False)
    network.note, network.extra = "mine", nn.Linear(2, 2)
    network.register_forward_hook(lambda module, given, output: output + 100)
    smaller = layer_pruning.prune(network, network.block_names[0])
    norms = [m for m in smaller.modules() if isinstance(m, nn.BatchNorm2d)]
    assert [m.training for m in norms].count(False) == 1
    assert [m.weight.requires_grad for m in norms].count(False) == 1
    assert smaller.note == "mine" and isinstance(smaller.extra, nn.Linear)
    with torch.no_grad():
        assert (smaller.eval()(images) > 50).all()


def test_a_module_that_was_not_wrapped_says_what_would_be_right(images):
    module = own_networks.build(10, SHAPE)
    for call in (
        lambda: layer_pruning.prune(module, "late.1"),
        lambda: layer_pruning.bypass(module, "late.1"),
        lambda: layer_pruning.measure(module),
        lambda: layer_pruning.save(module, "x.safetensors"),
        lambda: layer_pruning.export_network(module, "x"),
        lambda: layer_pruning.score(nn.DataParallel(module), images, torch.arange(4)),
    ):
        with pytest.raises(ValueError, match=r"^Own: its blocks are not known: layer_pruning\.w"):
            call()


def test_a_sharded_network_is_refused_before_it_is_copied(process_group):
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    network = wrapped()
    fully_shard(network, mesh=init_device_mesh("cpu", (1,)))
    with pytest.raises(ValueError, match="sharded"):
        layer_pruning.prune(network, "late.1")
