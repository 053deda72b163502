"""Energy of inference, pruned beside baseline, in interleaved windows."""

import math
import random
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Protocol

from layer_pruning.energy.record import (
    JOULES_PER_KWH,
    EnergySettings,
    check_country,
    in_one_line,
    method_of,
    offline_tracker,
    reduction_percent,
)
from layer_pruning.intervals import median_interval


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


def inference_energy(
    run_baseline: Callable[[], object],
    run_candidate: Callable[[], object],
    *,
    images: int,
    repeats: int,
    window_seconds: float,
    settings: EnergySettings,
    seed: int,
    batch_size: int | None = None,
    meter: Meter | None = None,
    clock: Callable[[], float] = time.perf_counter,
    sleep: Callable[[float], object] = time.sleep,
) -> dict[str, Any]:
    """Compare the energy per image of two networks; the content of energy.json's "inference".

    Each callable processes ``images`` images once and returns when that is done (on a GPU it
    synchronises). After one run of each that does not count, there are ``repeats`` rounds; in a
    round both are run in random order (``seed``), each over and over for at least
    ``window_seconds``. Interleaving spreads a drift of the machine over both. The median over
    the windows is reported, with its interval by order statistics, whose true coverage is
    ``interval_coverage`` (six repeats are the fewest that reach 95 %). What an image saves is the
    median over rounds of the baseline's joules less the network's in the same round.

    Where the meter says so, idle power is measured over one window beforehand and taken off;
    ``idle_watts`` is None otherwise. If the meter fails, ``measured`` is false, ``reason`` says
    why, and every number is None; what the callables raise is raised. Raises ValueError for
    counts below one.
    """
    for name, value in (("images", images), ("repeats", repeats)):
        if value < 1:
            raise ValueError(f"{name} must be at least 1, not {value}")
    if not 0 < window_seconds < math.inf:
        raise ValueError(f"window_seconds must be positive, not {window_seconds}")
    result: dict[str, Any] = {
        "measured": False,
        "reason": None,
        "images": images,
        "batch_size": batch_size,
        "repeats": repeats,
        "window_seconds": window_seconds,
        "joules_per_image": None,
        "joules_per_image_interval_low": None,
        "joules_per_image_interval_high": None,
        "interval_coverage": None,
        "seconds_per_image": None,
        "baseline_joules_per_image": None,
        "baseline_joules_per_image_interval_low": None,
        "baseline_joules_per_image_interval_high": None,
        "baseline_seconds_per_image": None,
        "saving_joules_per_image": None,
        "saving_joules_per_image_interval_low": None,
        "saving_joules_per_image_interval_high": None,
        "energy_reduction_percent": None,
        "idle_watts": None,
        "method": None,
    }
    own = None
    try:
        if meter is None:
            check_country(settings)
            try:
                meter = own = CodeCarbonMeter(settings)
            except Exception as error:
                raise _MeterError(in_one_line("the meter did not start", error)) from error
        result["method"] = dict(meter.method)

        run_baseline()
        run_candidate()
        idle = 0.0
        if meter.subtracts_idle:
            joules, seconds, _ = _window(meter, lambda: sleep(window_seconds), 0.0, clock)
            idle = result["idle_watts"] = joules / seconds
        runs = {"": run_candidate, "baseline_": run_baseline}
        calls = _interleaved(
            meter, runs, repeats=repeats, least_seconds=window_seconds, seed=seed, clock=clock
        )
    except _MeterError as error:
        result.update(reason=str(error), idle_watts=None)
        return result
    finally:
        if own is not None:
            own.close()

    energies = {
        prefix: [(joules - idle * seconds) / images for joules, seconds in windows]
        for prefix, windows in calls.items()
    }
    for prefix, windows in calls.items():
        result |= _median(f"{prefix}joules_per_image", energies[prefix])
        result[f"{prefix}seconds_per_image"] = statistics.median(s / images for _, s in windows)
    # within a round, so that a drift of the machine cancels out
    saved = [b - c for b, c in zip(energies["baseline_"], energies[""], strict=True)]
    result |= _median("saving_joules_per_image", saved)
    result["interval_coverage"] = median_interval(saved)[2]
    result["measured"] = True
    if result["baseline_joules_per_image"] > 0:
        result["energy_reduction_percent"] = reduction_percent(
            result["baseline_joules_per_image"], result["joules_per_image"]
        )
    else:
        result["reason"] = "the baseline draws no more than the idle machine: no reduction"
    return result


def _median(name: str, values: Sequence[float]) -> dict[str, float]:
    low, high, _ = median_interval(values)
    return {
        name: statistics.median(values),
        f"{name}_interval_low": low,
        f"{name}_interval_high": high,
    }


def energies_of_calls(
    runs: Mapping[str, Callable[[], object]],
    *,
    repeats: int,
    window_seconds: float,
    settings: EnergySettings,
    seed: int,
    meter: Meter | None = None,
) -> dict[str, float]:
    """Median joules of one call of each function, in interleaved windows as above.

    Raises ValueError where the meter fails: a vote on energy without a number would be a guess.
    """
    own = None if meter is not None else CodeCarbonMeter(settings)
    counter: Meter = meter or own  # type: ignore[assignment]
    try:
        calls = _interleaved(
            counter,
            runs,
            repeats=repeats,
            least_seconds=window_seconds,
            seed=seed,
            clock=time.perf_counter,
        )
    except _MeterError as error:
        raise ValueError(f"the energy of blocks cannot be measured: {error}") from error
    finally:
        if own is not None:
            own.close()
    return {name: statistics.median(j for j, _ in windows) for name, windows in calls.items()}


def _interleaved(
    meter: Meter,
    runs: Mapping[str, Callable[[], object]],
    *,
    repeats: int,
    least_seconds: float,
    seed: int,
    clock: Callable[[], float],
) -> dict[str, list[tuple[float, float]]]:
    """Joules and seconds of one call, of every window of each function.

    Every round has one window of each, in random order, so that a drift of the machine is spread
    over all of them.
    """
    generator = random.Random(seed)
    calls: dict[str, list[tuple[float, float]]] = {name: [] for name in runs}
    for _ in range(repeats):
        for name in generator.sample(list(runs), len(runs)):
            joules, seconds, count = _window(meter, runs[name], least_seconds, clock)
            calls[name].append((joules / count, seconds / count))
    return calls


class _MeterError(Exception):
    """The meter failed, as opposed to the work it was to measure."""


def _window(
    meter: Meter, run: Callable[[], object], least_seconds: float, clock: Callable[[], float]
) -> tuple[float, float, int]:
    """Run at least once and for ``least_seconds``; return joules, seconds and the count of runs."""
    try:
        meter.start()
    except Exception as error:
        raise _MeterError(in_one_line("the meter failed", error)) from error
    started = clock()
    count = 0
    while True:
        run()
        count += 1
        seconds = clock() - started
        if seconds >= least_seconds:
            break
    try:
        joules = meter.stop()
    except Exception as error:
        raise _MeterError(in_one_line("the meter failed", error)) from error
    if not math.isfinite(joules) or joules < 0 or seconds <= 0:
        raise _MeterError(f"the meter counted {joules} J in {seconds} s")
    return joules, seconds, count
