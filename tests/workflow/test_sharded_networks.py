"""Activations and evaluations by several jobs, in the tiny chain."""

import json
import re

import numpy as np
import pytest

# so short that even the digits are divided
DIVIDED = {"shard_minutes": 0.001}


def planned_shards(project, targets):
    """Rules of shards, each with how many jobs of it a dry run plans."""
    dry = project.snakemake("--dry-run", *targets)
    return set(re.findall(r"^(\w+_shard) +(\d)$", dry.stdout + dry.stderr, re.MULTILINE))


@pytest.mark.long
def test_attacks_and_corruptions_by_shards_are_what_one_job_found(project):
    files = [project.path(f"baseline/{name}") for name in ("attacks/fgsm.json", "corruptions.json")]
    before = [json.loads(file.read_text()) for file in files]
    # 20 images by batches of 8
    project.config |= {"shard_minutes": 0.0005, "attacked_images": {"count": 20, "batch_size": 8}}
    for file in files:
        file.unlink()
    targets = ["--", *(str(file.relative_to(project.folder)) for file in files)]
    assert planned_shards(project, targets) == {("attack_shard", "3"), ("corrupt_shard", "3")}
    project.snakemake(*targets)
    attack, corruptions = (json.loads(file.read_text()) for file in files)
    assert corruptions == before[1]
    for entry in (*attack["epsilons"], *before[0]["epsilons"]):
        del entry["seconds"]
    assert attack["epsilons"] == before[0]["epsilons"]
    assert attack["image_indices"] == before[0]["image_indices"]
    # what the parts used is in what the whole used
    usages = project.path("baseline/usage/attack")
    parts = [json.loads(file.read_text())["cpu_seconds"] for file in usages.glob("fgsm/*.json")]
    whole = json.loads((usages / "fgsm.json").read_text())["cpu_seconds"]
    assert len(parts) == 3 and whole > sum(parts)
    # once they are there, the estimate may say something else
    del project.config["shard_minutes"]
    again = project.snakemake("--dry-run", *targets)
    assert "Nothing to be done" in again.stdout + again.stderr


@pytest.mark.long
def test_shards_join_to_what_one_job_made_and_change_nothing_that_is_there(project):
    project.config |= DIVIDED
    # what one job has made stays as it is
    assert project.planned() == {}
    files = [project.path(f"baseline/{name}") for name in ("activations.npz", "accuracy.json")]
    with np.load(files[0]) as stored:
        arrays = dict(stored)
    record = json.loads(files[1].read_text())
    for file in files:
        file.unlink()
    targets = ["--", *(str(file.relative_to(project.folder)) for file in files)]
    assert planned_shards(project, targets) == {("evaluate_shard", "2"), ("sweep_shard", "2")}
    project.snakemake(*targets)
    with np.load(files[0]) as joined:
        assert set(joined) == set(arrays)
        for name, values in arrays.items():
            if values.dtype.kind == "f":
                assert np.allclose(joined[name], values, rtol=1e-5, atol=1e-5)
            else:
                assert np.array_equal(joined[name], values)
    assert json.loads(files[1].read_text()) == record
    # the parts are gone, what they used is counted
    assert not [*project.path("baseline").rglob("shard-*.npz")]
    usages = project.path("baseline/usage")
    parts = [
        json.loads(file.read_text())["cpu_seconds"]
        for file in (usages / "extract_activations").glob("*.json")
    ]
    whole = json.loads((usages / "extract_activations.json").read_text())["cpu_seconds"]
    assert len(parts) == 2 and whole > sum(parts)
    again = project.snakemake("--dry-run", *targets)
    assert "Nothing to be done" in again.stdout + again.stderr
