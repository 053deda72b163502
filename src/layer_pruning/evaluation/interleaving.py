"""Timing several functions in one process so that a drift of the machine hits all alike."""

import random
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from layer_pruning.intervals import median_interval

WARM_UP_ROUNDS = 2


@dataclass(frozen=True)
class Median:
    """A median with its 95 % interval by order statistics, whose true coverage stands beside it.

    Source: :func:`layer_pruning.intervals.median_interval`.
    """

    value: float
    low: float
    high: float
    coverage: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Median":
        """Of at least one value; ValueError on none."""
        return cls(statistics.median(values), *median_interval(values))

    def named(self, name: str) -> dict[str, float]:
        """As three entries of a record: ``name``, ``name_interval_low``, ``name_interval_high``."""
        ends = {f"{name}_interval_low": self.low, f"{name}_interval_high": self.high}
        return {name: self.value} | ends


def balanced_orders(names: Sequence[str], rounds: int, seed: int) -> Iterator[list[str]]:
    """``rounds`` orders of ``names``, random but balanced.

    Every ``len(names)`` rounds are the rotations of one random order, in random order: in them,
    each name has each place once. A name is thus early as often as late, and follows others at
    random.
    """
    generator = random.Random(seed)
    rotations: list[list[str]] = []
    for _ in range(rounds):
        if not rotations:
            order = generator.sample(list(names), len(names))
            rotations = [order[i:] + order[:i] for i in range(len(order))]
            generator.shuffle(rotations)
        yield rotations.pop()


def interleaved_seconds(
    runs: Mapping[str, Callable[[], object]],
    *,
    repeats: int,
    seed: int,
    warm_up: int = WARM_UP_ROUNDS,
    clock: Callable[[], int] = time.perf_counter_ns,
) -> dict[str, list[float]]:
    """Seconds of every call, by name; entry ``i`` of every list is from the same round.

    A round calls each function once, in an order of :func:`balanced_orders`; ``warm_up`` rounds
    before are not counted. A function returns when its result is there (on a GPU it
    synchronises). ``clock`` counts nanoseconds. Raises ValueError for fewer than one repeat.
    """
    if repeats < 1:
        raise ValueError(f"repeats must be at least 1, not {repeats}")
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for turn, order in enumerate(balanced_orders(list(runs), warm_up + repeats, seed)):
        for name in order:
            started = clock()
            runs[name]()
            ended = clock()
            if turn >= warm_up:
                seconds[name].append((ended - started) / 1e9)
    return seconds


def ratio(numerator: Sequence[float], denominator: Sequence[float]) -> Median:
    """Median over rounds of the ratio of two functions' seconds in the same round.

    Paired, so that what slows a whole round down cancels out. A time of zero, below what the
    clock can tell, raises ValueError.
    """
    if not min(denominator, default=0.0) > 0:
        raise ValueError("a call took no measurable time: a larger batch size would be right")
    return Median.of([a / b for a, b in zip(numerator, denominator, strict=True)])
