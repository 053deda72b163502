"""Which GPU a job takes, where a machine has several. No PyTorch.

Snakemake counts GPUs (``gpu=1``) and says to no job which one is its own. Each job therefore locks
a file that stands for its card, and holds the lock as long as it lives. The kernel gives the lock
back when the process ends, however it ends: there is nothing to clean up after a crash. The file is
called after the card's place on its bus, as "0" is a name that every process has for its first one.
"""

import fcntl
import hashlib
import logging
import os
import re
import stat
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from layer_pruning.runtime.processes import LAUNCHER, Place, place

logger = logging.getLogger(__name__)

DEVICES = Path("/dev")
DRIVER = Path("/proc/driver/nvidia/gpus")
LOCKED = Path("/proc/locks")
LOCKS = Path(tempfile.gettempdir())

# the cards that this process holds; the descriptors of their locks stay open until it ends
_held: dict[str, int] = {}


@dataclass(frozen=True)
class _Card:
    """One card that the processes of this machine or container may use."""

    bus: str | None
    """Its place on the machine, the same for every process; None where no driver tells it."""
    uuid: str = ""


def visible_gpus() -> list[str]:
    """NVIDIA's cards that this process may use, as CUDA_VISIBLE_DEVICES names them.

    That variable, set by SLURM or by the user, chooses among those that the process may open; as
    in CUDA, a name that stands for none hides all that follow. Empty where there is no card, and
    under Windows' Linux, which has no device file to count.
    """
    cards = _cards()
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if not cards or chosen is None:
        return [str(index) for index in range(len(cards))]
    visible: list[str] = []
    for name in (part.strip() for part in chosen.split(",")):
        there = int(name) < len(cards) if name.isdecimal() else name[:4] in ("GPU-", "MIG-")
        if not there or name in visible:
            break
        visible.append(name)
    return visible


def _cards() -> list[_Card]:
    """The cards that this process may open, in the order of their buses, which is CUDA's.

    A scheduler or a container shows a process its own cards alone, and CUDA counts these from 0.
    """
    files = [path for path in DEVICES.glob("nvidia*") if path.name[6:].isdecimal()]
    minors = sorted(int(path.name[6:]) for path in files if _opens(path))
    told = _told_by_driver()
    in_order = [minor for minor in told if minor in minors]
    in_order += [minor for minor in minors if minor not in told]
    return [told.get(minor, _Card(None)) for minor in in_order]


def _told_by_driver() -> dict[int, _Card]:
    """All cards of the machine by the number of their device file, in the order of their buses."""
    told = {}
    for path in sorted(DRIVER.glob("*/information")):
        lines = [line.partition(":") for line in path.read_text().splitlines()]
        said = {key.strip(): value.strip() for key, _, value in lines}
        if said.get("Device Minor", "").isdecimal():
            told[int(said["Device Minor"])] = _Card(path.parent.name, said.get("GPU UUID", ""))
    return told


def _opens(path: Path) -> bool:
    """Whether this process may use a card: a control group refuses it when it is opened."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC))
    except OSError:
        return False
    return True


def bus_index(gpu: str) -> int | None:
    """The place of a card of :func:`visible_gpus` in the order of the buses, which is NVML's.

    None where no driver tells: of a part of a card (MIG), say.
    """
    if gpu.isdecimal():
        return int(gpu)
    # CUDA takes the beginning of a UUID for it
    found = (index for index, card in enumerate(_cards()) if card.uuid.startswith(gpu))
    return next(found, None)


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
    the allocation, as others' cards are SLURM's to give. Processes that train together take their
    cards before those of another training begin to.

    Raises ValueError in one of several processes that train together, where the others hold all of
    ``gpus``: they would wait for this one.
    """
    own = place()
    # an allocation is one job's
    unshared = "SLURM_JOB_ID" in os.environ or any(gpu in _held for gpu in gpus)
    if own is None or unshared or not _fellows_are_told():
        return _take(gpus, poll_seconds)
    with _turn(own, gpus, poll_seconds):
        return _take(gpus, poll_seconds)


