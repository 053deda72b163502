"""Networks of every source through the whole chain, as a user runs it, on images of 32 pixels."""

import copy
import csv
import json

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from alone import run_alone
from hub_server import serving
from layer_pruning.data.image_file import read_data
from layer_pruning.models.architectures import architecture
from layer_pruning.models.header import NetworkHeader
from layer_pruning.models.hub import named_body
from layer_pruning.models.hub_files import WEIGHTS
from layer_pruning.models.network_file import read_header
from layer_pruning.models.residual import ResidualNetwork, load_network, new_network
from projects import TINY, Project

FAMILIES = {
    "vit": {
        "network": "timm/vit_tiny_patch16_224",
        "arguments": {"depth": 4, "embed_dim": 24, "num_heads": 2, "patch_size": 8},
    },
    "convnext": {
        "network": "timm/convnext_atto",
        "arguments": {"depths": [2, 3, 1, 1], "dims": [8, 8, 16, 16], "drop_path_rate": 0.2},
    },
    "swin": {
        "network": "hf/swin",
        "arguments": {
            **{"embed_dim": 8, "depths": [2, 3], "num_heads": [1, 2]},
            **{"window_size": 4, "patch_size": 4},
        },
    },
    "mobilenet": {"network": "mobilenet_v2"},
}
CHAIN = {
    "criteria": {"votes": ["cka", "procrustes"]},
    "removals": 2,
    "blocks_per_step": 2,
    "training": {"epochs": 1, "batch_size": 16},
    "finetuning": {"epochs": 1, "batch_size": 16},
    "attacked_images": {"count": 6},
    "split": {"validation_fraction": 0.2, "test_fraction": 0.3},
}
ALONE = """
import numpy, torch
from load_network import load
network = load("network.safetensors")
with torch.no_grad():
    logits = network(torch.from_numpy(numpy.load("images.npy")))
expected = torch.from_numpy(numpy.load("logits.npy"))
assert torch.allclose(logits, expected, atol=1e-4 * float(expected.abs().max())), logits - expected
"""


def project_of(folder, family):
    """A project with photographs of two classes, dark and bright ones, and one network."""
    generator = np.random.default_rng(0)
    for place, name in enumerate(("dark", "bright")):
        (folder / "photos" / name).mkdir(parents=True)
        for index in range(24):
            pixels = generator.integers(100 * place, 100 * place + 156, (32, 32, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / "photos" / name / f"{index}.png")
    config = copy.deepcopy(TINY) | CHAIN
    config["datasets"] = {
        "photos": {"kind": "image_folder", "path": str(folder / "photos"), "image_size": 32}
    }
    config["architectures"] = {family: FAMILIES[family]}
    return Project.new(folder / "project", config)


@pytest.mark.long
@pytest.mark.parametrize("family", FAMILIES)
def test_a_network_is_trained_scored_pruned_tuned_attacked_and_exported(family, tmp_path):
    project = project_of(tmp_path, family)
    run = f"results/photos/{family}/seed-0"
    last = f"{run}/votes/removed-02"
    project.snakemake("--", f"{last}/attacks/fgsm.json", f"{last}/export/manifest.json")
    folder = project.folder / last

    baseline, pruned = (
        load_network(project.folder / name / "network.safetensors")
        for name in (f"{run}/baseline", last)
    )
    removed = pruned.header.removed_blocks
    assert len(set(removed)) == 2 and set(removed) <= set(baseline.block_names)
    gone = sum(p.numel() for p in baseline.parameters()) - sum(
        p.numel() for p in pruned.parameters()
    )
    blocks = baseline.blocks()
    assert gone == sum(p.numel() for name in removed for p in blocks[name].parameters()) > 0
    assert read_header(folder / "pruned.safetensors").removed_blocks == removed

    with (project.folder / run / "baseline" / "scores" / "votes.csv").open() as file:
        scored = {row["block"] for row in csv.DictReader(file)}
    assert set(removed) <= scored
    optimizer = "sgd" if family == "mobilenet" else "adamw"
    manifest = json.loads((folder / "export" / "manifest.json").read_text())
    training = manifest["provenance"]["settings"]["training"]
    assert training["optimizer"] == optimizer
    assert json.loads((folder / "attacks" / "fgsm.json").read_text())

    images = read_data(project.folder / "results/photos/data.npz").part("test")[0]
    np.save(folder / "export" / "images.npy", images)
    with torch.no_grad():
        np.save(folder / "export" / "logits.npy", pruned(torch.from_numpy(images)).numpy())
    run_alone(folder / "export", ALONE, without=("timm", "transformers"))


@pytest.mark.long
def test_pretrained_weights_are_fetched_by_a_job_of_their_own(tmp_path, monkeypatch):
    project = project_of(tmp_path, "convnext")
    repository = "timm/convnext_atto.d2_in1k"
    project.config["architectures"]["convnext"] |= {"weights": "pretrained", "new_classifier": True}
    project.config["training"]["epochs"] = 0
    baseline = project.folder / "results/photos/convnext/seed-0/baseline/network.safetensors"
    target = str(baseline.relative_to(project.folder))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    done = project.snakemake("--", target, check=False)
    place = project.folder / "downloads" / "hub" / repository / WEIGHTS
    assert done.returncode and f"put it at {place} and run again" in done.stdout + done.stderr

    kind = architecture("convnext", FAMILIES["convnext"], (3, 32, 32))
    body = named_body(kind, (3, 32, 32), 1000)
    save_file(body.state_dict(), tmp_path / WEIGHTS)
    with serving(tmp_path / "hub", monkeypatch) as put:
        put(repository, WEIGHTS, (tmp_path / WEIGHTS).read_bytes())
        project.snakemake("--", target)
    assert place.read_bytes() == (tmp_path / WEIGHTS).read_bytes()
    network = load_network(baseline)
    assert torch.equal(
        network.body.state_dict()["stem.0.weight"], body.state_dict()["stem.0.weight"]
    )
    assert network.header.mean == pytest.approx((0.485, 0.456, 0.406))


@pytest.mark.long
def test_stochastic_depth_is_at_work_after_a_removal(tmp_path):
    """In training a block is left out at random; in evaluation never."""
    options = FAMILIES["convnext"]
    header = NetworkHeader.of(
        "convnext",
        options,
        input_shape=(3, 32, 32),
        mean=(0.5,) * 3,
        std=(0.25,) * 3,
        class_names=("a", "b"),
    )
    body = new_network(header, 0).body
    removable = [block.name for block in header.blocks if block.removable]
    pruned = ResidualNetwork(
        NetworkHeader(**{**vars(header), "removed_blocks": tuple(removable[:1])}), body
    )
    images = torch.rand(8, 3, 32, 32)
    with torch.no_grad():
        assert not torch.equal(pruned.train()(images), pruned(images))
        assert torch.equal(pruned.eval()(images), pruned(images))
