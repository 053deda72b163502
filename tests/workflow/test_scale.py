"""Planning stays quick with thousands of jobs. Only planned: nothing is trained."""

import os
import subprocess
import sys

import pytest
import yaml

from shared_files import ROOT

LARGE = {
    "architectures": ["resnet110", "resnet56"],
    "criteria": ["consensus", "functional", "cka", "random", "magnitude"],
    "seeds": [0, 1, 2],
    "removals": 24,
    "energy": {"carbon_intensity_g_per_kwh": 100},
}
NETWORKS = 2 * 3 * (1 + 5 * 24)


@pytest.mark.long
def test_over_four_thousand_jobs_are_planned_in_20_seconds_and_a_gigabyte(tmp_path):
    (tmp_path / "large.yaml").write_text(yaml.safe_dump(LARGE))
    command = [sys.executable, "-m", "snakemake", "--dry-run", "--quiet", "rules", "--cores", "2"]
    command += ["--configfile", str(tmp_path / "large.yaml"), "--directory", str(tmp_path)]
    with (tmp_path / "said.txt").open("w") as said:
        environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
        planner = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=said, stderr=said)
        _, status, used = os.wait4(planner.pid, 0)
    said = (tmp_path / "said.txt").read_text()
    assert status == 0, said
    jobs = dict(line.split() for line in said.splitlines() if len(line.split()) == 2)
    assert int(jobs["evaluate"]) == NETWORKS
    assert int(jobs["total"]) > 4000
    # of CPU time: wall time is that of the machine's neighbours too
    assert used.ru_utime + used.ru_stime < 20
    # kilobytes
    assert used.ru_maxrss < 2**20
