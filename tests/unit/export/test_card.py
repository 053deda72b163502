"""What the card and the metadata of an export say, and to which operators it is written."""

import json

import numpy as np
import onnx
import pytest
import torch
import yaml

import layer_pruning
from layer_pruning.cli import main
from layer_pruning.export.bundle import export_network
from layer_pruning.export.card import NO_LICENSE, model_card
from layer_pruning.export.formats import run_onnx, write_onnx
from layer_pruning.models.residual import load_network

ACCURACY = {
    "splits": {
        "test": {"images": 500, "accuracy": 0.914, "interval_low": 0.886, "interval_high": 0.935}
    },
    "interval": "Wilson 95 %",
}
COMPLEXITY = {
    **{"macs": 750, "baseline_macs": 1000, "parameters": 90, "baseline_parameters": 120},
    "convention": "as counted",
}


@pytest.fixture(scope="module")
def manifest(exported):
    """The manifest of a network less three blocks."""
    return json.loads((exported[1] / "manifest.json").read_text())


def front_matter(card):
    _, head, body = card.split("---\n", 2)
    return yaml.safe_load(head), body


def rows(card):
    """The tables of a card: the cells of each row behind its first cell."""
    lines = [line for line in card.splitlines() if line.startswith("|") and "---" not in line]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {row[0]: row[1:] for row in cells}


def test_a_card_says_what_went_and_what_that_cost(manifest):
    full = manifest | {"metrics": {"accuracy": ACCURACY, "complexity": COMPLEXITY}}
    card = model_card(full | {"license": "cc-by-4.0"})
    head, body = front_matter(card)
    assert head["license"] == "cc-by-4.0" and head["pipeline_tag"] == "image-classification"
    assert "less 3 blocks" in body
    assert "in order: `stage2.block3`, `stage1.block1`, `stage3.block2`." in body
    found = rows(card)
    assert found["test"] == ["500", "91.40 %", "88.60 to 93.50 %"]
    assert found["multiply-accumulates"] == ["1,000", "750", "25.00 %"]
    assert found["parameters"] == ["120", "90", "25.00 %"]
    assert "Weights: cc-by-4.0." in body and NO_LICENSE not in body


def test_the_card_of_an_export_holds_what_was_known(exported):
    card = (exported[1] / "README.md").read_text()
    head, body = front_matter(card)
    assert head["license"] == "unknown" and NO_LICENSE in body
    assert "It was not measured" in body and "(n, 1, 8, 8)" in body
    assert rows(card)["layer pruning version"] == [layer_pruning.__version__]
    complexity = json.loads((exported[1] / "manifest.json").read_text())["metrics"]["complexity"]
    assert rows(card)["multiply-accumulates"][1] == f"{complexity['macs']:,}"


def test_names_from_elsewhere_stay_in_their_cell(manifest):
    told = {"provenance": {"data_set": "a | b\n# c", "criterion": None}}
    found = rows(model_card(manifest | told))
    assert found["criterion"] == ["none"]
    assert "| data set | a \\| b # c |" in model_card(manifest | told)


def test_the_example_of_a_card_runs(exported, monkeypatch):
    body = (exported[1] / "README.md").read_text()
    monkeypatch.chdir(exported[1])
    names = {}
    exec(body.split("```python\n")[1].split("```")[0], names)
    assert names["logits"].shape == (2, 10)


def test_onnx_says_what_its_classes_are_and_how_images_are_normalised(exported):
    told = {one.key: one.value for one in onnx.load(exported[1] / "network.onnx").metadata_props}
    header = load_network(exported[0]).header
    assert json.loads(told["class_names"]) == list(header.class_names)
    assert json.loads(told["removed_blocks"]) == list(header.removed_blocks)
    normalisation = json.loads(told["normalisation"])
    assert normalisation["inside_the_network"] and normalisation["mean"] == list(header.mean)
    assert json.loads(told["input_value_range"]) == [0, 1]
    assert told["layer_pruning_version"] == layer_pruning.__version__


@pytest.mark.long
@pytest.mark.parametrize("opset", [18, 21])
def test_an_opset_is_what_the_model_is_written_in(pruned_file, logits_of, tmp_path, opset):
    path = pruned_file("narrow", "stage1.block1", depth=14, widths=(4, 6, 9))
    export = ["export", str(path), str(tmp_path), "--opset", str(opset), "--license", "mit"]
    assert main(export) == 0
    model = onnx.load(tmp_path / "network.onnx")
    assert [one.version for one in model.opset_import if not one.domain] == [opset]
    images, expected = logits_of(path)
    assert np.abs(run_onnx(tmp_path)(images) - expected).max() < 1e-4
    assert front_matter((tmp_path / "README.md").read_text())[0]["license"] == "mit"


def test_an_opset_that_does_not_exist_is_one_line(pruned_file, tmp_path):
    network = load_network(pruned_file("narrow", depth=8, widths=(2, 3, 4)))
    for opset in (17, 99):
        said = rf"^opset: 18 to \d+ would be right, not {opset}$"
        with pytest.raises(ValueError, match=said):
            export_network(network, tmp_path / "out", opset=opset)
    assert not (tmp_path / "out").exists()


def test_the_command_says_so_before_it_opens_a_file(tmp_path, capsys):
    assert main(["export", str(tmp_path / "absent"), str(tmp_path / "out"), "--opset", "99"]) == 2
    assert "--opset: 18 to " in capsys.readouterr().err


def test_a_conversion_that_fails_is_one_line(tmp_path, monkeypatch):
    def failing(*given, **named):
        raise RuntimeError("no adapter\nfor this operator")

    monkeypatch.setattr(torch.onnx, "export", failing)
    said = r"^opset: the network cannot be written in 20 \(no adapter for this operator\); "
    with pytest.raises(ValueError, match=said):
        write_onnx(None, tmp_path / "network.onnx", opset=20)
