import hashlib
import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from safetensors.numpy import load_file

import layer_pruning
from alone import run_alone
from layer_pruning.cli import main
from layer_pruning.export import bundle
from layer_pruning.export.formats import RUNS, run_onnx, run_pt2
from layer_pruning.export.parity import TOLERANCE, parity
from layer_pruning.models.network_file import read_header, read_network, write_network
from layer_pruning.models.residual import load_network

ONNX_ALONE = """
import numpy, onnxruntime
session = onnxruntime.InferenceSession("network.onnx", providers=["CPUExecutionProvider"])
(taken,), (given,) = session.get_inputs(), session.get_outputs()
assert (taken.name, given.name) == ("images", "logits")
assert taken.shape == ["n", 1, 8, 8] and given.shape == ["n", 10], (taken.shape, given.shape)
images, expected = numpy.load("taken.npy"), numpy.load("given.npy")
for count in (1, 2, 9):
    logits = session.run(None, {"images": images[:count]})[0]
    assert abs(logits - expected[:count]).max() < 1e-5 * abs(expected).max()
"""


def copied(exported, tmp_path):
    """A copy of the exported folder to damage, the network, and images."""
    path, folder = exported
    shutil.copytree(folder, tmp_path / "copy")
    network = load_network(path)
    return tmp_path / "copy", network, bundle.random_images(network)


def test_the_manifest_tells_what_somebody_with_the_files_alone_should_know(exported):
    path, folder = exported
    manifest = json.loads((folder / "manifest.json").read_text())
    named = {*manifest["files"], "README.md", "manifest.json"}
    assert named == {p.name for p in folder.iterdir()}
    for file, fingerprint in manifest["files"].items():
        content = (folder / file).read_bytes()
        assert fingerprint["sha256"] == hashlib.sha256(content).hexdigest()
        assert fingerprint["bytes"] == len(content)
    header = read_header(path)
    assert manifest["removed_blocks"] == ["stage2.block3", "stage1.block1", "stage3.block2"]
    assert manifest["kept_blocks"] == header.kept_blocks()
    assert manifest["arguments"] == header.arguments
    assert manifest["input"]["shape"] == ["n", 1, 8, 8]
    assert manifest["input"]["value_range"] == [0, 1]
    assert manifest["normalisation"]["mean"] == [0.3]
    assert manifest["class_names"] == [str(label) for label in range(10)]
    assert manifest["provenance"]["layer_pruning_version"] == layer_pruning.__version__
    assert manifest["provenance"]["torch_version"] == torch.__version__


def test_the_command_line_says_that_images_were_random_and_counts_the_cost(exported):
    _, folder = exported
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["checks"]["images_from"].startswith("random")
    assert manifest["metrics"]["complexity"]["removed_blocks"] == manifest["removed_blocks"]
    for check in manifest["checks"]["by_file"].values():
        assert check["largest_logit_difference"] <= TOLERANCE * check["largest_logit"]
    assert set(manifest["checks"]["by_file"]) == set(RUNS)


def test_the_network_file_is_copied_as_it_is(exported):
    path, folder = exported
    assert (folder / "network.safetensors").read_bytes() == path.read_bytes()


def test_no_file_says_where_it_was_made(exported):
    _, folder = exported
    contents = {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()}
    with zipfile.ZipFile(folder / "network.pt2") as archive:
        contents |= {name: archive.read(name) for name in archive.namelist()}
    for place in (Path(layer_pruning.__file__).parent, Path(torch.__file__).parents[1]):
        assert not [name for name, content in contents.items() if str(place).encode() in content]


def test_onnx_runs_with_onnxruntime_alone_for_any_number_of_images(exported, logits_of, tmp_path):
    folder, *_ = copied(exported, tmp_path)
    images, logits = logits_of(exported[0])
    np.save(folder / "taken.npy", images)
    np.save(folder / "given.npy", logits)
    run_alone(folder, ONNX_ALONE, without=("torch", "onnx"))


def test_pt2_takes_any_number_of_images(exported, logits_of):
    path, folder = exported
    images, logits = logits_of(path)
    run = run_pt2(folder)
    for count in (1, 2, 9):
        assert np.allclose(run(images[:count]), logits[:count], rtol=1e-5, atol=1e-5)


