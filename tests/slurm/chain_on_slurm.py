"""The tiny chain on a real SLURM with two fake GPUs, with the profile that is shipped.

Not among the other tests, as it installs packages: `make test-slurm`. Jobs compute on the CPU, for
behind the GPUs that SLURM gives out is nothing; `device: auto` has to find that out.
"""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter

import pytest
from cluster import Cluster, Unavailable, install

from layer_pruning.configuration import complete
from layer_pruning.estimate.requirements import Requirements
from layer_pruning.models.network_file import read_network
from projects import TINY
from shared_files import ROOT

GPU_RULES = {
    "train_baseline",
    "extract_baseline_activations",
    "finetune",
    "evaluate",
    "attack",
    "corrupt",
    "energy_report",
    "latency_report",
}
# what a site's user writes into the profile, or says like this
SITE = [
    *("--default-resources", "slurm_partition=debug", "slurm_account=test"),
    *("--slurm-status-command", "squeue"),
    *("--slurm-init-seconds-before-status-checks", "1", "--seconds-between-status-checks", "2"),
]
SHORT = TINY | {
    "criteria": {"votes": ["cka", "disagreement"]},
    "removals": 1,
    "probe": {"images_per_class": 4},
    "bootstrap": {"resamples": 2},
    # a job has to find out that there is nothing behind its GPU
    "device": "auto",
}
EPOCHS = 60
BASELINE = "results/digits/tiny/seed-0/baseline"
# by name: Snakemake does not hand a bare --cache on to the jobs
CACHED = ("--cache", "train_baseline", "extract_baseline_activations", "--")
# every Snakemake of this file: none outlives the cluster
STARTED: list[subprocess.Popen] = []


@pytest.fixture(scope="module")
def cluster():
    """A SLURM with two GPUs, down again whatever happens."""
    # a runner that gives up on the tests says so like this; what Ctrl-C does is right
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        install()
        with Cluster(gpus=2) as up:
            yield up
            for process in STARTED:
                process.kill()
    except Unavailable as reason:
        pytest.skip(f"no SLURM here: {reason}")
    except RuntimeError as error:
        pytest.fail(str(error), pytrace=False)
    finally:
        signal.signal(signal.SIGTERM, before)


def snakemake(folder, config, *arguments, cluster=None):
    """Start Snakemake in ``folder``, as its user types it; on ``cluster`` if there is one."""
    (folder / "cache").mkdir(parents=True, exist_ok=True)
    (folder / "mine.json").write_text(json.dumps(config))
    command = [sys.executable, "-m", "snakemake", "--configfile", str(folder / "mine.json")]
    command += ["--directory", str(folder)]
    command += ["--profile", "profiles/slurm", *SITE] if cluster else ["--cores", "1"]
    environment = (cluster.environment if cluster else os.environ) | {
        "PYTHONPATH": str(ROOT / "src"),
        "OMP_NUM_THREADS": "1",
        "SNAKEMAKE_OUTPUT_CACHE": str(folder / "cache"),
    }
    with (folder / "said.txt").open("w") as said:
        STARTED.append(
            subprocess.Popen(
                [*command, *arguments], cwd=ROOT, env=environment, stdout=said, stderr=said
            )
        )
    return STARTED[-1]


def finished(process, folder):
    """What Snakemake said, having succeeded."""
    status, said = process.wait(), (folder / "said.txt").read_text()
    assert status == 0, said
    return said


def rule_of(job):
    """Snakemake writes a job's rule into its comment."""
    return job["Comment"].removeprefix("rule_").split("_wildcards_")[0]


class Watch(threading.Thread):
    """Looks at the queue again and again: which running job holds which GPUs."""

    def __init__(self, cluster):
        super().__init__(daemon=True)
        self.cluster, self.looks, self.over = cluster, [], threading.Event()

    def run(self):
        while not self.over.wait(0.2):
            running = {i: j for i, j in self.cluster.jobs().items() if j["JobState"] == "RUNNING"}
            self.looks.append({i: gpus_of(job) for i, job in running.items()})


def gpus_of(job):
    """Numbers of the GPUs that a running job was given, from `GRES=gpu:1(IDX:0-1)`."""
    found = re.search(r"IDX:([\d,-]+)", job.get("GRES", ""))
    ranges = [part.split("-") for part in found[1].split(",")] if found else []
    return {gpu for part in ranges for gpu in range(int(part[0]), int(part[-1]) + 1)}


@pytest.fixture(scope="module")
def chain(cluster, tmp_path_factory):
    """The tiny chain, done: what Snakemake said, all jobs, and looks at the queue meanwhile."""
    folder = tmp_path_factory.mktemp("chain")
    watch = Watch(cluster)
    watch.start()
    arguments = (*CACHED, "results/summary.csv")
    said = finished(snakemake(folder, SHORT, *arguments, cluster=cluster), folder)
    watch.over.set()
    watch.join()
    assert (folder / "results" / "summary.csv").stat().st_size > 0
    return folder, said, cluster.jobs(), watch.looks


def test_every_job_ran_on_slurm_but_those_of_a_second(cluster, chain):
    _, said, jobs, _ = chain
    stats = re.findall(r"^(\w+) +(\d+)$", said.split("Job stats:")[1], flags=re.MULTILINE)
    planned = {rule: int(count) for rule, count in stats}
    total = planned.pop("total")
    # they run where Snakemake runs
    local = ("consensus", "prune", "ledger", "summarise")
    here = {rule: planned.pop(rule) for rule in local}
    assert sum(planned.values()) + sum(here.values()) == total
    assert Counter(rule_of(job) for job in jobs.values()) == planned
    done = {int(job["JobId"]): job["JobState"] for job in cluster.completions()}
    assert done == dict.fromkeys(jobs, "COMPLETED")
    assert {job["Partition"] for job in jobs.values()} == {"debug"}


