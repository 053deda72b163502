"""Activations and evaluations by several jobs, in the tiny chain."""

import json
import re

import numpy as np
import pytest

# so short that even the digits are divided
DIVIDED = {"shard_minutes": 0.001}


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
    dry = project.snakemake("--dry-run", *targets)
    planned = re.findall(r"^(\w+_shard) +(\d)$", dry.stdout + dry.stderr, re.MULTILINE)
    assert set(planned) == {("evaluate_shard", "2"), ("sweep_shard", "2")}
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