def tamper_with_weights(folder):
    file = folder / "network.safetensors"
    header, tensors = read_network(file)
    tensors["classifier.weight"] = -tensors["classifier.weight"]
    write_network(file, header, tensors)


def tamper_with_onnx(folder):
    model = onnx.load(folder / "network.onnx")
    (weight,) = [t for t in model.graph.initializer if t.name == "body.classifier.weight"]
    weight.CopyFrom(onnx.numpy_helper.from_array(-onnx.numpy_helper.to_array(weight), weight.name))
    onnx.save(model, folder / "network.onnx")


def tamper_with_pt2(folder):
    weight = load_file(folder / "network.safetensors")["classifier.weight"]
    with zipfile.ZipFile(folder / "network.pt2") as archive:
        members = {info: archive.read(info) for info in archive.infolist()}
    changed = 0
    with zipfile.ZipFile(folder / "network.pt2", "w", zipfile.ZIP_STORED) as archive:
        for info, content in members.items():
            if content == weight.tobytes():
                content, changed = (-weight).tobytes(), changed + 1
            archive.writestr(info, content)
    assert changed == 1


@pytest.mark.parametrize(
    ("tamper", "file"),
    [
        (tamper_with_weights, "load_network.py"),
        (tamper_with_onnx, "network.onnx"),
        (tamper_with_pt2, "network.pt2"),
    ],
)
def test_one_weight_that_differs_is_found_and_its_file_named(exported, tmp_path, tamper, file):
    folder, network, images = copied(exported, tmp_path)
    bundle.checks(network, folder, images)
    tamper(folder)
    with pytest.raises(ValueError, match=f"^{file} does not compute what the network does: "):
        bundle.checks(network, folder, images)


def test_a_file_that_does_not_agree_leaves_the_folder_as_it_was(
    exported, tmp_path, monkeypatch, capsys
):
    folder, *_ = copied(exported, tmp_path)
    path, _ = exported
    before = {p: p.read_bytes() for p in folder.iterdir()}
    tamper_with_onnx(folder)
    wrong = (folder / "network.onnx").read_bytes()
    (folder / "network.onnx").write_bytes(before[folder / "network.onnx"])
    monkeypatch.setattr(bundle, "write_onnx", lambda program, file, **_: file.write_bytes(wrong))
    assert main(["export", str(path), str(folder)]) == 2
    error = capsys.readouterr().err
    assert "network.onnx does not compute" in error and error.count("\n") == 1
    assert {p: p.read_bytes() for p in folder.iterdir()} == before


def test_numbers_of_numpy_are_numbers_of_the_manifest(pruned_file, tmp_path):
    path = pruned_file("narrow", depth=8, widths=(2, 2, 3))
    metrics = {"accuracy": np.float32(0.5), "by_class": {"cat": [np.int64(3), torch.tensor(0.25)]}}
    manifest = bundle.export_network(path, tmp_path, metrics=metrics)
    assert manifest["metrics"] == {"accuracy": 0.5, "by_class": {"cat": [3, 0.25]}}
    assert json.loads((tmp_path / "manifest.json").read_text()) == manifest
    assert "0.5, as whoever exported this network tells" in (tmp_path / "README.md").read_text()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"metrics": {"a": {1, 2}}}, r"^metrics: JSON has to hold it, and cannot \(a set is"),
        ({"metrics": {"a": float("nan")}}, "^metrics: JSON has to hold it, and cannot"),
        ({"provenance": {"a": object()}}, "^provenance: JSON has to hold it, and cannot"),
        (
            {"images": np.zeros((2, 1, 9, 9))},
            r"shape \(2, 1, 9, 9\); \(n, 1, 8, 8\) would be right",
        ),
        ({"images": np.zeros((0, 1, 8, 8))}, "there are no images"),
    ],
)
def test_what_no_file_can_hold_is_said_before_any_is_written(
    pruned_file, tmp_path, monkeypatch, options, says
):
    path = pruned_file("narrow", depth=8, widths=(2, 2, 3))
    monkeypatch.delattr(bundle, "traced")
    with pytest.raises(ValueError, match=says) as raised:
        bundle.export_network(path, tmp_path, **options)
    assert "\n" not in str(raised.value) and not [*tmp_path.iterdir()]


