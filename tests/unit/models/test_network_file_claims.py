"""What a network file says is a claim: it runs no code, and numbers in it build nothing huge."""

import json
import resource
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import layer_pruning
from layer_pruning.cli import main
from layer_pruning.models.network_file import (
    _metadata_checksum,
    read_header,
    read_network,
    write_network,
)
from layer_pruning.models.residual import ResidualNetwork, load_network, new_network, save_network
from layer_pruning.runtime.checksums import array_checksum
from small_networks import random_network
from unit.models.own_networks import build as build_own

OWN = "unit.models.own_networks:build"


@pytest.fixture
def trap(tmp_path, monkeypatch):
    """A module that leaves a mark when it is imported; a function that says whether it was."""
    (tmp_path / "trap_module.py").write_text(
        f"import pathlib, torch\npathlib.Path({str(tmp_path / 'MARK')!r}).touch()\n"
        "def entry(**given):\n    return torch.nn.Identity()\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    yield lambda: (tmp_path / "MARK").exists()
    sys.modules.pop("trap_module", None)


@pytest.fixture
def whole(tmp_path):
    """A network file that is whole."""
    path = tmp_path / "whole.safetensors"
    save_network(random_network("narrow", depth=14, widths=(2, 2, 3)), path)
    return path


def claiming(path, tensors=None, **changed):
    """The file ``path`` with other metadata, or other tensors, and valid checksums of them."""
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as file:
        metadata = file.metadata()
    metadata |= {key: v if isinstance(v, str) else json.dumps(v) for key, v in changed.items()}
    tensors = load_file(path) if tensors is None else tensors
    metadata["tensors_checksum"] = array_checksum(tensors)
    metadata["metadata_checksum"] = _metadata_checksum(metadata)
    other = path.with_name("claiming.safetensors")
    save_file(tensors, other, metadata)
    return other


@pytest.mark.parametrize(
    "claim",
    [
        {"arguments": {"family": "own", "build": "trap_module:entry", "arguments": {}}},
        {"arguments": {"family": "cifar_resnet", "build": "trap_module:entry"}},
        # a name with a colon is a build as well, whatever the family is called
        {"architecture": "trap_module:entry", "arguments": {"family": "own"}},
        {"architecture": "trap_module:entry", "arguments": {}},
        {"arguments": {"family": "own", "build": "torch.hub:load", "arguments": {"source": "."}}},
    ],
)
def test_a_network_file_runs_no_code(trap, whole, tmp_path, capsys, claim):
    path = claiming(whole, **claim)
    with pytest.raises(ValueError, match=str(path)) as caught:
        layer_pruning.load(path)
    assert "\n" not in str(caught.value)
    with pytest.raises(ValueError, match=str(path)):
        layer_pruning.load(path, build="another:function")
    with pytest.raises(ValueError, match=str(path)):
        layer_pruning.export_network(path, tmp_path / "export")
    assert main(["export", str(path), str(tmp_path / "export")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    main(["show", str(path)])
    assert not trap()
    assert "trap_module" not in sys.modules


def test_code_is_not_named_by_a_header_on_any_way_to_a_network(trap, whole):
    header = read_header(
        claiming(whole, arguments={"family": "own", "build": "trap_module:entry", "arguments": {}})
    )
    for built in (ResidualNetwork, lambda header: new_network(header, 0)):
        for claimed in (header, replace(header, removed_blocks=())):
            with pytest.raises(ValueError, match="a file is not trusted to name code"):
                built(claimed)
    assert not trap()


def test_who_names_the_function_gets_the_network(tmp_path):
    network = random_network("own", shape=(3, 8, 8), build=OWN)
    path = tmp_path / "own.safetensors"
    save_network(network, path)
    assert "may_build" not in str(read_header(path).arguments)
    with pytest.raises(ValueError, match=f"build='{OWN}'"):
        layer_pruning.load(path)
    loaded = layer_pruning.load(path, build=OWN)
    expected = network.body.state_dict()
    assert all((v == expected[name]).all() for name, v in loaded.body.state_dict().items())
    # a module of the caller's own needs no name
    body = build_own(num_classes=10, input_shape=(3, 8, 8))
    again = layer_pruning.load(path, module=body)
    assert all((v == expected[name]).all() for name, v in again.body.state_dict().items())


@pytest.mark.long
def test_the_command_line_exports_a_network_whose_function_is_named(tmp_path):
    path = tmp_path / "own.safetensors"
    save_network(random_network("own", shape=(3, 8, 8), build=OWN), path)
    assert main(["export", str(path), str(tmp_path / "refused")]) == 2
    assert not (tmp_path / "refused").exists()
    assert main(["export", str(path), str(tmp_path / "exported"), "--build", OWN]) == 0


CIFAR = {"family": "cifar_resnet", "widths": [2, 2, 3], "shortcut": "parameter_free"}
HOSTILE = {
    "nested": {"arguments": "[" * 100_000 + "]" * 100_000},
    "nested mapping": {"arguments": '{"a":' * 100_000 + "1" + "}" * 100_000},
    "no JSON": {"blocks": "{"},
    "arguments of a list": {"arguments": [1, 2]},
    "arguments of null": {"arguments": "null"},
    "no family": {"arguments": {}},
    "another family": {"arguments": {"family": "pickle"}},
    "deep": {"arguments": CIFAR | {"depth": 60_000_002}},
    "not so deep": {"arguments": CIFAR | {"depth": 1202}},
    "depth of text": {"arguments": CIFAR | {"depth": "14"}},
    "depth of truth": {"arguments": CIFAR | {"depth": True}},
    "wide": {"arguments": CIFAR | {"depth": 14, "widths": [10**6, 10**6, 10**6]}},
    "very wide": {"arguments": CIFAR | {"depth": 14, "widths": [10**12, 10**12, 10**12]}},
    "widths of text": {"arguments": CIFAR | {"depth": 14, "widths": ["2", "2", "3"]}},
    "widths of a number": {"arguments": CIFAR | {"depth": 14, "widths": 2}},
    "a huge transformer": {
        "arguments": {"family": "torchvision", "network": "vit_b_16"},
        "input_shape": [3, 16384, 16384],
        "mean": [0.5] * 3,
        "std": [0.5] * 3,
    },
    "an unknown network": {"arguments": {"family": "torchvision", "network": "resnet17"}},
    "blocks of text": {"blocks": "text"},
    "blocks of numbers": {"blocks": [1, 2]},
    "blocks of other keys": {"blocks": [{"name": "a", "code": "b"}]},
    "blocks of wrong types": {"blocks": [{"name": 1, "stage": 2, "removable": "yes"}]},
    "no blocks": {"blocks": []},
    "negative shape": {"input_shape": [1, -8, 8]},
    "shape of text": {"input_shape": ["1", "8", "8"]},
    "a text for a shape": {"input_shape": '"188"'},
    "shape of truth": {"input_shape": [True, 8, 8]},
    "huge shape": {"input_shape": [1, 10**9, 10**9]},
    "flat": {"input_shape": [8, 8]},
    "huge number": {"input_shape": "[" + "9" * 5000 + ", 8, 8]"},
    "NaN mean": {"mean": "[NaN]"},
    "infinite mean": {"mean": "[1e999]"},
    "huge whole mean": {"mean": "[" + "9" * 400 + "]"},
    "mean of text": {"mean": ["0.5"]},
    "zero std": {"std": [0.0]},
    "negative std": {"std": [-1.0]},
    "empty std": {"std": []},
    "too many means": {"mean": [0.5] * 3, "std": [0.5] * 2},
    "a million classes": {"class_names": [str(n) for n in range(1_000_000)]},
    "classes of numbers": {"class_names": list(range(10))},
    "no classes": {"class_names": []},
    "a text for classes": {"class_names": '"0123456789"'},
    "weights of a number": {"weights": "5"},
    "weights of text": {"weights": {"stage1.block1": "many"}},
    "weights of other keys": {"weights": {"stage1.block1": {"numbers": 5, "code": 1}}},
    "weights of no block": {"weights": {"block": {"numbers": 5, "mean_absolute": 1.0}}},
    "fewer weights than none": {
        "weights": {"stage1.block1": {"numbers": -5, "mean_absolute": 1.0}}
    },
    "infinite weights": {"weights": '{"stage1.block1": {"numbers": 5, "mean_absolute": 1e999}}'},
    "weights below 0": {"weights": {"stage1.block1": {"numbers": 5, "mean_absolute": -1.0}}},
    "removed twice": {"removed_blocks": ["stage1.block1", "stage1.block1"]},
    "removed what stays": {"removed_blocks": ["stage2.block1"]},
    "removed but there": {"removed_blocks": ["stage1.block1"]},
    "removed what never was": {"removed_blocks": ["x" * 100_000]},
    "removed lists": {"removed_blocks": [["stage1.block1"]]},
    "architecture of nothing": {"architecture": ""},
}


@pytest.mark.parametrize("claim", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_claim_is_one_line_at_once(whole, claim):
    path = claiming(whole, **claim)
    before, began = _peak_kilobytes(), time.process_time()
    with pytest.raises(ValueError, match=str(path)) as caught:
        load_network(path)
    spent = time.process_time() - began
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 1000
    # importing torchvision takes the longest
    assert spent < 15
    assert _peak_kilobytes() - before < 800_000


def _peak_kilobytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def test_random_claims_are_refused_or_mean_the_same(whole):
    """Every field in turn holds each of many values that are JSON and make no sense."""
    read = read_header(whole)
    values = [None, True, -1, 10**30, 1e-300, "", "x", [], [None], [[]], {}, {"a": [1]}, [0], ["x"]]
    fields = ("arguments", "blocks", "input_shape", "mean", "std", "class_names", "removed_blocks")
    for field in fields:
        for value in values:
            path = claiming(whole, **{field: json.dumps(value)})
            try:
                network = load_network(path)
            except ValueError as error:
                assert str(path) in str(error)
                assert "\n" not in str(error)
            else:
                # nothing removed, and a standard deviation that is tiny and yet one
                assert (field, value) in (("removed_blocks", []), ("mean", [0]))
                assert network.header.blocks == read.blocks


def test_a_block_without_tensors_is_named(whole, tmp_path):
    header, tensors = read_network(whole)
    left = {name: v for name, v in tensors.items() if not name.startswith("stage1.block2.")}
    for held, block in ((left, "block2"), ({"x": np.zeros(10)}, "block1")):
        said = rf"\.safetensors: blocks: 'stage1\.{block}' has no"
        with pytest.raises(ValueError, match=f"claiming{said}"):
            read_network(claiming(whole, held))
        # nor is it written
        with pytest.raises(ValueError, match=f"less{said}"):
            write_network(tmp_path / "less.safetensors", header, held)
        assert not (tmp_path / "less.safetensors").exists()
