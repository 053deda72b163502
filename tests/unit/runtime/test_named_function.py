"""Code of the user's that ends the process is an error like any other, wherever it is run."""

import sys

import numpy as np
import pytest
import torch

from layer_pruning.cli import main
from layer_pruning.models.behaviour import Behaviour
from layer_pruning.models.bodies import new_body
from layer_pruning.models.discovery import find_blocks
from layer_pruning.models.specifications import OwnNetwork
from layer_pruning.runtime.job import job
from layer_pruning.runtime.named_function import named_function
from layer_pruning.scoring.own import own_distances

SAYS = r"code of your own called sys.exit\(3\)"


class Leaves(torch.nn.Module):
    def forward(self, images):
        sys.exit(3)


def leaves(*_, **__):
    sys.exit(3)


def test_a_module_that_ends_the_process_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "leaving.py").write_text("import sys\n\ndef f(): ...\n\nsys.exit(3)\n")
    with pytest.raises(ValueError, match=f"^leaving:f: importing leaving failed .*{SAYS}"):
        named_function("leaving:f")


def test_a_function_that_ends_the_process_is_named():
    architecture = OwnNetwork(f"{__name__}:leaves", {})
    with pytest.raises(ValueError, match=f"{__name__}:leaves failed when called with .*{SAYS}"):
        new_body(architecture, input_shape=(3, 8, 8), classes=2)
    features = np.zeros((1, 2, 2))
    with pytest.raises(ValueError, match=f"^mine:metric failed on stage1.block1: .*{SAYS}"):
        own_distances("mine:metric", leaves, features[0], features, np.zeros(2), ["stage1.block1"])


def test_a_network_that_ends_the_process_as_it_runs_is_said():
    images = torch.zeros(2, 3, 8, 8)
    with pytest.raises(ValueError, match=SAYS):
        Behaviour.of(Leaves(), images, "mine")
    with pytest.raises(ValueError, match=SAYS):
        find_blocks(Leaves(), images)


def test_a_command_and_a_job_say_so_at_last(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("layer_pruning.cli.show.printed", leaves)
    assert main(["show", "x.safetensors"]) == 2
    assert "called sys.exit(3)" in capsys.readouterr().err
    with pytest.raises(SystemExit) as ended, job(tmp_path / "job.log"):
        leaves()
    assert ended.value.code == 1
    assert capsys.readouterr().err.startswith("error: code of your own called sys.exit(3)")
