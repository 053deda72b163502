"""Blocks that go together, a target, and the comparison from new weights, to the report."""

import json

import pytest

from layer_pruning.models.network_file import read_header, read_network


@pytest.mark.long
def test_steps_a_target_and_new_weights(project):
    project.config["criteria"] = {
        "votes": ["cka", "procrustes", "disagreement"],
        "scratch": {"architecture_of": "votes"},
    }
    project.config |= {"blocks_per_step": 2, "removals": 3, "target": {"latency_reduction": 1}}
    project.snakemake("--", "results/summary.csv", "results/tables/overview.html")

    removed = [read_header(project.path(f"votes/removed-0{n}/pruned.safetensors")) for n in (2, 3)]
    assert [len(header.removed_blocks) for header in removed] == [2, 3]
    assert removed[1].removed_blocks[:2] == removed[0].removed_blocks
    with project.path("baseline/ranking/votes.csv").open() as file:
        assert f"{removed[0].removed_blocks[0]}," in "".join(row for row in file if ",true," in row)

    # the same blocks with other weights, trained for 2 + 2 x 1 epochs, and for that energy alone
    pruned, tensors = read_network(project.path("votes/removed-03/network.safetensors"))
    header, own = read_network(project.path("scratch/removed-03/network.safetensors"))
    assert header == pruned and set(own) == set(tensors)
    assert (own["classifier.weight"] != tensors["classifier.weight"]).any()
    history = project.path("scratch/removed-03/history.csv").read_text().splitlines()
    assert len(history) == 1 + 4
    costs = json.loads(project.path("scratch/removed-03/ledger.json").read_text())["costs"]
    spent = json.loads(project.path("scratch/removed-03/emissions.json").read_text())
    assert costs["training"]["joules"] == pytest.approx(spent["energy_kwh"] * 3.6e6)
    assert costs["finetuning"]["joules"] == 0
    costs = json.loads(project.path("votes/removed-03/ledger.json").read_text())["costs"]
    spent = [
        json.loads(project.path(f"votes/removed-0{n}/emissions.json").read_text())["energy_kwh"]
        for n in (2, 3)
    ]
    assert costs["finetuning"]["joules"] == pytest.approx(sum(spent) * 3.6e6)

    rows = {(row["criterion"], row["removed"]): row for row in project.summary()}
    assert [key for key, row in rows.items() if row["selected"] == "True"] == [("votes", "2")]
    assert set(rows) == {("baseline", "0"), ("scratch", "3"), ("votes", "2"), ("votes", "3")}
    saved = [float(row["predicted_latency_reduction_percent"]) for row in rows.values()]
    assert 0 == saved[0] < saved[2] < saved[3] == saved[1] < 100
    page = (project.folder / "results" / "tables" / "overview.html").read_text()
    assert "What meets the target" in page and "(scratch)" in page
    # how the metrics agreed is asked by the report, which is not made here
    assert project.planned() == {"agreement": 1}

    # going on, or back, redoes nothing that is there
    project.config["removals"] = 2
    assert project.planned() == {
        "train_scratch": 1,
        "evaluate": 1,
        "attack": 2,
        "corrupt": 2,
        "energy_report": 2,
        "latency_report": 2,
        "ledger": 2,
    }


@pytest.mark.long
def test_the_front_page_is_about_the_networks_that_count(project):
    """Those that `report_at` names are measured, and what was done on the way beyond is not."""
    project.config["report_at"] = [1]
    assert project.planned()["attack"] == 2
    project.snakemake("--", "results/answers.json", "results/summary.csv")
    (family,) = json.loads((project.folder / "results" / "answers.json").read_text())["families"]
    answers = {answer["name"]: answer for answer in family["answers"]}
    assert family["removed"] == 1
    assert "Time: not measured" not in answers["speed"]["verdict"] and answers["speed"]["number"]
    assert "Not tested" not in answers["robustness"]["verdict"]
    assert {(row["removed"], row["counts"]) for row in project.summary()} == {
        ("0", "False"), ("1", "True"), ("2", "False"),
    }  # fmt: skip
