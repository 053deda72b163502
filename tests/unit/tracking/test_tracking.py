"""Trackers are told what the records of a network say, and nothing else depends on them."""

import importlib.util
import json
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from layer_pruning.configuration import ConfigError, as_yaml, complete, evaluation_checks
from layer_pruning.runtime.record_files import write_record_file
from layer_pruning.tracking import runs
from layer_pruning.tracking.catalog import TRACKERS, wanted
from layer_pruning.training.history import Epoch, write_history

ROOT = Path(__file__).resolve().parents[3]
NAMES = {"dataset": "digits", "architecture": "tiny", "seed": "3", "network": "cka/removed-02"}
# the smallest PNG with 3 × 2 grey pixels
PNG = bytes.fromhex("89504e470d0a1a0a0000000d49484452000000030000000208000000003ed6f3e1")


@pytest.fixture
def run(tmp_path):
    """What is told of a network less two blocks, trained for two epochs."""
    epochs = [Epoch(1, 0.1, 2.0, 0.5, 3.0), Epoch(2, 0.05, 1.0, 0.75, 3.0)]
    write_history(tmp_path / "history.csv", epochs)
    split = {"images": 8, "correct": 6, "accuracy": 0.75, "chance": 0.2}
    splits = {"validation": split, "test": split | {"correct": 4, "accuracy": 0.5}}
    write_record_file(tmp_path / "accuracy.json", {"splits": splits, "interval": "none"})
    cost = {"macs": 60, "macs_with_attention": 60, "parameters": 8, "baseline_macs": 100}
    cost |= {"baseline_macs_with_attention": 100, "baseline_parameters": 10}
    cost |= {"macs_reduction_percent": 40.0, "convention": "", "blocks": ["c"]}
    write_record_file(tmp_path / "complexity.json", cost | {"removed_blocks": ["a", "b"]})
    return runs.run_of_network(
        NAMES,
        history=tmp_path / "history.csv",
        accuracy=tmp_path / "accuracy.json",
        complexity=tmp_path / "complexity.json",
    )


@pytest.fixture
def figures(tmp_path):
    (tmp_path / "accuracy.png").write_bytes(PNG)
    return runs.run_of_figures(NAMES, [tmp_path / "accuracy.png"])


def test_a_run_has_the_training_by_epoch_and_the_results_at_its_removals(run):
    assert (run.group, run.name) == ("digits/tiny", "seed-3/cka/removed-02")
    assert run.about["removed_blocks"] == "a, b" and run.about["removals"] == "2"
    assert run.curves["training/loss"] == [(1, 2.0), (2, 1.0)]
    assert run.curves["training/learning_rate"] == [(1, 0.1), (2, 0.05)]
    assert run.curves["training/validation_accuracy"] == [(1, 0.5), (2, 0.75)]
    assert run.curves["network/test_accuracy"] == [(2, 0.5)]
    assert run.curves["network/macs"] == [(2, 60.0)]
    assert run.curves["network/macs_reduction_percent"] == [(2, 40.0)]


def test_a_tracker_is_told_once_and_the_file_says_where(run, tmp_path, monkeypatch):
    told = []

    def tell(run, folder):
        told.append((run, folder))
        return {"folder": str(folder)}

    fake = SimpleNamespace(tell=tell)
    monkeypatch.setitem(sys.modules, "layer_pruning.tracking.tensorboard", fake)
    done = tmp_path / "tracking" / "removed-02.json"
    done.parent.mkdir()
    runs.track("tensorboard", run, done)
    assert told == [(run, tmp_path / "tracking" / "removed-02")]
    assert json.loads(done.read_text())["name"] == run.name


def test_tensorboard_reads_what_was_written_and_the_last_writing_alone(run, figures, tmp_path):
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader

    done = tmp_path / "seed-3" / "removed-02.json"
    done.parent.mkdir()
    for _ in range(2):
        runs.track("tensorboard", run, done)
    (events,) = (tmp_path / "seed-3" / "removed-02").iterdir()
    found = {
        (value.tag, event.step): value.simple_value
        for event in LegacyEventFileLoader(str(events)).Load()
        for value in event.summary.value
    }
    expected = {(name, step): value for name, curve in run.curves.items() for step, value in curve}
    assert found == pytest.approx(expected)

    runs.track("tensorboard", figures, tmp_path / "figures.json")
    (events,) = (tmp_path / "figures").iterdir()
    (image,) = [
        value.image
        for event in LegacyEventFileLoader(str(events)).Load()
        for value in event.summary.value
    ]
    assert (image.width, image.height) == (3, 2) and image.encoded_image_string == PNG


def test_mlflow_keeps_what_was_told_last(run, figures, tmp_path, monkeypatch):
    for package in ("mlflow", "sqlalchemy", "alembic"):
        pytest.importorskip(package, reason=f"{package} is not installed")
    from mlflow import MlflowClient

    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    folder = tmp_path / "tracking" / "mlflow" / "digits"
    folder.mkdir(parents=True)
    for _ in range(2):
        runs.track("mlflow", run, folder / "removed-02.json")
    runs.track("mlflow", figures, folder / "figures.json")
    told = json.loads((folder / "removed-02.json").read_text())
    client = MlflowClient(tracking_uri=told["uri"])
    kept = {one.info.run_name: one for one in client.search_runs([told["experiment"]])}
    assert set(kept) == {run.name, "figures"}
    assert kept[run.name].data.metrics["network/test_accuracy"] == 0.5
    assert kept[run.name].data.params["removed_blocks"] == "a, b"
    history = client.get_metric_history(told["run"], "training/loss")
    assert [(one.step, one.value) for one in history] == [(1, 2.0), (2, 1.0)]
    artifacts = client.list_artifacts(kept["figures"].info.run_id, "figures")
    assert [one.path for one in artifacts] == ["figures/accuracy.png"]
    assert told["uri"] == f"sqlite:///{tmp_path}/tracking/mlflow/mlflow.db"
    assert list((tmp_path / "tracking/mlflow/artifacts").rglob("accuracy.png"))


@pytest.mark.parametrize("name", TRACKERS)
def test_a_tracker_without_its_package_is_one_line_before_anything_runs(name, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda asked: None if asked == name else find(asked)
    )
    given = {"energy": {"carbon_intensity_g_per_kwh": 1}, "tracking": {name: True}}
    said = rf"^tracking\.{name}: the package {name} is not installed; 'pip install {name}'"
    with pytest.raises(ConfigError, match=said):
        complete(given)


def test_none_is_wanted_by_default_and_no_other_rule_knows_of_them():
    """A switch that were a param of a rule would make its results again."""
    config = complete({"energy": {"carbon_intensity_g_per_kwh": 1}})
    assert wanted(config["tracking"]) == []
    for path in [*(ROOT / "rules").glob("*.smk"), *(ROOT / "workflow/scripts").glob("*.py")]:
        if path.name not in ("tracking.smk", "track_network.py", "track_figures.py"):
            assert not re.search(r"\btracking\b(?!_mode)", path.read_text()), path.name


def test_the_provenance_of_results_does_not_change_with_who_is_told(monkeypatch):
    """It is a param of the report."""
    monkeypatch.setattr(evaluation_checks, "check_installed", lambda name: None)
    given = {"energy": {"carbon_intensity_g_per_kwh": 1}}
    told = complete(given | {"tracking": {"tensorboard": True, "mlflow": True}})
    assert as_yaml(told) == as_yaml(complete(given)) and "tracking:" not in as_yaml(told)
