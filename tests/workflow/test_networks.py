"""Networks of the user's own and start weights, through the chain as a user runs it."""

import copy
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from layer_pruning.models.network_file import read_network
from projects import TINY, Project
from shared_files import ROOT

OWN_NETWORKS = ROOT / "tests" / "unit" / "models" / "own_networks.py"
QUICK = {
    "criteria": {"control": ["magnitude"]},
    "removals": 1,
    "attacks": {},
}


def project_of(folder, finished, **architectures):
    """A project with a module that builds a network, and the weights of a trained one."""
    config = copy.deepcopy(TINY) | QUICK | {"architectures": architectures}
    project = Project.new(folder / "project", config)
    shutil.copy(OWN_NETWORKS, project.folder / "lies_here.py")
    _, tensors = read_network(finished.path("baseline/network.safetensors"))
    weights = {name.replace("stem.", "entry."): value for name, value in tensors.items()}
    save_file(weights, project.folder / "tiny.safetensors")
    return project, tensors


def refused(project):
    done = project.snakemake("--dry-run", check=False)
    assert done.returncode
    return done.stdout + done.stderr


def test_start_weights_are_the_baseline_without_epochs(finished, tmp_path):
    start = {"weights": "tiny.safetensors", "names": {"^entry": "stem"}}
    project, tensors = project_of(
        tmp_path, finished, tiny=TINY["architectures"]["tiny"] | start, plain={"depth": 14}
    )
    project.config["training"]["epochs"] = 0
    assert "training.epochs: 0 needs weights to start from, and plain has no" in refused(project)
    project.config["architectures"]["plain"]["weights"] = "gone.safetensors"
    missing = "config: architectures.plain: weights: there is no file gone.safetensors"
    assert missing in refused(project)
    del project.config["architectures"]["plain"]

    project.snakemake("--", "results/digits/tiny/seed-0/baseline/network.safetensors")
    _, taken = read_network(project.path("baseline/network.safetensors"))
    assert all(np.array_equal(taken[name], value) for name, value in tensors.items())
    assert len(project.path("baseline/history.csv").read_text().splitlines()) == 1
    assert "train_baseline" not in project.planned()
    tensors["classifier.bias"] = tensors["classifier.bias"] + 1
    save_file(tensors, project.folder / "tiny.safetensors")
    assert project.planned()["train_baseline"] == 1


@pytest.mark.long
def test_a_network_of_ones_own_from_a_module_in_the_working_folder(finished, tmp_path):
    project, _ = project_of(tmp_path, finished)
    project.config["architectures"] = ["lies_here:build_plain"]
    assert "config: architectures: lies_here:build_plain: no module was found" in refused(project)
    project.config["architectures"] = ["lies_here:build"]
    project.config["training"]["epochs"] = 1
    run = Path("results", "digits", "lies_here_build", "seed-0")
    pruned = run / "control" / "removed-01" / "network.safetensors"
    project.snakemake("--", str(pruned))
    header, _ = read_network(project.folder / pruned)
    assert header.arguments["build"] == "lies_here:build"
    assert len(header.removed_blocks) == 1
    assert "train_baseline" not in project.planned()
    source = project.folder / "lies_here.py"
    source.write_text(source.read_text().replace("width=6, ending", "width=7, ending"))
    assert project.planned()["train_baseline"] == 1
