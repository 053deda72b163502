"""Energy of inference, pruned beside baseline, in interleaved windows."""

import logging
import math
import random
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any

from layer_pruning.energy.measurement import in_one_line
from layer_pruning.energy.meter import Meter, MeterError, started_meter
from layer_pruning.energy.record import EnergySettings, reduction_percent
from layer_pruning.intervals import median_interval

logger = logging.getLogger(__name__)

KEYS = (
    "measured",
    "reason",
    "images",
    "batch_size",
    "repeats",
    "window_seconds",
    "joules_per_image",
    "joules_per_image_interval_low",
    "joules_per_image_interval_high",
    "interval_coverage",
    "seconds_per_image",
    "baseline_joules_per_image",
    "baseline_joules_per_image_interval_low",
    "baseline_joules_per_image_interval_high",
    "baseline_seconds_per_image",
    "saving_joules_per_image",
    "saving_joules_per_image_interval_low",
    "saving_joules_per_image_interval_high",
    "energy_reduction_percent",
    "idle_watts",
    "method",
)
"""Of a comparison, in this order: a number that was not measured is None."""


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
    ``idle_watts`` is None otherwise. If the meter fails, or a network is metered below idle,
    ``measured`` is false, ``reason`` says
    why, and every number is None; what the callables raise is raised. Raises ValueError for
    counts below one.
    """
    for name, value in (("images", images), ("repeats", repeats)):
        if value < 1:
            raise ValueError(f"{name} must be at least 1, not {value}")
    if not 0 < window_seconds < math.inf:
        raise ValueError(f"window_seconds must be positive, not {window_seconds}")
    result: dict[str, Any] = dict.fromkeys(KEYS) | {
        "measured": False,
        "images": images,
        "batch_size": batch_size,
        "repeats": repeats,
        "window_seconds": window_seconds,
    }
    idle = None
    try:
        with nullcontext(meter) if meter is not None else started_meter(settings) as counter:
            result["method"] = dict(counter.method)
            run_baseline()
            run_candidate()
            idle = _idle_watts(counter, lambda: sleep(window_seconds), clock)
            windows = _interleaved(
                counter,
                {"": run_candidate, "baseline_": run_baseline},
                repeats=repeats,
                least_seconds=window_seconds,
                seed=seed,
                clock=clock,
            )
    except MeterError as error:
        return result | {"reason": str(error)}
    compared = _compared(windows, images, idle or 0.0)
    # true for NaN as well
    if not (compared["baseline_joules_per_image"] > 0 and compared["joules_per_image"] > 0):
        return result | {
            "idle_watts": idle,
            "reason": f"the machine drew no more than its {idle or 0.0:.3g} W of idle power under "
            "load: other work ran while it was to be idle, or the load is too small to see; "
            "a larger energy.batch_size or energy.window_seconds would show more",
        }
    return result | {"measured": True, "idle_watts": idle} | compared


def _compared(
    windows: Mapping[str, Sequence[tuple[float, float]]], images: int, idle_watts: float
) -> dict[str, Any]:
    """What joules and seconds of one call, window by window, say of both networks."""
    energies = {
        prefix: [(joules - idle_watts * seconds) / images for joules, seconds in calls]
        for prefix, calls in windows.items()
    }
    # within a round, so that a drift of the machine cancels out
    saved = [b - c for b, c in zip(energies["baseline_"], energies[""], strict=True)]
    result: dict[str, Any] = {"interval_coverage": median_interval(saved)[2]}
    for prefix, calls in windows.items():
        result |= _median(f"{prefix}joules_per_image", energies[prefix])
        result[f"{prefix}seconds_per_image"] = statistics.median(s / images for _, s in calls)
    result |= _median("saving_joules_per_image", saved)
    if result["baseline_joules_per_image"] > 0:
        result["energy_reduction_percent"] = reduction_percent(
            result["baseline_joules_per_image"], result["joules_per_image"]
        )
    return result


def _idle_watts(
    meter: Meter, rest: Callable[[], object], clock: Callable[[], float]
) -> float | None:
    """What the machine draws while nothing is asked of it, over one rest; None if it stays in."""
    if not meter.subtracts_idle:
        return None
    joules, seconds, _ = _window(meter, rest, 0.0, clock)
    return joules / seconds


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
    clock: Callable[[], float] = time.perf_counter,
    sleep: Callable[[float], object] = time.sleep,
) -> dict[str, float]:
    """Median joules of one call of each function, in interleaved windows as above, idle power off.

    Raises ValueError where the meter fails, or counts no more than idle power: a vote on energy
    without a number would be a guess.
    """
    try:
        with nullcontext(meter) if meter is not None else started_meter(settings) as counter:
            idle = _idle_watts(counter, lambda: sleep(window_seconds), clock) or 0.0
            calls = _interleaved(
                counter,
                runs,
                repeats=repeats,
                least_seconds=window_seconds,
                seed=seed,
                clock=clock,
            )
    except MeterError as error:
        raise ValueError(f"the energy of blocks cannot be measured: {error}") from error
    energies = {
        name: statistics.median(joules - idle * seconds for joules, seconds in windows)
        for name, windows in calls.items()
    }
    for name, joules in energies.items():
        if idle and not joules > 0:
            raise ValueError(
                f"the energy of blocks cannot be measured: {name} drew no more than the {idle:.3g} "
                "W of idle power: other work ran while the machine was to be idle, or the load is "
                "too small to see; a larger savings.batch_size or energy.window_seconds would show "
                "more"
            )
    return energies


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
    for turn in range(repeats):
        seconds = len(runs) * least_seconds
        logger.info("energy: round %d of %d, each of %.0f s or more", turn + 1, repeats, seconds)
        for name in generator.sample(list(runs), len(runs)):
            joules, seconds, count = _window(meter, runs[name], least_seconds, clock)
            calls[name].append((joules / count, seconds / count))
    return calls


def _window(
    meter: Meter, run: Callable[[], object], least_seconds: float, clock: Callable[[], float]
) -> tuple[float, float, int]:
    """Run at least once and for ``least_seconds``; return joules, seconds and the count of runs."""
    try:
        meter.start()
    except Exception as error:
        raise MeterError(in_one_line("the meter failed", error)) from error
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
        raise MeterError(in_one_line("the meter failed", error)) from error
    if not math.isfinite(joules) or joules < 0 or seconds <= 0:
        raise MeterError(f"the meter counted {joules} J in {seconds} s")
    return joules, seconds, count
