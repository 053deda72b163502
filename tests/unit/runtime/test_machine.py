import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy
import pytest

from layer_pruning import __version__
from layer_pruning.runtime.machine import machine, versions


def test_the_machine_is_this_one_and_can_be_written():
    found = machine()
    assert json.loads(json.dumps(found)) == found
    assert found["cores"] == os.cpu_count() and 1 <= found["usable_cores"] <= found["cores"]
    assert found["memory_bytes"] > 2**28
    assert found["versions"] == versions()


def test_versions_are_those_that_run():
    found = versions()
    assert found["numpy"] == numpy.__version__
    assert found["layer_pruning"] == __version__
    assert found["python"] == ".".join(map(str, sys.version_info[:3]))


@pytest.mark.parametrize(("started", "gpu"), [(True, "a card"), (False, None)])
def test_a_gpu_is_named_only_where_one_is_computed_on(monkeypatch, started, gpu):
    cuda = SimpleNamespace(is_initialized=lambda: started, get_device_name=lambda: "a card")
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    assert machine()["gpu"] == gpu
    monkeypatch.delitem(sys.modules, "torch")
    assert machine()["gpu"] is None


def test_nothing_says_whose_machine_it_is():
    text = json.dumps(machine())
    assert os.uname().nodename not in text and str(Path.home()) not in text
