import copy
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from layer_pruning.activations import sweep as sweep_module
from layer_pruning.activations.features import Activations, read_activations
from layer_pruning.activations.sweep import (
    BRANCHES,
    activations_of,
    chunk_of,
    extract_activations,
    join_activations,
    sweep,
)
from layer_pruning.consensus.ranking import rank_blocks
from layer_pruning.consensus.ranks import rank_table
from layer_pruning.models.candidates import Limits, candidates
from layer_pruning.models.fused import fused
from layer_pruning.models.header import NetworkHeader
from layer_pruning.models.weights import start_network
from layer_pruning.scoring.scores import score
from layer_pruning.similarity.catalog import PAPER_METRICS
from shared_files import shared_file
from small_networks import random_network


def everything(network):
    return candidates(network.header.blocks, limits=Limits(1))


@pytest.mark.parametrize("branches", [None, *BRANCHES])
@pytest.mark.parametrize("chunk", [None, 5, 12, 100])
@pytest.mark.parametrize("shortcut", ["parameter_free", "projection"])
def test_sweep_equals_one_evaluation_a_candidate(chunk, branches, shortcut, images):
    network = random_network("resnet20", shortcut=shortcut)
    # another order than the network's: results follow the names
    names = everything(network)[::-1]
    features, features_bypassed, logits, logits_bypassed = sweep(
        network, images, names, chunk=chunk, branches=branches
    )
    assert features_bypassed.shape == (len(names), len(images), 64)
    assert torch.allclose(logits, network(images), rtol=1e-4, atol=1e-4)
    assert torch.allclose(network.classifier(features), logits, rtol=1e-4, atol=1e-4)
    for index, name in enumerate(names):
        expected = network.bypassing(name, images)
        assert torch.allclose(logits_bypassed[index], expected, rtol=1e-4, atol=1e-4)
        through = network.classifier(features_bypassed[index])
        assert torch.allclose(through, logits_bypassed[index], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("branches", BRANCHES)
def test_bfloat16_gives_float32_within_its_eight_bits(branches, images):
    network = random_network("resnet20")
    names = everything(network)
    exact = sweep(network, images, names)
    coarse = sweep(network, images, names, precision="bfloat16", branches=branches)
    for full, half in zip(exact, coarse, strict=True):
        assert half.dtype == torch.float32
        error = (full - half).norm() / full.norm()
        # 2**-9 is the rounding of one number: less than that means that nothing was rounded
        assert 2**-9 < error < 0.03


def copy_of_calls(walker, names):
    """A copy whose blocks count for those of ``walker``."""
    made = copy.deepcopy(walker)
    names.update((block, name) for name, block in made.blocks().items())
    return made


def block_calls(network, monkeypatch):
    """Images that go through each block of sweeps of ``network`` from now on."""
    calls = dict.fromkeys(network.blocks(), 0)
    walker = fused(network)
    names = {block: name for name, block in walker.blocks().items()}
    kind = type(next(iter(names)))
    original = kind.forward

    def counted(block, x):
        calls[names[block]] += len(x)
        return original(block, x)

    monkeypatch.setattr(kind, "forward", counted)
    # fusing tries its result on an image
    monkeypatch.setattr(sweep_module, "fused", lambda _: copy_of_calls(walker, names))
    return calls


@pytest.mark.parametrize("branches", BRANCHES)
def test_each_prefix_is_computed_once(branches, images, monkeypatch):
    network = random_network("resnet20")
    names = everything(network)
    calls = block_calls(network, monkeypatch)
    # what is shared is found out on one image first, whatever the number of images
    sweep(network, images[:2], names, chunk=5, branches=branches)
    before = calls.copy()
    sweep(network, images, names, chunk=5, branches=branches)
    order = list(calls)
    for position, name in enumerate(order):
        # once on the way of the intact network, and once behind every earlier candidate
        evaluations = 1 + sum(candidate in names for candidate in order[:position])
        assert calls[name] - 2 * before[name] == evaluations * (len(images) - 2)


def test_settling_costs_two_images(images, monkeypatch):
    network = random_network("resnet20")
    calls = block_calls(network, monkeypatch)
    sweep(network, images, [])
    # two runs of one image show what can be shared; where the classifier is was found in fusing
    assert set(calls.values()) == {len(images) + 2}


def test_larger_feature_maps_make_smaller_chunks():
    maps = [8 * 4 * side * side for side in (16, 32, 1024)]
    small, large, huge = (chunk_of(size, "cpu", 1) for size in maps)
    assert small == 2**21 // (8 * 4 * 16 * 16) == 4 * large
    assert huge == 8
    # on a GPU all branches are held at once
    assert chunk_of(maps[0], "cuda", 1) == 4 * chunk_of(maps[0], "cuda", 4)


def test_the_largest_map_between_blocks_is_measured(images):
    network = random_network("resnet20")
    walk = sweep_module.Walk(network, [], torch.float32)
    walk.settle(images[:1], together=False)
    # sixteen channels of 8 × 8 numbers of 4 bytes, in the first stage
    assert walk.largest == 16 * 8 * 8 * 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"precision": "float16"}, "precision: 'float16' should be one of float32, bfloat16"),
        ({"branches": "all"}, "branches: 'all' should be one of one_by_one, together"),
    ],
)
def test_sweep_names_the_option_that_is_wrong(options, message, images):
    with pytest.raises(ValueError, match=message):
        sweep(random_network(), images, [], **options)


