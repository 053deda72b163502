"""What `layer-pruning check` says of the time is what the run takes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from projects import Project

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
