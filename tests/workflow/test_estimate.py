"""What `layer-pruning check` says of the time is what the run takes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from layer_pruning.chain import Chain
from layer_pruning.configuration import complete
from layer_pruning.estimate.makespan import graph_of
from planted_costs import planted_stages
from projects import TINY, Project, rules_with_a_gpu

REAL = {
    "datasets": ["digits"],
    "architectures": ["resnet20"],
    "seeds": [0],
    "criteria": {"votes": ["cka", "procrustes"]},
    "removals": 2,
    "training": {"epochs": 6},
    "finetuning": {"epochs": 2},
    "attacks": {"fgsm": {}},
    "attacked_images": {"count": 100},
    "export": {"networks": "none"},
    "energy": {"carbon_intensity_g_per_kwh": 100, "window_seconds": 0.2, "repeats": 6},
    "device": "cpu",
}


@pytest.mark.survey
def test_a_run_takes_within_a_factor_of_two_of_what_was_said(tmp_path: Path) -> None:
    project = Project.new(tmp_path / "project", REAL)
    project.write_configuration()
    python, environment = Path(sys.executable), project.environment()
    environment["PATH"] = f"{python.parent}:{environment['PATH']}"

    def run(*command: str) -> str:
        options = {"cwd": project.folder, "env": environment, "text": True, "check": True}
        return subprocess.run(command, capture_output=True, **options).stdout

    check = ("layer-pruning", "check", "mine.yaml", "--cores", "2")
    said = json.loads(run(*check, "--format", "json"))["estimate"]["seconds"]
    before = os.times()
    run("snakemake", "--cores", "2", "--configfile", "mine.yaml")
    after = os.times()
    # of two cores that do nothing else, as the estimate is: this machine may have other work
    took = sum(after[2:4]) - sum(before[2:4])
    took /= 2
    assert said / 2 < took < said * 2


RULES = {
    "train_baseline": "training",
    "finetune": "fine-tuning",
    **dict.fromkeys(("finetune_last", "train_on", "train_scratch"), "other training"),
    **dict.fromkeys(("extract_baseline_activations", "extract_activations"), "activations"),
    **dict.fromkeys(("score_metrics", "consensus", "list_blocks", "prune"), "scores and ranks"),
    **dict.fromkeys(("search_beam", "search_profiles"), "search"),
    "agreement": "bootstrap of the votes",
    "stochastic_starts": "other starts",
    "measure_block_latency": "timing of blocks",
    "measure_block_energy": "metering of blocks",
    "shortcut": "shortcut learning",
    "evaluate": "accuracy",
    "attack": "attack fgsm",
    "corrupt": "other images",
    **dict.fromkeys(("latency_report", "energy_report"), "energy and latency"),
    "export": "export",
}
SEARCHES = {
    "greedy": ["kl"],
    "wide": {"metrics": ["kl"], "search": "beam", "beam": 2},
    "deep": {"metrics": ["kl"], "search": "profiles"},
    "listed": {"blocks": ["stage1.block2"]},
}


@pytest.mark.parametrize(
    "given",
    [
        {"corruptions": {"names": ["gaussian_noise"]}, "export": {"networks": "all"}},
        {"criteria": SEARCHES, "evaluation": {"cost": False}},
        {"criteria": ["cka", "scratch", "continued"], "finetuning": {"final": {"epochs": 2}}},
        {"schedule": "at_once", "report_at": [1, 2]},
        {"criteria": ["consensus_latency", "saves_energy", "recommended"], "removals": 1},
        {"datasets": {"digits": {"cue": {}}}, "target": {"latency_reduction": 5}},
    ],
)
def test_the_jobs_of_a_forecast_are_those_that_a_run_has(tmp_path, given):
    project = Project.new(tmp_path / "project", TINY | {"seeds": [0, 1]} | given)
    planned = project.planned()
    config = complete(project.config)
    chain, here = Chain.of(config), ("digits", "tiny")
    stages = planted_stages(config, chain, here)
    said = {stage.name: stage.jobs for stage in stages}
    found = dict.fromkeys(said, 0)
    for rule, count in planned.items():
        if rule in RULES:
            found[RULES[rule]] += count
    assert found == said
    # without a job of their own in the forecast, since they take no time
    assert set(planned) - set(RULES) <= {"prepare_data", "ledger"}
    graph = graph_of(chain, {here: stages}, report_seconds=1.0)
    assert sum(graph.on_card) == sum(planned.get(rule, 0) for rule in rules_with_a_gpu())
