"""A record that is not whole is named, and made again by the same command."""

import json
import re

import pytest

from layer_pruning.evaluation.records import read_accuracy

SUMMARY = "results/summary.csv"


def edited_accuracy(text):
    """A better number, and no trace of a checksum that would tell."""
    record = json.loads(text)
    record["splits"]["test"]["accuracy"] = 0.9999
    del record["format"], record["checksum"]
    return json.dumps(record)


DAMAGES = {
    "accuracy.json": edited_accuracy,
    "attacks/fgsm.json": lambda text: re.sub(
        r'"correct": \[(\d)', lambda found: f'"correct": [{1 - int(found[1])}', text, count=1
    ),
    "energy.json": lambda text: text.replace('"measured"', '"meazured"', 1),
    "ranking/votes.json": lambda text: text[:-20],
}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            name, marks=pytest.mark.long if name == "accuracy.json" else pytest.mark.survey
        )
        for name in DAMAGES
    ],
)
def test_a_damaged_record_is_named_and_made_again_by_the_same_command(project, name):
    network = "baseline" if name.startswith("ranking") else "votes/removed-02"
    damaged = project.path(f"{network}/{name}")
    before = damaged.read_text()
    changed = DAMAGES[name](before)
    assert changed != before
    damaged.write_text(changed)
    first = project.snakemake(check=False)
    said = first.stdout + first.stderr
    assert first.returncode != 0
    assert f"error: {damaged.relative_to(project.folder)}: " in said
    assert "run the same command again" in said
    assert not damaged.exists() and damaged.with_name(f"{damaged.name}.damaged").exists()
    project.snakemake()
    assert damaged.exists()
    if name == "accuracy.json":
        assert damaged.read_text() == before
        accuracy = read_accuracy(damaged)["splits"]["test"]["accuracy"]
        row = next(
            row
            for row in project.summary()
            if row["criterion"] == "votes" and row["removed"] == "2"
        )
        assert float(row["accuracy_test"]) == accuracy
    # other networks, and what made them, are as they were
    assert "0.9999" not in (project.folder / SUMMARY).read_text()


@pytest.mark.long
def test_a_table_that_networks_came_from_is_made_again_by_name_and_nothing_is_trained(project):
    scores, ranking = (project.path(f"baseline/{name}/votes.csv") for name in ("scores", "ranking"))
    before = scores.read_text(), ranking.read_text()
    scores.write_text(before[0][:-15])
    first = project.snakemake(check=False)
    assert first.returncode != 0 and not scores.exists()
    path = scores.relative_to(project.folder)
    assert f"run the same command again to make it anew, with '-- {path}'" in first.stderr
    # the ranking went with the job that could not read them
    project.snakemake("--", str(ranking.relative_to(project.folder)))
    assert (scores.read_text(), ranking.read_text()) == before
    left = project.planned()
    assert not {"train_baseline", "finetune", "prune", "attack", "evaluate"} & set(left)
