"""Planning stays quick with thousands of jobs. Only planned: nothing is trained."""

import json
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
# By a small process in between: the most memory of a process counts that of the one it was forked
# from, and tests may have taken gigabytes.
MEASURED = """
import json, os, sys
pid = os.spawnv(os.P_NOWAIT, sys.executable, sys.argv[1:])
_, status, used = os.wait4(pid, 0)
seconds, kilobytes = used.ru_utime + used.ru_stime, used.ru_maxrss
print(json.dumps([os.waitstatus_to_exitcode(status), seconds, kilobytes]))
"""


def planned(folder, removals: int) -> tuple[dict[str, int], float, int]:
    """Jobs of each rule, and the CPU seconds and the most kilobytes that planning them took.

    CPU time: wall time is that of the machine's neighbours too.
    """
    folder.mkdir()
    (folder / "large.yaml").write_text(yaml.safe_dump(LARGE | {"removals": removals}))
    command = [sys.executable, "-m", "snakemake", "--dry-run", "--quiet", "rules", "--cores", "2"]
    command += ["--configfile", str(folder / "large.yaml"), "--directory", str(folder)]
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *command],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    *said, used = done.stdout.splitlines()
    status, seconds, kilobytes = json.loads(used)
    assert status == 0, done.stdout
    counted = (line.split() for line in said if len(line.split()) == 2)
    return {rule: int(jobs) for rule, jobs in counted if jobs.isdigit()}, seconds, kilobytes


@pytest.mark.long
def test_planning_thousands_of_jobs_takes_time_as_jobs_and_less_than_a_gigabyte(tmp_path):
    """All of them take 13 to 29 CPU s on one machine: so the whole is held against the half."""
    _, of_half, _ = planned(tmp_path / "half", LARGE["removals"] // 2)
    jobs, seconds, kilobytes = planned(tmp_path / "whole", LARGE["removals"])
    assert jobs["evaluate"] == NETWORKS
    assert jobs["total"] > 4000
    assert seconds < 2.5 * of_half
    assert seconds < 60
    assert kilobytes < 2**20
