"""What else the machine was doing while something was timed."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Usage:
    """Seconds since some beginning: of wall time, of CPU time of all processes, of this one."""

    wall: float
    machine: float
    own: float


def usage() -> Usage:
    """The usage so far. The time that other virtual machines take is not seen."""
    # a dependency of CodeCarbon; it knows how every operating system counts
    import psutil  # type: ignore[import-untyped]

    times = psutil.cpu_times()
    busy = sum(getattr(times, kind, 0.0) for kind in ("user", "nice", "system", "irq", "softirq"))
    own = os.times()
    return Usage(
        time.perf_counter(), busy, time.process_time() + own.children_user + own.children_system
    )


def other_cores(before: Usage, after: Usage) -> float:
    """Cores that other processes kept busy between two moments."""
    wall = after.wall - before.wall
    others = (after.machine - before.machine) - (after.own - before.own)
    # the machine counts in hundredths of a second, so that a small difference may be negative
    return max(0.0, others / wall) if wall > 0 else 0.0


class LoadWatch:
    """Watches the machine from its making on; :meth:`record` says what it saw.

    It looks for ``seconds`` before it returns. Where the machine gives no such figures, the record
    says so and the numbers are None: a timing never fails for want of them.
    """

    def __init__(self, seconds: float = 0.25, read: Callable[[], Usage] = usage) -> None:
        self._read = read
        self._record: dict[str, Any] = {
            "cores": os.cpu_count(),
            "load_average_1_minute": None,
            "other_cores_before": None,
            "other_cores_during": None,
            "reason": None,
        }
        try:
            start = read()
            time.sleep(seconds)
            self._started = read()
            self._record["other_cores_before"] = other_cores(start, self._started)
            self._record["load_average_1_minute"] = os.getloadavg()[0]
        except Exception as error:
            self._fail(error)

    def record(self) -> dict[str, Any]:
        """The load at the start and until now; to be written as JSON."""
        if self._record["reason"] is None:
            try:
                self._record["other_cores_during"] = other_cores(self._started, self._read())
            except Exception as error:
                self._fail(error)
        return dict(self._record)

    def _fail(self, error: Exception) -> None:
        text = " ".join(f"not measured: {type(error).__name__}: {error}".split())
        self._record["reason"] = text