def test_jobs_asked_for_the_memory_and_time_of_their_rules(chain):
    _, _, jobs, _ = chain
    asked = {rule_of(job): (job["MinMemoryNode"], job["TimeLimit"]) for job in jobs.values()}
    requirements = Requirements(complete(SHORT))
    for rule, work in (("train_baseline", "training"), ("attack", "attack fgsm")):
        memory = requirements.memory_mb(work, "digits", "tiny")
        hours, minutes = divmod(requirements.minutes(work, "digits", "tiny"), 60)
        assert asked[rule] == (f"{memory}M", f"{hours:02d}:{minutes:02d}:00")
        assert memory < 4000


def test_gpu_jobs_and_no_others_asked_for_one_gpu_each_and_were_given_it(chain):
    _, _, jobs, looks = chain
    asked = {rule_of(job): job.get("TresPerJob") for job in jobs.values()}
    assert {rule for rule, gpu in asked.items() if gpu} == GPU_RULES
    assert {gpu for gpu in asked.values() if gpu} == {"gres:gpu:1"}
    given = dict.fromkeys(asked, 0) | dict.fromkeys(GPU_RULES, 1)
    # it has the node to itself, and all that is in it
    given["energy_report"] = given["latency_report"] = 2
    for held in looks:
        for number, gpus in held.items():
            assert len(gpus) == given[rule_of(jobs[number])], (jobs[number], gpus)


def test_two_gpu_jobs_ran_at_once_and_never_on_the_same_gpu(chain):
    _, _, _, looks = chain
    given = [sorted(gpu for gpus in held.values() for gpu in gpus) for held in looks]
    assert all(len(set(gpus)) == len(gpus) for gpus in given)
    assert [0, 1] in given


def test_a_measurement_had_the_node_to_itself(chain):
    _, _, jobs, looks = chain
    alone = {number for number, job in jobs.items() if rule_of(job).endswith("_report")}
    measured = [held for held in looks if alone & set(held)]
    assert len(alone) == 2 and measured
    assert all(len(held) == 1 for held in measured)


def test_jobs_found_no_gpu_where_slurm_named_one_and_used_the_cpu(chain):
    folder, *_ = chain
    logs = sorted(folder.glob("results/**/train_baseline.log"))
    assert len(logs) == 1
    assert "computing on GPU" not in logs[0].read_text()


def test_jobs_put_the_baseline_and_its_activations_into_the_cache(chain):
    folder, *_ = chain
    for name in ("network.safetensors", "activations.npz"):
        entry = (folder / BASELINE / name).resolve()
        assert entry.parent == folder / "cache" and entry.stat().st_size > 0


def test_a_cancelled_training_is_submitted_again_and_goes_on(cluster, tmp_path):
    config = SHORT | {"training": {"epochs": EPOCHS, "batch_size": 64}}
    target = f"{BASELINE}/network.safetensors"
    disturbed, undisturbed = tmp_path / "disturbed", tmp_path / "undisturbed"
    on_slurm = snakemake(disturbed, config, target, cluster=cluster)
    here = snakemake(undisturbed, config, target)
    log = disturbed / BASELINE / "logs" / "train_baseline.log"
    deadline = time.monotonic() + 400
    while not (log.exists() and "epoch 3 of" in log.read_text()):
        assert on_slurm.poll() is None and time.monotonic() < deadline, log
        time.sleep(0.05)
    running = cluster.run("squeue", "--noheader", "--states=running", "--format=%i").split()
    training = [i for i in running if rule_of(cluster.jobs()[int(i)]) == "train_baseline"]
    assert len(training) == 1
    cluster.run("scancel", *training)
    said = finished(on_slurm, disturbed)
    finished(here, undisturbed)

    assert "CANCELLED" in said and "Trying to restart job" in said
    states = {int(job["JobId"]): job["JobState"] for job in cluster.completions()}
    attempts = [i for i, j in sorted(cluster.jobs().items()) if i >= int(training[0])]
    assert [states[i] for i in attempts] == ["CANCELLED", "COMPLETED"]
    resumed = re.search(rf"going on after epoch (\d+) of {EPOCHS}", log.read_text())
    assert resumed and 3 <= int(resumed[1]) < EPOCHS
    (header, tensors), (same_header, same) = (
        read_network(folder / target) for folder in (disturbed, undisturbed)
    )
    assert header == same_header and set(tensors) == set(same)
    assert all((tensors[name] == same[name]).all() for name in same)


def test_two_processes_of_a_training_are_two_tasks_of_one_job(cluster, tmp_path):
    config = SHORT | {"training": {"epochs": 3, "batch_size": 64, "processes": 2}}
    target = f"{BASELINE}/network.safetensors"
    on_slurm, here = tmp_path / "on_slurm", tmp_path / "here"
    finished(snakemake(on_slurm, config, target, cluster=cluster), on_slurm)
    finished(snakemake(here, config | {"device": "cpu"}, target), here)
    logs = [folder / BASELINE / "logs" / "train_baseline.log" for folder in (on_slurm, here)]
    assert "2 processes, started by srun" in logs[0].read_text()
    assert "2 processes, started by torchrun" in logs[1].read_text()
    jobs = [job for job in cluster.jobs().values() if job["WorkDir"] == str(on_slurm)]
    [training] = [job for job in jobs if rule_of(job) == "train_baseline"]
    assert training["NumTasks"] == "2" and training["CPUs/Task"] == "1"
    assert training["TresPerJob"] == "gres:gpu:2"
    _, tensors = read_network(on_slurm / target)
    _, same = read_network(here / target)
    assert all((tensors[name] == same[name]).all() for name in same)
