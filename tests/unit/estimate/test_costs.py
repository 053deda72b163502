"""What is tried before a run is what the run does."""

import torch

from layer_pruning.estimate import costs
from layer_pruning.models.candidates import Limits
from layer_pruning.models.header import NetworkHeader
from layer_pruning.training.catalog import RECIPES
from layer_pruning.training.recipe import Recipe

NETWORK = """
from torch import nn


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.branch = nn.Conv2d(4, 4, 3, padding=1)

    def forward(self, x):
        return x + self.branch(x)


def build(num_classes, input_shape):
    ends = nn.Conv2d(input_shape[0], 4, 3, padding=1), nn.AdaptiveAvgPool2d(1)
    blocks, head = (Block(), Block()), nn.Linear(4, num_classes)
    return nn.Sequential(ends[0], *blocks, ends[1], nn.Flatten(), head)
"""


def test_the_export_of_an_own_network_is_tried_too(tmp_path, monkeypatch):
    (tmp_path / "costly_network.py").write_text(NETWORK)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(costs, "start_seconds", lambda: 1.0)
    header = NetworkHeader.of(
        "mine",
        {"build": "costly_network:build"},
        input_shape=(3, 8, 8),
        mean=(0.0,) * 3,
        std=(1.0,) * 3,
        class_names=("a", "b"),
    )
    found = costs.measured_costs(
        header,
        recipe=Recipe.of(RECIPES["quick"]["training"] | {"shift_pixels": 0, "flip": False}),
        criteria={},
        searching=[],
        limits=Limits(1),
        probe_images=4,
        attacked=2,
        exports=True,
        device=torch.device("cpu"),
    )
    assert found.export_seconds > 0


def test_the_process_that_only_imports_says_nothing_at_ctrl_c(tmp_path, monkeypatch, capfd):
    """It is of the same terminal as the command, which says in one line that it was interrupted."""
    package = tmp_path / "torch"
    package.mkdir()
    (package / "__init__.py").write_text("import sys\nprint('Traceback', file=sys.stderr)\n")
    (package / "optim.py").touch()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    costs.start_seconds()
    assert capfd.readouterr() == ("", "")
