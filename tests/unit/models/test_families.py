"""Families whose blocks must be found, go exactly, and share a sweep: a list that only grows.

The fast ones are tested always; all of them by `make survey` (`benchmarks/coverage.py` by itself
makes the table in docs/reference/networks.md).
"""

import importlib.util
import json
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parents[3]
PINNED = json.loads(Path(__file__).with_name("families.json").read_text())
FAST = [("timm", "vision_transformer"), ("timm", "regnet"), ("timm", "ghostnet")]
FAMILIES = [(source, family) for source, families in PINNED.items() for family in families]


@pytest.fixture(scope="module")
def coverage():
    path = ROOT / "benchmarks" / "coverage.py"
    spec = importlib.util.spec_from_file_location("family_coverage", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def check(coverage, source, family, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    (found,) = [one for one in coverage.SOURCES[source]() if one[0] == family]
    with torch.random.fork_rng():
        row = coverage.examined(source, *found)
    assert (row.verdict, row.reason) == ("pruned", "")
    assert row.removable == PINNED[source][family] and row.sweep == "shared"


@pytest.mark.parametrize(("source", "family"), FAST)
def test_fast_families_are_pruned_exactly(coverage, source, family, monkeypatch):
    check(coverage, source, family, monkeypatch)


@pytest.mark.survey
@pytest.mark.parametrize(("source", "family"), [one for one in FAMILIES if one not in FAST])
def test_every_pinned_family_is_pruned_exactly(coverage, source, family, monkeypatch):
    check(coverage, source, family, monkeypatch)


def test_the_verdict_is_told_by_hooks_on_the_untouched_module(coverage):
    """A wrapped network that forgets what it was is seen."""

    class Block(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = torch.nn.Conv2d(3, 3, 1)

        def forward(self, x):
            return x + self.conv(x)

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.blocks, self.head = torch.nn.Sequential(Block(), Block()), torch.nn.Linear(3, 5)

        def forward(self, x):
            return self.head(self.blocks(x).mean((2, 3)))

    torch.manual_seed(0)
    module, images = Net().eval(), torch.rand(2, 3, 8, 8)
    assert coverage.zeroed_identities(module, images) == ["blocks.0", "blocks.1", "blocks"]
    expected = coverage.overwritten(module, "blocks.0", images)
    assert torch.equal(expected, module.head(module.blocks[1](images).mean((2, 3))))
    row = coverage.examined("timm", "own", "net", lambda **_: module)
    assert (row.verdict, row.removable, row.sweep) == ("pruned", 2, "shared")
