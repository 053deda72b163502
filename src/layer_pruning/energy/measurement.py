"""Energy of a with-block, whose work goes on whatever becomes of the tracker."""

import dataclasses
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from layer_pruning.energy.record import (
    EmissionsRecord,
    EnergySettings,
    check_country,
    checked,
    not_measured,
)
from layer_pruning.energy.tracker import method_of, offline_tracker


class Measurement:
    """What ``measured`` yields; ``record`` is there once the block has ended."""

    def __init__(self) -> None:
        self._record: EmissionsRecord | None = None
        self._read: Callable[[], EmissionsRecord] | None = None

    @property
    def record(self) -> EmissionsRecord:
        """The record of the block; RuntimeError while the block still runs."""
        if self._record is None:
            raise RuntimeError("the record is available after the measured block has ended")
        return self._record

    def so_far(self) -> EmissionsRecord:
        """The record from the start of the block until now; it goes on.

        A tracker that fails gives a record that is not measured, and never an error. RuntimeError
        before the block has begun.
        """
        if self._record is not None:
            return self._record
        if self._read is None:
            raise RuntimeError("nothing is measured before the block has begun")
        return self._read()


@contextmanager
def measured(
    settings: EnergySettings,
    *,
    clock: Callable[[], float] = time.perf_counter,
    create_tracker: Callable[[EnergySettings], Any] | None = None,
) -> Iterator[Measurement]:
    """Measure the energy of a with-block; the yielded object has its ``record`` afterwards.

    The window is the block alone: the tracker's hardware lookup comes before it. A tracker that
    fails never fails the work, the record then says so with ``measured`` false. What the block
    raises is raised, KeyboardInterrupt included. ``create_tracker`` stands in for CodeCarbon in
    tests. Raises ValueError before the block if CodeCarbon has no data for the country, where it
    would silently take the world average.
    """
    check_country(settings)
    measurement = Measurement()
    tracker: Any = None
    reason: str | None = None
    try:
        tracker = (create_tracker or offline_tracker)(settings)
        tracker.start()
    except Exception as error:
        reason = in_one_line("the tracker did not start", error)
    started, cpu_started = clock(), _cpu_seconds()

    def so_far() -> EmissionsRecord:
        if reason is not None:
            return not_measured(settings, reason)
        try:
            tracker.flush()
            return _record(
                settings,
                tracker,
                tracker.last_output.data,
                clock() - started,
                _cpu_seconds() - cpu_started,
            )
        except Exception as error:
            return not_measured(settings, in_one_line("the tracker failed", error))

    measurement._read = so_far
    try:
        yield measurement
    finally:
        duration, cpu_seconds = clock() - started, _cpu_seconds() - cpu_started
        record: EmissionsRecord | None = None
        if tracker is not None:
            # also after a failed start, as threads of the tracker may be running
            try:
                tracker.stop()
                if reason is None:
                    # its stop() logs its errors and goes on, so the data may be missing
                    data = getattr(tracker, "final_emissions_data", None)
                    record = _record(settings, tracker, data, duration, cpu_seconds)
            except Exception as error:
                reason = reason or in_one_line("the tracker failed", error)
        measurement._record = record or not_measured(settings, reason or "no reason given")


def in_one_line(what: str, error: Exception) -> str:
    """``what`` failed, and how, without line breaks."""
    return " ".join(f"{what}: {type(error).__name__}: {error}".split())


def _cpu_seconds() -> float:
    # os.times counts in hundredths of a second, which is too coarse for this process itself
    times = os.times()
    return time.process_time() + times.children_user + times.children_system


def _record(
    settings: EnergySettings, tracker: Any, data: Any, duration: float, cpu_seconds: float
) -> EmissionsRecord:
    if data is None:
        raise RuntimeError("CodeCarbon returned no data")
    energy = float(data.energy_consumed)
    if settings.carbon_intensity_g_per_kwh is not None:
        intensity = float(settings.carbon_intensity_g_per_kwh)
    elif energy > 0:
        # rounded, so that all records of a country hold the same number
        intensity = round(float(data.emissions) / energy * 1000, 6)
    else:
        raise RuntimeError("CodeCarbon counted no energy, so the carbon intensity is unknown")
    method = method_of(tracker)
    record = EmissionsRecord(
        measured=True,
        reason=None,
        duration_seconds=duration,
        energy_kwh=energy,
        cpu_energy_kwh=float(data.cpu_energy),
        gpu_energy_kwh=float(data.gpu_energy),
        ram_energy_kwh=float(data.ram_energy),
        emissions_kg_co2e=energy * intensity / 1000,
        carbon_intensity_g_per_kwh=intensity,
        cpu_seconds=cpu_seconds,
        method=method,
        tracking_mode=settings.tracking_mode,
        codecarbon_version=str(data.codecarbon_version),
        cpu_model=data.cpu_model or None,
        gpu_model=None if method["gpu"] == "none" else data.gpu_model or None,
        country_iso_code=settings.country_iso_code,
    )
    return checked(dataclasses.asdict(record), "the tracker's data")
