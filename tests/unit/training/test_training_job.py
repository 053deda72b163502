"""Whatever becomes of the meter, a training job ends with its network."""

import dataclasses

import pytest
import torch
from killed_training import RECIPE, outputs, run
from safetensors.torch import load_file

from layer_pruning.energy import measurement
from layer_pruning.energy.record import read_record

SHORT = dataclasses.replace(RECIPE, epochs=2)


class Failing:
    """A tracker that fails when one of its methods is called."""

    def __init__(self, method):
        self.method = method

    def __getattr__(self, name):
        def call():
            if name == self.method:
                raise OSError("the counter is gone")

        return call


@pytest.mark.parametrize("fails", ["making it", "start", "stop"])
def test_a_tracker_that_fails_costs_the_record_and_not_the_training(fails, tmp_path, monkeypatch):
    counted, gone = tmp_path / "counted", tmp_path / "gone"
    run(str(counted), SHORT)

    def tracker(settings):
        if fails == "making it":
            raise OSError("the counter is gone")
        return Failing(fails)

    monkeypatch.setattr(measurement, "offline_tracker", tracker)
    run(str(gone), SHORT)
    expected, tensors = (load_file(outputs(folder)["network"]) for folder in (counted, gone))
    assert tensors.keys() == expected.keys()
    assert all(torch.equal(tensors[name], expected[name]) for name in expected)
    assert read_record(outputs(counted)["emissions"]).energy_kwh > 0
    record = read_record(outputs(gone)["emissions"])
    assert not record.measured and record.energy_kwh is None
    assert record.reason.endswith("OSError: the counter is gone")
    assert not (gone / "state.safetensors").exists()
