"""A file that was cut off, changed in a bit, or never was ours is named and never used."""

import random
from dataclasses import astuple
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from layer_pruning.activations.features import (
    ImageActivations,
    activations_file,
    read_activations,
)
from layer_pruning.consensus.ranking import read_scores
from layer_pruning.data.image_file import ImageData, read_data, write_data
from layer_pruning.data.manifest import ImageManifest
from layer_pruning.models.network_file import read_header, read_network
from layer_pruning.models.residual import save_network
from layer_pruning.runtime.checksums import array_checksum, text_checksum
from layer_pruning.scoring.scores import write_scores
from layer_pruning.training.history import Epoch
from layer_pruning.training.resume import read_state, write_state
from small_networks import random_network

BLOCKS = ["stage1.block1", "stage1.block2", "stage2.block2"]


def network(path):
    save_network(random_network("narrow", depth=14, widths=(2, 2, 3)), path)
    return read_network


def header(path):
    network(path)
    return read_header


def activations(path):
    generator = np.random.default_rng(0)
    draw = lambda *shape: generator.normal(size=shape).astype(np.float32)  # noqa: E731
    about = {"labels": np.arange(4), "probe_indices": np.arange(4)}
    with activations_file(path, blocks=BLOCKS, **about) as append:
        append(ImageActivations(draw(4, 5), draw(3, 4, 5), draw(4, 2), draw(3, 4, 2)))
    return read_activations


def data(path):
    images = np.random.default_rng(0).integers(0, 256, (6, 1, 4, 4), dtype=np.uint8)
    labels, split = np.arange(6) % 2, np.arange(6, dtype=np.uint8) % 3
    write_data(path, ImageData(images, labels.astype(np.int64), split, ("cat", "dog")))
    return read_data


def manifest(path):
    names = tuple(f"cat/{index}.png" for index in range(6))
    labels, split = np.zeros(6, dtype=np.int64), np.zeros(6, dtype=np.uint8)
    shape, moments = (1, 4, 4), ((0.5,), (0.2,))
    write_data(path, ImageManifest("/x", names, labels, split, ("cat", "dog"), shape, *moments))
    return read_data


def scores(path):
    generator = random.Random(0)
    table = {name: {block: generator.random() for block in BLOCKS} for name in ("cka", "kl")}
    write_scores(path, table)
    return lambda path: read_scores(path, BLOCKS)


def state(path):
    tensors = {"network/a": torch.arange(12.0).view(3, 4), "momentum/a": torch.ones(3, 4)}
    history = [Epoch(1, 0.1, 2.5, 0.3, 1.5)]
    write_state(path, run="this", history=history, tensors=tensors)

    def read(path):
        # a state that cannot be gone on from is passed over, which starts the run anew
        found = read_state(path, run="this")
        if found is None:
            raise ValueError(f"{path}: passed over")
        return found

    return read


FORMATS = {
    "network.safetensors": network,
    "header.safetensors": header,
    "activations.npz": activations,
    "data.npz": data,
    "manifest.npz": manifest,
    "scores.csv": scores,
    "state.safetensors": state,
}


