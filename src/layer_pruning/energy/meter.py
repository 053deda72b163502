"""What counts the joules of a window of work."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Protocol

from layer_pruning.energy.measurement import in_one_line
from layer_pruning.energy.record import JOULES_PER_KWH, EnergySettings, check_country
from layer_pruning.energy.tracker import method_of, offline_tracker


class Meter(Protocol):
    """Counts joules between ``start`` and ``stop``.

    ``method`` says of each component how; ``subtracts_idle`` whether the joules include what
    the machine draws anyway, which is then measured and taken off.
    """

    method: dict[str, str]
    subtracts_idle: bool

    def start(self) -> None:
        """Begin a window."""

    def stop(self) -> float:
        """End the window and return its joules."""


class MeterError(Exception):
    """The meter failed, as opposed to the work it was to measure."""


class CodeCarbonMeter:
    """A meter on one CodeCarbon tracker, so that the hardware is looked up once.

    Idle power is taken off where the numbers include it: in machine mode and with counters. The
    estimates of process mode follow the CPU time of this process, and their RAM share follows
    wall time; there nothing is taken off.
    """

    def __init__(self, settings: EnergySettings) -> None:
        self._tracker = offline_tracker(settings)
        self.method = method_of(self._tracker)
        counted = any(how.startswith("counter") for how in self.method.values())
        self.subtracts_idle = settings.tracking_mode == "machine" or counted
        # the first window pays for reading CodeCarbon's tables
        self.start()
        self.stop()

    def start(self) -> None:
        """Begin a window."""
        self._tracker.start_task()

    def stop(self) -> float:
        """End the window and return its joules; RuntimeError if CodeCarbon returned none."""
        data = self._tracker.stop_task()
        if data is None:
            raise RuntimeError("CodeCarbon returned no data")
        return float(data.energy_consumed) * JOULES_PER_KWH

    def close(self) -> None:
        """Stop the tracker and its threads; what goes wrong then no longer matters."""
        with suppress(Exception):
            self._tracker.stop()


@contextmanager
def started_meter(settings: EnergySettings) -> Iterator[Meter]:
    """A meter of CodeCarbon for a with-block.

    Raises ValueError for a country that CodeCarbon has no data for, and MeterError where the
    meter does not start.
    """
    check_country(settings)
    try:
        meter = CodeCarbonMeter(settings)
    except Exception as error:
        raise MeterError(in_one_line("the meter did not start", error)) from error
    try:
        yield meter
    finally:
        meter.close()