def test_sweep_refuses_a_block_that_is_not_there(images):
    with pytest.raises(ValueError, match=r"no stage7\.block1 to bypass"):
        sweep(random_network(), images, ["stage7.block1"])


@pytest.mark.parametrize("chunk", [None, 5])
def test_streamed_file_equals_the_sweep_in_memory(chunk, images, tmp_path):
    network = random_network()
    images, labels, probe = images.numpy(), np.arange(12) % 3, np.arange(12)[::-1].copy()
    names = everything(network)
    path = tmp_path / "somewhere" / "activations.npz"
    extract_activations(
        path, network, lambda chosen: images[chosen], labels, probe, names, chunk=chunk
    )
    expected = activations_of(network, images[probe], labels, probe, names)
    read = read_activations(path)
    for field in Activations.__dataclass_fields__:
        ours, theirs = getattr(read, field), getattr(expected, field)
        assert ours.dtype == theirs.dtype
        if ours.dtype == np.float32 and chunk:
            # other batch sizes add in another order
            assert np.allclose(ours, theirs, rtol=1e-5, atol=1e-5)
        else:
            assert np.array_equal(ours, theirs)
    assert [file.name for file in path.parent.iterdir()] == ["activations.npz"]


@pytest.mark.parametrize(("chunk", "count"), [(2, 1), (2, 4), (5, 3), (5, 12), (None, 3)])
def test_shards_joined_are_the_sweep_of_one_job(chunk, count, images, tmp_path):
    network, names = random_network(), ["stage1.block2", "stage3.block2"]
    images, labels, probe = images.numpy(), np.arange(12) % 3, np.arange(12)[::-1].copy()
    given = (network, lambda chosen: images[chosen], labels, probe, names)
    extract_activations(tmp_path / "whole.npz", *given, chunk=chunk)
    shards = [tmp_path / f"{number}.npz" for number in range(count)]
    for number, path in enumerate(shards):
        extract_activations(path, *given, chunk=chunk, shard=(number, count))
    join_activations(tmp_path / "joined.npz", shards)
    joined, whole = (tmp_path / f"{name}.npz" for name in ("joined", "whole"))
    same_chunks = chunk is not None and chunk <= 12 // count
    if same_chunks:
        assert joined.read_bytes() == whole.read_bytes()
    for name in Activations.__dataclass_fields__:
        ours, theirs = (getattr(read_activations(path), name) for path in (joined, whole))
        if ours.dtype.kind == "f":
            # other batch sizes add in another order
            assert np.allclose(ours, theirs, rtol=1e-5, atol=1e-5)
        else:
            assert np.array_equal(ours, theirs)


@pytest.mark.parametrize("order", [[0, 2], [1, 0, 2], [0, 1], [0, 1, 1, 2]])
def test_shards_that_are_no_whole_are_named(order, images, tmp_path):
    network, images = random_network(), images.numpy()
    shards = [tmp_path / f"{number}.npz" for number in range(3)]
    for number, path in enumerate(shards):
        given = (lambda chosen: images[chosen], np.zeros(12), np.arange(12), ["stage1.block2"])
        extract_activations(path, network, *given, chunk=2, shard=(number, 3))
    with pytest.raises(ValueError, match=rf"{tmp_path}/\d.npz: .*run the workflow again"):
        join_activations(tmp_path / "joined.npz", [shards[number] for number in order])
    assert not (tmp_path / "joined.npz").exists()


