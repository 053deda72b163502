"""Copies of the project in temporary folders, on which Snakemake runs as a user runs it."""

import csv
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import yaml

from shared_files import ROOT
from snakemake_forks import Snakemakes

SNAKEMAKES = Snakemakes()
PARTS = ("Snakefile", "rules", "workflow", "config", "envs", "profiles", "src")

# parts of the names of columns that a clock or a meter fills
MEASURED = ("energy", "emissions", "inference", "latency", "speed_up", "joules", "break", "memory")
MEASURED += ("seconds", "notes", "checksum")

TINY = {
    "datasets": ["digits"],
    "architectures": {"tiny": {"depth": 14, "widths": [4, 4, 6]}},
    "seeds": [0],
    "criteria": {"votes": ["cka", "procrustes", "disagreement"], "random": ["random"]},
    "removals": 2,
    "probe": {"images_per_class": 6},
    "bootstrap": {"resamples": 3},
    "training": {"epochs": 2, "batch_size": 256},
    "finetuning": {"epochs": 1, "batch_size": 256},
    "attacks": {"fgsm": {"epsilons": [0.05]}},
    "attacked_images": {"count": 20},
    "export": {"networks": "none"},
    "energy": {"carbon_intensity_g_per_kwh": 100, "window_seconds": 0.05, "repeats": 2},
    "latency": {"batch_sizes": [1, 4], "repeats": 6},
    "device": "cpu",
}


def rules_with_a_gpu() -> set[str]:
    """Names of the rules that ask for one, themselves or as the rule that they use."""
    text = "\n".join(path.read_text() for path in (ROOT / "rules").glob("*.smk"))
    parts = re.split(r"^ *(?:use )?rule (.+?)(?: with)?:$", text, flags=re.MULTILINE)[1:]
    found: set[str] = set()
    for name, body in zip(parts[::2], parts[1::2], strict=True):
        used, _, new = name.partition(" as ")
        if re.search(r"^ +gpu=", body, re.MULTILINE) or (new and used in found):
            found.add(new or used)
    return found


class Project:
    """A copy of the project with a configuration of its own."""

    def __init__(self, folder: Path, config: dict) -> None:
        self.folder = folder
        self.config = config

    @classmethod
    def new(cls, folder: Path, config: dict) -> "Project":
        folder.mkdir(parents=True, exist_ok=True)
        for part in PARTS:
            source = ROOT / part
            if source.is_dir():
                ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
                shutil.copytree(source, folder / part, ignore=ignored)
            else:
                shutil.copy2(source, folder / part)
        return cls(folder, json.loads(json.dumps(config)))

    def copy(self, folder: Path) -> "Project":
        """The project as it is, results and Snakemake's records included."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return Project(folder, json.loads(json.dumps(self.config)))

    def write_configuration(self) -> None:
        """Write the configuration as it stands now to ``mine.yaml``."""
        (self.folder / "mine.yaml").write_text(yaml.safe_dump(self.config))

    def snakemake(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess:
        """Run Snakemake with the configuration as it stands now."""
        self.write_configuration()
        done = self.snakemake_alone("--configfile", "mine.yaml", *arguments)
        if check and done.returncode:
            raise AssertionError(done.stdout + done.stderr)
        return done

    def snakemake_alone(self, *arguments: str) -> subprocess.CompletedProcess:
        """Run Snakemake with the configuration that the project ships, or one in the arguments."""
        if "--cores" not in arguments:
            arguments = ("--cores", "2", *arguments)
        return SNAKEMAKES.run(list(arguments), folder=self.folder, environment=self.environment())

    def environment(self) -> dict[str, str]:
        """The variables with which the project's own package is imported."""
        return os.environ | {"PYTHONPATH": str(self.folder / "src"), "OMP_NUM_THREADS": "1"}

    def planned(self) -> dict[str, int]:
        """Rules that would run now, with the number of their jobs; the report's are left out."""
        done = self.snakemake("--dry-run")
        output = done.stdout + done.stderr
        if "Nothing to be done" in output:
            return {}
        lines = output.split("Job stats:")[1].splitlines()[3:]
        jobs = {}
        for line in lines:
            if not line.strip():
                break
            name, count = line.split()
            jobs[name] = int(count)
        report = ("all", "total", "summarise", "report", "snakemake_report")
        return {
            name: count
            for name, count in jobs.items()
            if name not in report and not name.startswith("report_")
        }

    def summary(self) -> list[dict[str, str]]:
        with (self.folder / "results" / "summary.csv").open() as file:
            return list(csv.DictReader(file))

    def values(self) -> list[dict[str, str]]:
        """The summary less what a clock or a meter says."""
        return [
            {key: value for key, value in row.items() if not any(word in key for word in MEASURED)}
            for row in self.summary()
        ]

    def path(self, name: str) -> Path:
        return self.folder / "results" / "digits" / "tiny" / "seed-0" / name
