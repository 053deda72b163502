"""Trackers in the chain: told of a run that has ended, at no cost to it."""

import pytest

NETWORKS = ["baseline", *(f"{name}/removed-0{n}" for name in ("random", "votes") for n in (1, 2))]


def test_a_tracker_is_told_of_a_run_that_has_ended_and_nothing_is_made_again(project):
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    assert project.planned() == {}
    project.config["tracking"] = {"tensorboard": True}
    assert project.planned() == {"track_network": len(NETWORKS), "track_figures": 1}
    project.snakemake()
    told = project.folder / "results/tracking/tensorboard/digits/tiny"
    for folder in [told / "figures", *(told / "seed-0" / name for name in NETWORKS)]:
        assert [file.name.startswith("events") for file in folder.iterdir()] == [True]
        assert folder.with_suffix(".json").exists()
    project.config["tracking"] = {"tensorboard": False}
    assert project.planned() == {}
