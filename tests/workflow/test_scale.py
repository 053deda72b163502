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


@pytest.mark.long
def test_over_four_thousand_jobs_are_planned_in_20_seconds_and_a_gigabyte(tmp_path):
    (tmp_path / "large.yaml").write_text(yaml.safe_dump(LARGE))
    command = [sys.executable, "-m", "snakemake", "--dry-run", "--quiet", "rules", "--cores", "2"]
    command += ["--configfile", str(tmp_path / "large.yaml"), "--directory", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *command],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    *said, used = done.stdout.splitlines()
    status, cpu_seconds, kilobytes = json.loads(used)
    assert status == 0, done.stdout
    jobs = dict(line.split() for line in said if len(line.split()) == 2)
    assert int(jobs["evaluate"]) == NETWORKS
    assert int(jobs["total"]) > 4000
    # of CPU time: wall time is that of the machine's neighbours too
    assert cpu_seconds < 20
    assert kilobytes < 2**20
