"""Which GPU a job takes, where a machine has several. No PyTorch.

Snakemake counts GPUs (``gpu=1``) and says to no job which one is its own. Each job therefore locks
a file that stands for its card, and holds the lock as long as it lives. The kernel gives the lock
back when the process ends, however it ends: there is nothing to clean up after a crash.
"""

import fcntl
import logging
import os
import re
import stat
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

logger = logging.getLogger(__name__)

DEVICES = Path("/dev")
LOCKS = Path(tempfile.gettempdir())

# the cards that this process holds; the descriptors of their locks stay open until it ends
_held: dict[str, int] = {}


def visible_gpus() -> list[str]:
    """NVIDIA's cards that this process may use, as CUDA_VISIBLE_DEVICES names them.

    That variable, set by SLURM or by the user, chooses among the installed ones; as in CUDA, a
    name that stands for none hides all that follow. Empty where there is no card, and under
    Windows' Linux, which has no device file to count.
    """
    installed = [path for path in DEVICES.glob("nvidia*") if path.name[6:].isdecimal()]
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if not installed or chosen is None:
        return [str(index) for index in range(len(installed))]
    visible: list[str] = []
    for name in (part.strip() for part in chosen.split(",")):
        there = int(name) < len(installed) if name.isdecimal() else name[:4] in ("GPU-", "MIG-")
        if not there or name in visible:
            break
        visible.append(name)
    return visible


def gpu_jobs_at_a_time(device: str) -> int | None:
    """How many jobs with ``gpu=1`` this machine should run at once; None for as many as you like.

    ``device`` is that of the configuration: a card of its own for each job with ``auto`` or
    ``cuda``, one job at a time on a card that is named.
    """
    gpus = len(visible_gpus())
    if device == "cpu" or not gpus:
        return None
    return 1 if ":" in device else gpus


def take_gpu(gpus: Sequence[str], *, poll_seconds: float = 1.0) -> str:
    """One of ``gpus``, for this process alone until it ends; waits until one is free.

    A process has one card: asked again, it is told the same one. Under SLURM the locks are those of
    the allocation, as the same name stands for different cards in two of them.
    """
    waiting = False
    while True:
        for gpu in [name for name in gpus if name in _held] or gpus:
            if gpu in _held or _lock(gpu):
                logger.info("computing on GPU %s of %s", gpu, ", ".join(gpus))
                return gpu
        if not waiting:
            logger.warning("other jobs hold GPU %s: waiting until one ends", ", ".join(gpus))
            waiting = True
        time.sleep(poll_seconds)


def _lock(gpu: str) -> bool:
    """Whether this process now holds ``gpu``."""
    allocation = os.environ.get("SLURM_JOB_ID", "")
    name = re.sub(r"[^A-Za-z0-9-]", "_", f"layer-pruning-gpu-{allocation}-{gpu}")
    descriptor = _opened(LOCKS / f"{name}.lock")
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return False
    _held[gpu] = descriptor
    return True


def _opened(path: Path) -> int:
    """A descriptor of ``path``, which may be another user's: reading it is enough for a lock."""
    # without waiting for the other end of what may be a pipe
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
    while True:
        try:
            # the kernel refuses to "create" what another user has in a folder that all share
            descriptor = os.open(path, flags)
        except OSError as error:
            if not isinstance(error, FileNotFoundError):
                raise _no_lock(path, str(error.strerror)) from error
        else:
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                return descriptor
            os.close(descriptor)
            raise _no_lock(path, "it is no plain file")
        try:
            return os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o644)
        except FileExistsError:
            continue


def _no_lock(path: Path, reason: str) -> OSError:
    return OSError(
        f"{path} stands for a GPU and cannot be locked ({reason}): delete it, or name a card "
        "('device: cuda:0'), for which no lock is needed"
    )
