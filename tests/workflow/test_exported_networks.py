"""Exported networks, and metrics of the user's own, through the chain as a user runs it."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from layer_pruning.activations.features import read_activations
from layer_pruning.data.image_file import read_data
from layer_pruning.export.parity import TOLERANCE

DATA = "results/digits/data.npz"
OWN_METRIC = '''
import numpy as np


def largest_difference(features, bypassed, labels):
    """The largest change of any feature of any image."""
    return np.abs(features - bypassed).max()
'''


def test_any_network_is_exported_by_asking_for_its_manifest(project):
    network = project.path("votes/removed-01")
    before = {p: p.stat().st_mtime_ns for p in network.rglob("*") if p.is_file()}
    target = (network / "export" / "manifest.json").relative_to(project.folder)
    project.snakemake("--", str(target))
    manifest = json.loads((project.folder / target).read_text())
    for record in ("accuracy", "complexity"):
        said = json.loads((network / f"{record}.json").read_text())
        # a record's checksum is that of the file
        of_file = ("format", "checksum")
        assert manifest["metrics"][record] == {k: said[k] for k in said if k not in of_file}
    provenance = manifest["provenance"]
    assert (provenance["data_set"], provenance["seed"]) == ("digits", 0)
    assert (provenance["criterion"], provenance["removals"]) == ("votes", 1)
    assert provenance["data_sha256"] == read_data(project.folder / DATA).digest()
    made_by = provenance["settings"]
    assert made_by["criterion"]["metrics"] == project.config["criteria"]["votes"]
    assert made_by["training"]["epochs"] == 2 and made_by["finetuning"]["epochs"] == 1
    assert manifest["checks"]["images_from"] == "test split of digits"
    for check in manifest["checks"]["by_file"].values():
        assert check["largest_logit_difference"] <= TOLERANCE * check["largest_logit"]
    exported = (network / "export" / "network.safetensors").read_bytes()
    assert exported == (network / "network.safetensors").read_bytes()
    assert all(p.stat().st_mtime_ns == time for p, time in before.items())


def test_the_configuration_says_which_networks_are_exported(project):
    assert project.planned() == {}
    for which, jobs in (("last", 1), ("all", 5)):
        project.config["export"] = {"networks": which}
        assert project.planned() == {"export": jobs}
    project.config["export"] = {"networks": "last"}
    done = project.snakemake("--dry-run")
    # what chance alone has pruned is for comparison
    assert "Exporting votes/removed-02" in done.stdout + done.stderr


def test_a_metric_of_ones_own_votes_and_an_edit_of_it_scores_anew(project):
    module = project.folder / "my_metrics.py"
    module.write_text(OWN_METRIC)
    metric = "my_metrics:largest_difference"
    project.config["criteria"] = {"mine": ["cka", metric]}
    target = "results/digits/tiny/seed-0/mine/removed-01/pruned.safetensors"
    agreement = "results/digits/tiny/seed-0/baseline/ranking/mine.json"
    project.snakemake("--", target, agreement)
    probe = read_activations(project.path("baseline/activations.npz"))
    with project.path("baseline/scores/mine.csv").open() as file:
        rows = {row["block"]: row for row in csv.DictReader(file)}
    for block, bypassed in zip(probe.blocks, probe.features_bypassed, strict=True):
        expected = np.abs(probe.features.astype(float) - bypassed.astype(float)).max()
        assert float(rows[block][metric]) == expected
    assert json.loads((project.folder / agreement).read_text())["metrics"] == ["cka", metric]

    plan = project.snakemake("--dry-run", "--", target).stdout
    assert "Nothing to be done" in plan and "Scoring" not in plan
    module.write_text(OWN_METRIC.replace("max()", "mean()"))
    plan = project.snakemake("--dry-run", "--", target).stdout
    assert "Scoring the blocks of baseline for mine" in plan
    assert "Removing what mine ranks first" in plan
    assert "Extracting" not in plan and "Training" not in plan


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        ("my_metrics:largest", "my_metrics has no function 'largest'"),
        ("no_metrics:largest", "importing no_metrics failed"),
        ("my_metrics", "metric 'my_metrics' is unknown"),
        ("my_metrics:two", "my_metrics:two should take features, features with a block bypassed"),
    ],
)
def test_a_metric_that_is_not_there_stops_everything_before_the_first_job(project, metric, message):
    source = OWN_METRIC + "\n\ndef two(features, bypassed):\n    return 0.0\n"
    Path(project.folder, "my_metrics.py").write_text(source)
    project.config["criteria"] = {"mine": [metric]}
    done = project.snakemake("--dry-run", check=False)
    assert done.returncode
    output = done.stdout + done.stderr
    assert "config: criteria.mine: " in output and message in output
    assert "Traceback" not in output
