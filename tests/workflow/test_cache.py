"""A baseline that another folder has trained is taken from Snakemake's cache between workflows."""

import pytest

from conftest import TINY, Project

NETWORK = "results/digits/{}/seed-0/baseline/network.safetensors"
OUTPUTS = ("network.safetensors", "history.csv", "emissions.json")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    folder.mkdir()
    monkeypatch.setenv("SNAKEMAKE_OUTPUT_CACHE", str(folder))
    return folder


def trained(folder, name="tiny", **changes):
    """The baseline called ``name`` in a new folder, and whether it was trained there."""
    options = TINY["architectures"]["tiny"]
    project = Project.new(folder, TINY | {"architectures": {name: options}} | changes)
    project.snakemake("--cache", "--", NETWORK.format(name))
    baseline = (project.folder / NETWORK.format(name)).parent
    # Snakemake makes an empty log where it takes the outputs from the cache
    return project, baseline, (baseline / "logs" / "train_baseline.log").stat().st_size > 0


def test_a_second_folder_takes_the_baseline_with_all_that_comes_along(tmp_path, cache):
    _, first, by_training = trained(tmp_path / "first")
    assert by_training and len(list(cache.iterdir())) == len(OUTPUTS)
    project, second, by_training = trained(tmp_path / "second", device="auto", removals=1)
    assert not by_training
    for name in OUTPUTS:
        assert (second / name).read_bytes() == (first / name).read_bytes()
        assert cache in (second / name).resolve().parents
    # and it goes on from there, with the cache and without
    for arguments in (["--cache"], []):
        done = project.snakemake("--dry-run", *arguments, "--", NETWORK.format("tiny"))
        assert "Nothing to be done" in done.stdout + done.stderr
    ranking = str(second.relative_to(project.folder) / "ranking" / "random.csv")
    project.snakemake("--", ranking)
    assert (project.folder / ranking).exists()


def test_what_makes_another_baseline_is_trained(tmp_path, cache):
    assert trained(tmp_path / "first")[2]
    assert trained(tmp_path / "name", name="other")[2]
    assert trained(tmp_path / "epochs", training={"epochs": 1, "batch_size": 256})[2]
    assert len(list(cache.iterdir())) == 3 * len(OUTPUTS)


def test_without_the_option_nothing_is_cached_and_nothing_said(tmp_path, cache):
    project = Project.new(tmp_path / "project", TINY)
    done = project.snakemake("--", NETWORK.format("tiny"))
    assert not list(cache.iterdir())
    assert "cach" not in (done.stdout + done.stderr).replace(str(tmp_path), "")