def test_a_sweep_that_fails_on_the_way_leaves_nothing(images, tmp_path):
    network, images = random_network(), images.numpy()

    def failing(chosen):
        if 7 in chosen:
            raise OSError("disk is gone")
        return images[chosen]

    path = tmp_path / "activations.npz"
    with pytest.raises(OSError, match="disk is gone"):
        extract_activations(
            path, network, failing, np.zeros(12), np.arange(12), everything(network), chunk=5
        )
    assert list(tmp_path.iterdir()) == []


MEMORY_OF_A_SWEEP = """
import sys
from pathlib import Path
import numpy as np, torch
import layer_pruning
from layer_pruning.activations import sweep

sweep.fused = lambda network: network

class Block(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.branch = torch.nn.Conv2d(1, 1, 1)
    def forward(self, x):
        return x + self.branch(x)

class Wide(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = torch.nn.Sequential(Block(), Block(), Block(), Block())
        self.classifier = torch.nn.Linear(4096, 2)
    def forward(self, images):
        x = self.blocks(images).mean(dim=(2, 3)).expand(-1, 4096).contiguous()
        return self.classifier(x)

def peak(count):
    network = layer_pruning.wrap(Wide(), input_shape=(1, 2, 2))
    images = np.zeros((count, 1, 2, 2), np.float32)
    labels, probe = np.zeros(count, int), np.arange(count)
    sweep.extract_activations(sys.argv[1], network, lambda chosen: images[chosen], labels, probe,
                              network.block_names, chunk=20)
    # not getrusage, which counts what pytest had when it started this process
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024

small = peak(200)
print(peak(1600) - small)
"""


def test_memory_does_not_grow_with_the_number_of_images(tmp_path):
    path = tmp_path / "activations.npz"
    child = subprocess.run(
        [sys.executable, "-c", MEMORY_OF_A_SWEEP, path], capture_output=True, text=True
    )
    assert child.returncode == 0, child.stderr
    assert path.stat().st_size > 120 * 2**20
    # MiB, for 8 times the images and 125 MiB of features
    assert float(child.stdout) < 30


def test_a_network_without_candidates_has_a_file_too(images, tmp_path):
    network, path = random_network(), tmp_path / "activations.npz"
    images = images.numpy()
    extract_activations(
        path, network, lambda chosen: images[chosen], np.zeros(12), np.arange(12), []
    )
    with np.load(path, allow_pickle=False) as file:
        assert set(file) == set(Activations.__dataclass_fields__)
        assert file["features_bypassed"].shape == (0, 12, 64)


def released_images(each):
    """The first ``each`` training images of every class of CIFAR-10-JPEG, and labels."""
    images, labels = [], []
    with tarfile.open(shared_file("data/cifar10-jpeg.tar.xz"), "r|xz") as archive:
        for member in archive:
            path = Path(member.name)
            if "train" in path.parts and path.suffix == ".jpg" and int(path.stem) < each:
                with Image.open(archive.extractfile(member)) as image:
                    images.append(np.asarray(image.convert("RGB"), dtype=np.float32) / 255)
                labels.append(path.parent.name)
    order = np.argsort(labels, kind="stable")
    pixels = np.stack(images)[order].transpose(0, 3, 1, 2).copy()
    return pixels, np.unique(labels, return_inverse=True)[1][order]


@pytest.mark.long
def test_bfloat16_keeps_ranks_and_the_removed_block_of_a_released_network():
    header = NetworkHeader.of(
        "resnet56",
        {},
        input_shape=(3, 32, 32),
        mean=(0.485, 0.456, 0.406),
        std=(0.229, 0.224, 0.225),
        class_names=tuple("0123456789"),
    )
    weights = {"weights": str(shared_file("weights/resnet56_cifar10.safetensors"))}
    network = start_network(header, weights, seed=0)
    images, labels = released_images(30)
    assert len(images) == 300
    names = everything(network)
    ranks, removed = [], []
    for precision in ("float32", "bfloat16"):
        probe = activations_of(network, images, labels, np.arange(300), names, precision=precision)
        scores = score(PAPER_METRICS, probe, header=header, tensors={}, draw="")
        ranks.append(rank_table(scores, names).ranks)
        removed.append(rank_blocks(scores, names).removed_block)
    assert removed[0] == removed[1]
    spearman = [np.corrcoef(full, half)[0, 1] for full, half in zip(*ranks, strict=True)]
    assert min(spearman) > 0.99
