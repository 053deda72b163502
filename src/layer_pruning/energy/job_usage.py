"""What a job used, and its energy estimated from that.

Starting a tracker of energy takes longer than many jobs. Their CPU and wall seconds cost nothing
to record. Trainings have a tracker; what they drew in a CPU second on this machine is the power
model by which the energy of other jobs is estimated, and the estimate is called one.
"""

import math
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass

from layer_pruning.energy.record import JOULES_PER_KWH, EmissionsRecord
from layer_pruning.runtime.record_files import damaged, read_record_file, write_record_file

LEAST_CPU_SECONDS = 0.1
"""Trackers of less are too coarse to take a rate from."""


@dataclass(frozen=True)
class JobUsage:
    """CPU seconds of a job and its children, wall seconds of its process, and whether on a GPU.

    Starting Python and its imports are part of both. Only the attempt that succeeded counts.
    """

    cpu_seconds: float
    wall_seconds: float
    gpu: bool


@contextmanager
def usage_recorded(
    path: str | os.PathLike[str], shards: Sequence[str | os.PathLike[str]] = ()
) -> Iterator[None]:
    """Write what the process used until the end of the block, if that ends well.

    What the ``shards`` used whose work it joins, by their files, is added.
    """
    started = time.perf_counter()
    yield
    wall = time.perf_counter() - started
    try:
        import psutil  # type: ignore[import-untyped]

        wall = max(wall, time.time() - psutil.Process().create_time())
    except Exception:  # then the start of the process is not in the wall time
        pass
    times = os.times()
    torch = sys.modules.get("torch")
    cpu = time.process_time() + times.children_user + times.children_system
    gpu = bool(torch and torch.cuda.is_initialized())
    usages = [JobUsage(cpu, wall, gpu), *map(read_usage, shards)]
    usage = JobUsage(
        cpu_seconds=math.fsum(one.cpu_seconds for one in usages),
        wall_seconds=math.fsum(one.wall_seconds for one in usages),
        gpu=any(one.gpu for one in usages),
    )
    write_record_file(path, asdict(usage))


def read_usage(path: str | os.PathLike[str]) -> JobUsage:
    """Read what :func:`usage_recorded` wrote; ValueError naming the file if it is not that."""
    values = read_record_file(path)
    try:
        usage = JobUsage(**values)
        if not all(0 <= getattr(usage, key) < math.inf for key in ("cpu_seconds", "wall_seconds")):
            raise ValueError("seconds should be numbers of 0 or more")
        return usage
    except (TypeError, ValueError) as error:
        damaged(path, f"no record of a job's usage ({error})")


@dataclass(frozen=True)
class PowerModel:
    """Rates at which measured work on this machine drew energy.

    Joules of the processor and of the memory in a CPU second, and the mean watts of the GPU.
    CodeCarbon books memory by wall time, for the whole machine; by CPU time, jobs that run side
    by side or wait for each other do not book it several times over.
    """

    joules_per_cpu_second: float
    ram_joules_per_cpu_second: float
    gpu_watts: float

    @classmethod
    def of(cls, records: Sequence[EmissionsRecord]) -> "PowerModel":
        """The pooled rates of the records that were measured.

        Raises ValueError where there are none, or where they cover too little CPU time.
        """
        measured = [record for record in records if record.measured]

        def total(key: str) -> float:
            return math.fsum(getattr(record, key) for record in measured)

        cpu_seconds, seconds = total("cpu_seconds"), total("duration_seconds")
        if cpu_seconds < LEAST_CPU_SECONDS or seconds <= 0:
            raise ValueError(
                f"the measured trainings took {cpu_seconds:.2g} s of CPU time, too little for a "
                "power model"
            )
        return cls(
            total("cpu_energy_kwh") * JOULES_PER_KWH / cpu_seconds,
            total("ram_energy_kwh") * JOULES_PER_KWH / cpu_seconds,
            total("gpu_energy_kwh") * JOULES_PER_KWH / seconds,
        )

    def joules(self, usages: Sequence[JobUsage]) -> float:
        """Estimated joules of jobs. Raises ValueError for a GPU job if no training was on one."""
        if self.gpu_watts == 0 and any(usage.gpu for usage in usages):
            raise ValueError("a job ran on a GPU and no training did, so its power is not known")
        rate = self.joules_per_cpu_second + self.ram_joules_per_cpu_second
        return math.fsum(
            rate * usage.cpu_seconds + (self.gpu_watts * usage.wall_seconds if usage.gpu else 0.0)
            for usage in usages
        )

    def method(self, usages: Sequence[JobUsage]) -> dict[str, str]:
        """How :meth:`joules` comes about, for each component; an estimate throughout."""
        rates = "of the measured trainings"
        gpu = f"estimate: wall seconds × {self.gpu_watts:.3g} W {rates}"
        return {
            "cpu": f"estimate: CPU seconds × {self.joules_per_cpu_second:.3g} W {rates}",
            "gpu": gpu if any(usage.gpu for usage in usages) else "none",
            "ram": f"estimate: CPU seconds × {self.ram_joules_per_cpu_second:.3g} W {rates}",
        }
