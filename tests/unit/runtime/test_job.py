import os
import subprocess
import sys

import pytest

CHOICES = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME", "KMP_LIBRARY")


def test_garbage_is_left_alone_while_a_script_imports_and_collected_in_its_work(tmp_path):
    script = (
        "from layer_pruning.runtime.script import job\n"
        "import gc\n"
        "importing = gc.isenabled()\n"
        f"with job({str(tmp_path / 'job.log')!r}):\n"
        "    print(importing, gc.isenabled(), gc.get_freeze_count() > 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.split() == ["False", "True", "True"], done.stderr


@pytest.mark.parametrize(
    ("given", "policy"),
    [({}, "PASSIVE"), ({"OMP_WAIT_POLICY": "ACTIVE"}, "ACTIVE"), ({"GOMP_SPINCOUNT": "9"}, "None")],
)
def test_threads_of_a_job_wait_passively_unless_the_user_chose(given, policy):
    """OpenMP says itself, once PyTorch has loaded it, what it was told."""
    script = (
        "from layer_pruning.runtime.script import job\nimport os, sys\n"
        "assert not {'torch', 'numpy'} & set(sys.modules)\nimport torch\n"
        "print(os.environ.get('OMP_WAIT_POLICY'))"
    )
    clean = {name: value for name, value in os.environ.items() if name not in CHOICES}
    environment = clean | given | {"OMP_DISPLAY_ENV": "TRUE"}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=environment
    )
    assert done.stdout.split()[-1] == policy, done.stderr
    if policy != "None":
        assert f"OMP_WAIT_POLICY = '{policy}'" in done.stderr + done.stdout


def test_a_job_held_what_it_held_itself_and_not_what_started_it():
    held = "from layer_pruning.runtime.job import most_memory_mb as most; print(most())"
    more = "b = bytearray(150 * 10**6); "
    # starts the job as Snakemake does, while it holds more than that
    starts = (
        "import subprocess, sys; large = bytearray(300 * 10**6); large[::4096] = large[::4096]\n"
        "for code in sys.argv[1:]: subprocess.run([sys.executable, '-c', code], check=True)"
    )
    command = [sys.executable, "-c", starts, held, more + held]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    little, much = map(int, done.stdout.split())
    assert little < 150 and 140 < much - little < 160
