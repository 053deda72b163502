"""Greedy beside beam beside profiles in one run, to the summary."""

import json

import pytest

from layer_pruning.consensus.ranking import read_ranking
from layer_pruning.models.network_file import read_header
from layer_pruning.searching.sets import named_set

SEARCHES = {
    "greedy": ["kl"],
    "wide": {"metrics": ["kl"], "search": "beam", "beam": 2},
    "deep": {"metrics": ["kl", "cka"], "search": "profiles"},
}


@pytest.mark.long
def test_searches_stand_beside_greedy_and_go_on_from_what_was_found(project):
    project.config |= {"criteria": SEARCHES, "evaluation": {"cost": False}, "attacks": {}}
    project.config |= {"corruptions": {"names": []}}
    goals = ("--", "results/summary.csv")
    project.snakemake(*goals)
    baseline = project.path("baseline")

    pairs = read_ranking(baseline / "search/wide/removed-02.csv")
    blocks = [block.name for block in read_header(baseline / "network.safetensors").blocks]
    kept = read_ranking(baseline / "ranking/wide.csv").order[:2]
    for row in pairs.rows:
        one = named_set(row.block)
        assert len(one) == 2 and {*one} & {*kept} and [*one] == sorted(one, key=blocks.index)
    # three blocks can go, one a stage: three profiles of two
    assert len(read_ranking(baseline / "search/deep/removed-02.csv").rows) == 3
    for criterion in ("wide", "deep"):
        found = read_ranking(baseline / f"search/{criterion}/removed-02.csv").removed_block
        header = read_header(project.path(f"{criterion}/removed-02/network.safetensors"))
        assert header.removed_blocks == named_set(found)
        assert not project.path(f"{criterion}/removed-01").exists()
    said = (baseline / "logs/search/wide/removed-02.log").read_text()
    assert "2 sets to grow by one block, a sweep each" in said and "2 of 2 sets swept" in said

    rows = {(row["criterion"], row["removed"]): row for row in project.summary()}
    budgets = {key: rows[key]["finetuning_epochs"] for key in rows if key[1] == "2"}
    # greedy was fine-tuned for one epoch twice, the others once for two
    assert len({float(budget) for budget in budgets.values()}) == 1 and len(budgets) == 3
    history = project.path("wide/removed-02/history.csv").read_text().splitlines()
    assert len(history) == 1 + 2

    # more removals: one more set each, and nothing again; another beam begins at the baseline
    project.config["removals"] = 3
    assert project.planned() == {
        **{"search_beam": 1, "search_profiles": 1, "prune": 3, "finetune": 3, "evaluate": 3},
        **{"extract_activations": 1, "score_metrics": 1, "consensus": 1},
    }
    project.config["removals"] = 2
    project.config["criteria"]["wide"]["beam"] = 1
    planned = project.planned()
    assert planned["search_beam"] == 1 and "search_profiles" not in planned
    assert planned["finetune"] == 1 and "score_metrics" not in planned


@pytest.mark.long
def test_profiles_are_searched_under_a_target(project):
    project.config |= {"criteria": {"deep": SEARCHES["deep"]}, "attacks": {}}
    project.config |= {"evaluation": {"cost": False}, "corruptions": {"names": []}}
    project.config["target"] = {"parameters_reduction": 20}
    del project.config["removals"]
    project.snakemake("--", "results/summary.csv")
    (row,) = [row for row in project.summary() if row["criterion"] == "deep"]
    assert row["selected"] == "True" and float(row["parameters_reduction_percent"]) >= 20
    said = project.path(f"baseline/logs/search/deep/removed-0{row['removed']}.log").read_text()
    assert "profiles reach parameters_reduction: 20" in said
    assert json.loads(project.path("deep/removed-01/complexity.json").read_text())["blocks"]
