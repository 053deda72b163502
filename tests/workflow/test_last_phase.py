"""A last phase of fine-tuning, what stands beside it, and blocks that go at once, to the report."""

import json

import pytest

from layer_pruning.consensus.ranking import removal_order
from layer_pruning.models.network_file import read_header, read_network

PLANNED = ("evaluate", "attack", "corrupt", "energy_report", "latency_report", "ledger")


def epochs(project, network):
    """How many epochs the training of a network lasted."""
    return len(project.path(f"{network}/history.csv").read_text().splitlines()) - 1


def kwh(project, network):
    return json.loads(project.path(f"{network}/emissions.json").read_text())["energy_kwh"]


@pytest.mark.long
def test_a_last_phase_is_beside_the_path_and_what_is_compared_has_its_budget(project):
    project.config["finetuning"]["final"] = {"epochs": 2, "learning_rate": 0.01}
    project.config["criteria"] |= {
        "scratch": {"architecture_of": "votes"},
        "continued": {"epochs_of": "votes"},
    }
    # the path is there; only what comes after it is made
    trained = {"finetune_last": 2, "train_scratch": 1, "train_on": 1}
    assert project.planned() == trained | dict.fromkeys(PLANNED, 4)
    project.snakemake("--", "results/summary.csv", "results/tables/overview.html")

    after, path = (project.path(f"votes{kind}/removed-02") for kind in ("-final", ""))
    header, tensors = read_network(after / "network.safetensors")
    before, old = read_network(path / "network.safetensors")
    assert header.removed_blocks == before.removed_blocks
    assert (tensors["classifier.weight"] != old["classifier.weight"]).any()
    assert (
        header.removed_blocks
        and not read_header(project.path("continued/beside-02/network.safetensors")).removed_blocks
    )

    # two removals of one epoch, and two at the end; new weights also have the baseline's two
    budgets = {"votes-final/removed-02": 2, "continued/beside-02": 4, "scratch/removed-02": 6}
    assert {name: epochs(project, name) for name in budgets} == budgets
    rows = {(row["criterion"], int(row["removed"])): row for row in project.summary()}
    assert {key[0]: row["finetuning_epochs"] for key, row in rows.items() if key[1] == 2} == {
        "votes": "2", "random": "2", "votes-final": "4", "random-final": "4",
        "continued": "4", "scratch": "0",
    }  # fmt: skip
    assert {(row["made_by"], row["beside"]) for row in rows.values()} == {
        ("baseline", ""), ("pruned", ""), ("final", "votes"), ("final", "random"),
        ("scratch", "votes"), ("continued", "votes"),
    }  # fmt: skip
    assert float(rows["continued", 2]["macs_reduction_percent"]) == 0
    spent = [kwh(project, f"votes/removed-0{n}") for n in (1, 2)]
    spent.append(kwh(project, "votes-final/removed-02"))
    assert float(rows["votes-final", 2]["finetuning_energy_kwh"]) == pytest.approx(sum(spent))
    ledger = json.loads((after / "ledger.json").read_text())
    assert ledger["costs"]["scoring"]["joules"] > 0

    # what comes before the last phase is neither attacked nor compared with what comes after
    page = (project.folder / "results" / "tables" / "overview.html").read_text()
    assert "votes-final" in page and "continued" in page

    # a longer last phase leaves the path alone
    project.config["finetuning"]["final"]["epochs"] = 3
    again = project.planned()
    assert again["finetune_last"] == 2 and "finetune" not in again and "prune" not in again


def test_networks_count_where_the_configuration_says(project):
    project.config |= {"report_at": [1], "finetuning": {"epochs": 1, "batch_size": 256}}
    assert project.planned() == dict.fromkeys(PLANNED[1:], 2)
    # a block of a stage saves 4.9 % or more: two are enough for 9 %, whichever they are
    project.config["report_at"] = ["9 %"]
    assert project.planned() == {}


@pytest.mark.long
def test_blocks_go_at_once_by_the_ranking_of_the_baseline(project):
    project.config |= {
        "schedule": "at_once",
        "criteria": {"votes": project.config["criteria"]["votes"]},
    }
    project.config["criteria"]["two"] = {"blocks": ["stage3.block2", "stage1.block2"]}
    planned = project.planned()
    assert planned["prune"] == planned["finetune"] == 2 and "train_baseline" not in planned
    assert planned["list_blocks"] == 1 and "score_metrics" not in planned
    project.snakemake("--", "results/summary.csv", "results/tables/overview.html")
    listed = read_header(project.path("two/removed-02/network.safetensors"))
    assert listed.removed_blocks == ("stage3.block2", "stage1.block2")
    order = removal_order(project.path("baseline/ranking/votes.csv"))
    voted = read_header(project.path("votes/removed-02/network.safetensors")).removed_blocks
    places = [order.index(block) for block in voted]
    assert places[0] == 0 and places == sorted(places)
    costs = json.loads(project.path("votes/removed-02/ledger.json").read_text())["costs"]
    assert costs["finetuning"]["joules"] == pytest.approx(3.6e6 * kwh(project, "votes/removed-02"))
