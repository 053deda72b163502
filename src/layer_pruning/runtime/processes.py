"""A job in several processes, the ranks of PyTorch's distributed package. No torch at import.

The job's script is run again in each of them: by ``torchrun``'s agent on one machine, or by
``srun`` where SLURM gave the job several tasks, which may lie on several nodes. The process that
Snakemake started only waits, and says in one line what became of them.
"""

import logging
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

logger = logging.getLogger(__name__)

# how many ranks there are, in the environment of each
COUNT = "LAYER_PRUNING_PROCESSES"
LAUNCHER = "LAYER_PRUNING_LAUNCHER"


@dataclass(frozen=True)
class Place:
    """Which of several processes this one is, counted from 0."""

    rank: int
    local_rank: int
    """Among those on this machine."""
    count: int


def place() -> Place | None:
    """This process's place among the ranks of its job; None for a job of one process."""
    if COUNT not in os.environ:
        return None
    names = ("RANK", "LOCAL_RANK") if "RANK" in os.environ else ("SLURM_PROCID", "SLURM_LOCALID")
    rank, local_rank = (int(os.environ[name]) for name in names)
    return Place(rank, local_rank, int(os.environ[COUNT]))


class RankFailed(ValueError):
    """One line: which rank failed, and why."""


def run_ranks(count: int, script: Sequence[str], folder: Path) -> None:
    """Run ``script``, with its arguments, in ``count`` processes and wait for them.

    What they write to their standard error is kept in ``folder`` meanwhile. Raises RankFailed for
    a rank that was killed, or with the line that it ended with. Ends this process, with the
    traceback of the first rank that has one, where that is a defect of this software.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.environ |= {COUNT: str(count), LAUNCHER: str(os.getpid())}
    of_slurm = tasks_of_allocation() >= count
    try:
        logger.info("%d processes, started by %s", count, "srun" if of_slurm else "torchrun")
        killed = (_srun if of_slurm else _torchrun)(count, script, folder)
        if killed is not None:
            _explain(count, folder, killed)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def tasks_of_allocation() -> int:
    """How many tasks SLURM gave this job; 0 outside of it."""
    job = os.environ.get("SLURM_JOB_ID")
    if job is None or not all(map(shutil.which, ("scontrol", "srun"))):
        return 0
    asked = ["scontrol", "--oneliner", "show", "job", job]
    said = subprocess.run(asked, capture_output=True, text=True).stdout
    found = re.search(r"\bNumTasks=(\d+)", said)
    return int(found[1]) if found else 0


def _torchrun(count: int, script: Sequence[str], folder: Path) -> Mapping[int, str] | None:
    """None if all went well, else the ranks that a signal ended, and its name."""
    from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, SignalException, Std
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    # what it has to say of a rank that fails is said here, in one line
    logging.getLogger("torch.distributed").setLevel(logging.CRITICAL)
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=count,
        run_id=f"{os.getpid()}",
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        local_addr="localhost",
        max_restarts=0,
        logs_specs=DefaultLogsSpecs(log_dir=str(folder), redirects=Std.ERR),
    )
    try:
        elastic_launch(config, sys.executable)(*script)
    except SignalException as stopped:
        sys.exit(128 + stopped.sigval)
    except ChildFailedError as failed:
        return {
            rank: signal.Signals(-failure.exitcode).name
            for rank, failure in failed.failures.items()
            # the agent ends the others so
            if failure.exitcode < 0 and failure.exitcode != -signal.SIGTERM
        }
    return None


def _srun(count: int, script: Sequence[str], folder: Path) -> Mapping[int, str] | None:
    """The same by a job step of SLURM, whose tasks meet on this node."""
    with socket.create_server(("", 0)) as free:
        port = free.getsockname()[1]
    command = ["srun", f"--ntasks={count}", "--cpu-bind=none", "--kill-on-bad-exit=1"]
    command += [f"--error={folder.absolute()}/%t/stderr.log", sys.executable, *script]
    for rank in range(count):
        (folder / str(rank)).mkdir()
    meeting = {"MASTER_ADDR": socket.gethostname(), "MASTER_PORT": str(port)}
    step = subprocess.run(command, env=os.environ | meeting, stderr=subprocess.PIPE, text=True)
    if step.returncode == 0:
        return None
    logger.info("srun: %s", " ".join(step.stderr.split()))
    return {int(task): "SIGKILL" for task in re.findall(r"task (\d+): Killed", step.stderr)}


def _explain(count: int, folder: Path, killed: Mapping[int, str]) -> None:
    """Raise or print the reason for which ranks failed."""
    said = {
        int(path.parent.name): path.read_text(errors="replace")
        for path in sorted(folder.rglob("stderr.log"))
    }
    for text in said.values():
        if line := re.search(r"^error: (.+)$", text, flags=re.MULTILINE):
            raise RankFailed(line[1])
    for rank, name in killed.items():
        raise RankFailed(
            f"process {rank + 1} of {count} was killed ({name}), for want of memory perhaps, and "
            "the others ended with it: the same command goes on after the last epoch that was "
            "finished"
        )
    for text in said.values():
        if "Traceback" in text:
            sys.stderr.write(text)
            sys.exit(1)
    raise RankFailed(f"the {count} processes ended without a word: the same command may help")


def end_with_launcher() -> None:
    """End this rank when the process that started it is gone: nothing would end it otherwise."""
    launcher = int(os.environ[LAUNCHER])
    if os.getppid() != launcher:
        # srun's ranks are SLURM's children, which ends them itself
        return

    def watch() -> None:
        while os.getppid() == launcher:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
