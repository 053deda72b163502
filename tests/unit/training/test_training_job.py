"""Whatever becomes of the meter, a training job ends with its network."""

import dataclasses

import pytest
import torch
from killed_training import RECIPE, outputs, run
from safetensors.torch import load_file

from fake_tracker import FakeTracker
from layer_pruning.energy import measurement
from layer_pruning.energy.record import read_record
from layer_pruning.training import run as training_run
from layer_pruning.training.loop import Trainer
from layer_pruning.training.scratch import forget_training

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


def test_a_training_that_has_ended_is_not_done_twice(tmp_path, monkeypatch):
    """Snakemake deletes outputs that it lost sight of; the epochs behind them are kept."""
    spent = iter([3e-3, 5e-4])
    monkeypatch.setattr(measurement, "offline_tracker", lambda _: FakeTracker(kwh=next(spent)))
    run(str(tmp_path), SHORT)
    files = outputs(tmp_path)
    network, history = load_file(files["network"]), files["history"].read_text()
    assert read_record(files["emissions"]).energy_kwh == 3e-3
    for path in files.values():
        path.unlink()

    def trains(*arguments):
        raise AssertionError("an epoch was repeated")

    with monkeypatch.context() as patched:
        patched.setattr(Trainer, "epoch", trains)
        run(str(tmp_path), SHORT)
    again = load_file(files["network"])
    assert all(torch.equal(again[name], value) for name, value in network.items())
    assert files["history"].read_text() == history
    # that of the epochs, once, and what it took to find that they are done
    assert read_record(files["emissions"]).energy_kwh == pytest.approx(3.5e-3)
    monkeypatch.undo()
    # a job that uses the network ends that: nothing is left to find
    forget_training(files["network"])
    assert not list((tmp_path / "scratch").iterdir())
    with monkeypatch.context() as patched, pytest.raises(AssertionError, match="repeated"):
        patched.setattr(Trainer, "epoch", trains)
        run(str(tmp_path), SHORT)


def test_a_finished_state_of_other_settings_is_not_taken(tmp_path):
    run(str(tmp_path), SHORT)
    network = load_file(outputs(tmp_path)["network"])
    run(str(tmp_path), dataclasses.replace(SHORT, learning_rate=0.04))
    other = load_file(outputs(tmp_path)["network"])
    assert not torch.equal(other["classifier.weight"], network["classifier.weight"])


@pytest.mark.parametrize("revision", ["REVISION", "MODELS_REVISION"])
def test_a_finished_state_of_another_revision_is_not_taken(revision, tmp_path, monkeypatch):
    run(str(tmp_path), SHORT)
    monkeypatch.setattr(training_run, revision, 1000)
    epochs, epoch = [], Trainer.epoch
    monkeypatch.setattr(Trainer, "epoch", lambda *a: epochs.append(a[2]) or epoch(*a))
    run(str(tmp_path), SHORT)
    assert epochs == [1, 2]
