"""A cue on the digits, through the chain as a user runs it."""

import json

import numpy as np
import pytest

from layer_pruning.data.image_file import read_data
from projects import TINY, Project

QUICK = {"criteria": {"control": ["random"]}, "removals": 1, "attacks": {}}


@pytest.mark.long
def test_networks_of_a_data_set_with_a_cue_are_tested_and_reported(tmp_path):
    config = TINY | QUICK | {"datasets": {"digits": {}, "cued": {"kind": "digits", "cue": {}}}}
    project = Project.new(tmp_path / "project", config)
    planned = project.planned()
    # the baseline and the pruned network of the one data set that has a cue
    assert planned["shortcut"] == 2 and planned["train_baseline"] == 2
    pages = [
        "results/tables/shortcut/cued-tiny.html",
        "results/figures/cued/tiny/shortcut.svg",
    ]
    networks = ["baseline", "control/removed-01"]
    project.snakemake("--", *pages, "results/digits/data.npz")
    records = [
        json.loads(
            (project.folder / "results/cued/tiny/seed-0" / name / "shortcut.json").read_text()
        )
        for name in networks
    ]
    cued, plain = (
        read_data(project.folder / f"results/{name}/data.npz") for name in ("cued", "digits")
    )
    assert records[0]["labels"] == records[1]["labels"] == cued.labels_of("test").tolist()
    assert records[0]["swapped_cue_classes"] == cued.cue.swapped(cued.labels_of("test")).tolist()
    assert np.array_equal(cued.stored("test")[0], plain.stored("test")[0])
    assert not np.array_equal(cued.stored("train")[0], plain.stored("train")[0])
    for page in pages:
        assert "shortcut learning" in (project.folder / page).read_text()

    assert "shortcut" not in project.planned()
    project.config["datasets"]["cued"]["cue"]["rate"] = 0.5
    assert project.planned()["shortcut"] == 2