def content(value) -> object:
    """What was read, in a form that compares by value."""
    if isinstance(value, np.ndarray | torch.Tensor):
        array = np.asarray(value)
        return (array.dtype.str, array.shape, array.tobytes())
    if isinstance(value, dict):
        return {key: content(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [content(part) for part in value]
    if hasattr(value, "__dataclass_fields__"):
        return [content(getattr(value, name)) for name in value.__dataclass_fields__]
    return value


@pytest.fixture(params=FORMATS)
def written(request, tmp_path):
    """A file, its reader and what it holds."""
    path = tmp_path / request.param
    read = FORMATS[request.param](path)
    return SimpleNamespace(path=path, read=read, bytes=path.read_bytes(), held=content(read(path)))


def refused(file) -> None:
    with pytest.raises(ValueError, match=str(file.path)) as caught:
        file.read(file.path)
    assert "\n" not in str(caught.value)


def test_a_file_that_was_cut_off_is_refused_wherever_it_ends(written):
    generator = random.Random(1)
    size = len(written.bytes)
    # the last line break of a table holds nothing
    ends = {0, 1, size // 2, size - 2, *(generator.randrange(size - 1) for _ in range(40))}
    for end in ends:
        written.path.write_bytes(written.bytes[:end])
        refused(written)


def test_a_file_with_a_changed_bit_is_refused_or_holds_the_same(written):
    generator = random.Random(2)
    noticed = 0
    for _ in range(400):
        changed = bytearray(written.bytes)
        changed[generator.randrange(len(changed))] ^= 1 << generator.randrange(8)
        written.path.write_bytes(changed)
        try:
            found = content(written.read(written.path))
        except ValueError as error:
            assert str(written.path) in str(error) and "\n" not in str(error)
            noticed += 1
        else:
            # a time in the directory of an archive, say, which nobody reads
            assert found == written.held
    assert noticed > 50


def test_a_file_of_another_kind_is_refused(written, tmp_path):
    others = {name: make for name, make in FORMATS.items() if name != written.path.name}
    for name, make in others.items():
        if {name, written.path.name} <= {"network.safetensors", "header.safetensors"}:
            continue
        if {name, written.path.name} <= {"data.npz", "manifest.npz"}:
            continue
        other = tmp_path / f"other-{name}"
        make(other)
        written.path.write_bytes(other.read_bytes())
        refused(written)
    save_file({"weight": np.ones(3)}, tmp_path / "anyone.safetensors")
    np.savez(tmp_path / "anyone.npz", weight=np.ones(3))
    for foreign in ("anyone.safetensors", "anyone.npz"):
        written.path.write_bytes((tmp_path / foreign).read_bytes())
        refused(written)
    for garbage in (b"", b"\0" * 1000, b"block,cka\n", "é".encode("latin-1") * 50):
        written.path.write_bytes(garbage)
        refused(written)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"labels": np.array([0, 1, 2, 0, 1, 0])}, "labels should lie in 0 … 1"),
        ({"labels": np.array([0, 1, -1, 0, 1, 0])}, "labels should lie in 0 … 1"),
        ({"labels": np.array([0, 1])}, "6 images should have as many labels and splits"),
        ({"split": np.array([0, 1, 2, 3, 0, 0], dtype=np.uint8)}, "splits should lie in 0 … 2"),
    ],
)
def test_labels_out_of_range_are_refused_before_a_network_sees_them(tmp_path, wrong, says):
    path = tmp_path / "data.npz"
    data(path)
    with np.load(path) as file:
        arrays = dict(file)
    np.savez(path, **(arrays | wrong))
    with pytest.raises(ValueError, match=f"{path}: {says}"):
        read_data(path)


def test_other_tools_still_read_a_network_file(tmp_path):
    whole = random_network("narrow", depth=14, widths=(2, 2, 3))
    save_network(whole, tmp_path / "network.safetensors")
    tensors = load_file(tmp_path / "network.safetensors")
    assert {name: value.shape for name, value in tensors.items()} == {
        name: tuple(value.shape) for name, value in whole.body.state_dict().items()
    }


def test_a_checksum_tells_names_types_shapes_and_order_of_texts_apart():
    ones = np.ones((2, 3), dtype=np.float32)
    seen = {
        array_checksum(arrays)
        for arrays in (
            {"a": ones},
            {"b": ones},
            {"a": ones.reshape(3, 2)},
            {"a": ones.view(np.int32)},
            {"a": ones, "b": ones},
            {"a": np.float32(1)},
            {},
        )
    }
    assert len(seen) == 7
    assert array_checksum({"a": ones, "b": -ones}) == array_checksum({"b": -ones, "a": ones})
    fortran = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    assert array_checksum({"a": fortran}) == array_checksum({"a": fortran.copy(order="C")})
    assert text_checksum(["a", "b"]) != text_checksum(["ab"]) != text_checksum(["b", "a"])


def test_a_state_that_is_whole_is_gone_on_from(tmp_path):
    found = state(tmp_path / "state.safetensors")(tmp_path / "state.safetensors")
    assert astuple(found[0][0]) == (1, 0.1, 2.5, 0.3, 1.5)