@contextmanager
def _turn(own: Place, gpus: Sequence[str], poll_seconds: float) -> Iterator[None]:
    """The time in which the processes of one training take their cards.

    Two trainings that share the same cards could hold a card each, and wait for the other's. The
    first process of a training holds a lock until all of them have a card; the others begin when it
    holds it, and go on when it does.
    """
    cards = hashlib.sha256(" ".join(sorted(_identity(gpu, gpus) for gpu in gpus)).encode())
    turn = LOCKS / f"layer-pruning-gpu-turn-{cards.hexdigest()[:12]}.lock"
    if own.local_rank > 0:
        while not _held_by_fellow(turn):
            time.sleep(poll_seconds)
        yield
        while _held_by_fellow(turn):
            time.sleep(poll_seconds)
        return
    descriptor = _opened(turn)
    try:
        if not _locked(descriptor):
            logger.warning("another training of several processes waits for its GPUs: after it")
            while not _locked(descriptor):
                time.sleep(poll_seconds)
        yield
        while sum(_held_by_fellow(_lock_of(gpu, gpus)) for gpu in gpus) < own.count:
            time.sleep(poll_seconds)
    finally:
        os.close(descriptor)


def _fellows_are_told() -> bool:
    """Whether the kernel tells who holds a lock in ``LOCKS``: it does not on every file system."""
    with tempfile.NamedTemporaryFile(dir=LOCKS) as own:
        return _locked(own.fileno()) and _held_by_fellow(Path(own.name))


def _take(gpus: Sequence[str], poll_seconds: float) -> str:
    """As :func:`take_gpu`, without waiting for a turn."""
    waiting = False
    while True:
        for gpu in [name for name in gpus if name in _held] or gpus:
            if gpu in _held or _lock(gpu, gpus):
                logger.info("computing on GPU %s of %s", gpu, ", ".join(gpus))
                return gpu
        if all(_held_by_fellow(_lock_of(gpu, gpus)) for gpu in gpus):
            raise ValueError(
                f"training.processes: GPU {', '.join(gpus)} is all that one of the processes sees "
                "here, and others of the same training hold it; as many processes as GPUs would be "
                "right"
            )
        if not waiting:
            logger.warning("other jobs hold GPU %s: waiting until one ends", ", ".join(gpus))
            waiting = True
        time.sleep(poll_seconds)


def _lock(gpu: str, gpus: Sequence[str]) -> bool:
    """Whether this process now holds ``gpu``, one of ``gpus``."""
    descriptor = _opened(_lock_of(gpu, gpus))
    if not _locked(descriptor):
        os.close(descriptor)
        return False
    _held[gpu] = descriptor
    return True


def _locked(descriptor: int) -> bool:
    """Whether this process now has the lock of an open file."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _lock_of(gpu: str, gpus: Sequence[str]) -> Path:
    """The file that stands for the card which this process calls ``gpu``."""
    allocation = os.environ.get("SLURM_JOB_ID", "")
    name = re.sub(r"[^A-Za-z0-9-]", "_", f"layer-pruning-gpu-{allocation}-{_identity(gpu, gpus)}")
    return LOCKS / f"{name}.lock"


def _identity(gpu: str, gpus: Sequence[str]) -> str:
    """What tells the card ``gpu`` from others, and is the same in all processes that see it.

    "0" is the first card that a process may use, so another one in a process that is shown another
    one. Where no driver tells, it is taken that tasks of a step of SLURM with one card each were
    given different ones.
    """
    cards, index = _cards(), bus_index(gpu)
    card = cards[index] if index is not None and index < len(cards) else _Card(None)
    if card.bus is not None:
        return card.bus
    task = os.environ.get("SLURM_LOCALID", "0") if len(gpus) == 1 else "0"
    return gpu if task == "0" else f"{gpu}-task-{task}"


def _held_by_fellow(lock: Path) -> bool:
    """Whether another process of the same training holds ``lock``, as far as the kernel tells."""
    launcher = os.environ.get(LAUNCHER)
    if launcher is None:
        return False
    try:
        on_it = f":{lock.stat().st_ino} 0 EOF"
        lines = [line for line in LOCKED.read_text().splitlines() if line.endswith(on_it)]
    except OSError:
        return False
    # a file of another disk may have the same number
    return any(_started_by(launcher, line.split()[4]) for line in lines)


def _started_by(launcher: str, process: str) -> bool:
    """Whether a process was started by the launcher of a training."""
    try:
        settings = Path(f"/proc/{process}/environ").read_bytes().split(b"\0")
    except OSError:
        # it has ended meanwhile, or is another user's
        return False
    return f"{LAUNCHER}={launcher}".encode() in settings


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