def test_a_network_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="none: there is no such network file"):
        bundle.export_network(tmp_path / "none", tmp_path / "out")


def test_parity_refuses_another_class_however_close_the_logits_are():
    expected = np.array([[1.0, 1.0 + 1e-6], [3.0, 2.0]])
    images = np.zeros((2, 1, 2, 2), dtype=np.float32)

    def giving(logits):
        left = list(np.array(logits, dtype=float))
        return lambda part: np.stack([left.pop(0) for _ in part])

    record = parity("x", giving([[1.0, 1.0 + 2e-6], [3.0, 2.002]]), images, expected)
    assert record["largest_logit_difference"] == pytest.approx(0.002)
    with pytest.raises(ValueError, match="1 of 2 images another class"):
        parity("x", giving([[1.0, 1.0 - 1e-6], [3.0, 2.0]]), images, expected)
    with pytest.raises(ValueError, match="a logit differs by"):
        parity("x", giving([[1.0, 1.0 + 1e-6], [3.0, 2.004]]), images, expected)
    with pytest.raises(ValueError, match="a logit differs by nan"):
        parity("x", giving([[1.0, np.nan], [3.0, 2.0]]), images, expected)


def test_a_network_in_training_is_exported_in_evaluation_and_stays_in_training(
    pruned_file, tmp_path
):
    network = load_network(pruned_file("narrow", depth=8, widths=(2, 3, 4))).train()
    manifest = bundle.export_network(network, tmp_path, provenance={"seed": 3})
    assert network.training and manifest["provenance"]["seed"] == 3
    images = bundle.random_images(network)
    with torch.no_grad():
        expected = network.eval()(torch.from_numpy(images)).numpy()
    assert np.abs(run_onnx(tmp_path)(images) - expected).max() < 1e-4


class Block(torch.nn.Module):
    """A residual block; what its subclasses do beside cannot be exported."""

    def __init__(self):
        super().__init__()
        self.branch = torch.nn.Sequential(torch.nn.Conv2d(4, 4, 3, padding=1))

    def forward(self, x):
        return x + self.branch(x)


class Branching(Block):
    def forward(self, x):
        return super().forward(x) if float(x.sum()) > 0 else x + 2 * self.branch(x)


class Looping(Block):
    def forward(self, x):
        return torch.cat([x[i : i + 1] + self.branch(x[i : i + 1]) for i in range(len(x))])


class Dropping(Block):
    def forward(self, x):
        return x + torch.nn.functional.dropout(self.branch(x))


@pytest.mark.filterwarnings("ignore:.*differ from one call")
@pytest.mark.parametrize(
    ("block", "says"),
    [
        (Branching, "torch.export cannot follow the network"),
        (Looping, "torch.export cannot follow the network"),
        (Dropping, "the network itself gives other logits for the same images at the next call"),
    ],
)
def test_what_cannot_be_exported_is_one_line_that_names_the_way_out(tmp_path, capfd, block, says):
    module = torch.nn.Sequential(
        torch.nn.Conv2d(1, 4, 1), block(), block(), torch.nn.Flatten(), torch.nn.Linear(256, 3)
    )
    network = layer_pruning.wrap(module, input_shape=(1, 8, 8))
    with pytest.raises(ValueError, match=says) as caught:
        bundle.export_network(network, tmp_path / "out")
    said = str(caught.value)
    assert "export: {networks: none}" in said
    assert said.isprintable()
    assert not any((tmp_path / "out").iterdir())
    printed = capfd.readouterr()
    assert printed.out + printed.err == ""


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "removed"),
    [
        ("mobilenet_v2", ("features.3", "features.9", "features.12")),
        ("resnet18", ("layer1.0", "layer2.1", "layer4.1")),
        ("vit_b_16", ("encoder.layers.encoder_layer_3",)),
        ("swin_t", ("features.5.2",)),
    ],
)
def test_torchvision_networks_less_some_blocks(pruned_file, logits_of, tmp_path, name, removed):
    path = pruned_file(name, *removed, shape=(1, 32, 32))
    images, expected = logits_of(path)
    bundle.export_network(path, tmp_path)
    for run in RUNS.values():
        assert np.abs(run(tmp_path)(images) - expected).max() <= 1e-4 * np.abs(expected).max()
