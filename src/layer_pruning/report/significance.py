"""The few statistics that the report needs, in the standard library alone.

scipy has all of them, but importing its statistics costs a second per job, and the degrees of
freedom here are whole numbers, for which closed forms exist.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean, stdev

import numpy as np

LEVEL = 0.95
Z = NormalDist().inv_cdf(0.5 + LEVEL / 2)
# units up to which every way to flip the signs is counted; it takes a second
_EXACT = 20_000

NO_DIFFERENCE = "no significant difference"
ONE_SEED = "one seed: no interval"
NO_SPREAD = "no interval: the same difference in every seed"


def t_inside(t: float, freedom: int) -> float:
    """P(-t <= T <= t) of Student's t with ``freedom`` degrees of freedom, t >= 0.

    Finite sums for whole degrees of freedom: Abramowitz and Stegun, 26.7.3 and 26.7.4.
    """
    if freedom < 1:
        raise ValueError(f"{freedom} degrees of freedom, expected at least 1")
    angle = math.atan(t / math.sqrt(freedom))
    sine, cosine = math.sin(angle), math.cos(angle)
    odd = freedom % 2 == 1
    term = cosine if odd else 1.0
    total = 0.0
    for power in range(1 if odd else 0, freedom - 1, 2):
        total += term
        term *= cosine * cosine * (power + 1) / (power + 2)
    return 2 / math.pi * (angle + sine * total) if odd else sine * total


def t_quantile(freedom: int, level: float = LEVEL) -> float:
    """The t with P(-t <= T <= t) = ``level``, by bisection."""
    low, high = 0.0, 1.0
    while t_inside(high, freedom) < level:
        high *= 2
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if t_inside(middle, freedom) < level else (low, middle)
    return (low + high) / 2


@dataclass(frozen=True)
class Mean:
    """A mean over seeds with its sample standard deviation and 95 % t-interval.

    With one value there is no deviation and no interval: they are NaN. The same holds for the
    interval when all values are equal but not zero: two accuracies counted on the same images
    differ by whole images, so a spread of exactly zero is rounding and not certainty.
    """

    values: int
    mean: float
    deviation: float
    low: float
    high: float
    p_value: float

    @classmethod
    def of(cls, values: Iterable[float]) -> "Mean":
        """From the values, one a seed; NaN among them makes everything NaN."""
        sample = [float(value) for value in values]
        if not sample:
            raise ValueError("no values to average, expected at least one seed")
        count, mean = len(sample), fmean(sample)
        if count == 1 or math.isnan(mean):
            return cls(count, mean, math.nan, math.nan, math.nan, math.nan)
        deviation = stdev(sample)
        if deviation <= 1e-12 * max(1.0, abs(mean)):
            if abs(mean) <= 1e-12:
                return cls(count, 0.0, 0.0, 0.0, 0.0, 1.0)
            return cls(count, mean, 0.0, math.nan, math.nan, math.nan)
        error = deviation / math.sqrt(count)
        half = t_quantile(count - 1) * error
        p_value = max(0.0, 1.0 - t_inside(abs(mean) / error, count - 1))
        return cls(count, mean, deviation, mean - half, mean + half, p_value)

    def verdict(self, higher: str, lower: str) -> str:
        """``higher`` or ``lower`` when 0 is outside the interval, else why it cannot be said."""
        if math.isnan(self.mean):
            return ""
        if self.values == 1:
            return ONE_SEED
        if math.isnan(self.low):
            return NO_SPREAD
        if self.low <= 0.0 <= self.high:
            return NO_DIFFERENCE
        return higher if self.mean > 0 else lower


def mcnemar(lost: int, gained: int) -> float:
    """Exact two-sided McNemar p: a fair coin for every image on which two networks differ.

    ``lost`` images only the first network gets right, ``gained`` only the second.
    """
    if lost < 0 or gained < 0:
        raise ValueError(f"counts {lost} and {gained}, expected none below 0")
    differing = lost + gained
    tail = sum(math.comb(differing, k) for k in range(min(lost, gained) + 1))
    return float(min(1.0, 2 * tail / 2**differing))


def sign_flip(differences: Sequence[int]) -> float:
    """Exact two-sided p of a sum of whole numbers whose signs are fair coins.

    One number an image: how many more of the seeds get it right after pruning. Flipping the image
    as a whole keeps together the seeds that were attacked on the same image, which are not
    independent; with one seed this is McNemar's test. Sums of more than 20,000 units take the
    normal distribution that they then follow closely.
    """
    sizes = np.abs(np.asarray(differences, dtype=int))
    observed = abs(int(sum(differences)))
    if sizes.max(initial=0) <= 1:
        gained = (int(sizes.sum()) + observed) // 2
        return mcnemar(int(sizes.sum()) - gained, gained)
    if sizes.sum() > _EXACT:
        deviation = math.sqrt(float(np.square(sizes, dtype=float).sum()))
        return float(min(1.0, 2 * NormalDist().cdf(-observed / deviation)))
    chances = np.ones(1)
    for size in range(1, int(sizes.max()) + 1):
        count = int(np.sum(sizes == size))
        if count == 0:
            continue
        logs = [
            math.lgamma(count + 1) - math.lgamma(k + 1) - math.lgamma(count - k + 1)
            for k in range(count + 1)
        ]
        spread = np.zeros(2 * size * count + 1)
        spread[:: 2 * size] = np.exp(np.array(logs) - count * math.log(2))
        chances = np.convolve(chances, spread)
    centre = len(chances) // 2
    far = np.abs(np.arange(len(chances)) - centre) >= observed
    return float(min(1.0, chances[far].sum()))


def paired_interval(differences: Iterable[float], comparisons: int = 1) -> tuple[float, float]:
    """95 % interval of a mean paired difference, one number in [-1, 1] an image.

    With several ``comparisons``, each at the level 1 - 0.05 / comparisons (Bonferroni): all of
    their intervals hold at once with 95 %.
    Agresti and Min (2005): half a pair is added to each cell of the two-by-two table, i.e. two
    pairs that cancel out and one unit of squares; so no interval collapses when nothing differs.
    """
    sample = np.asarray(list(differences), dtype=float)
    pairs = len(sample) + 2
    mean = sample.sum() / pairs
    z = NormalDist().inv_cdf(1 - (1 - LEVEL) / (2 * comparisons))
    half = z * math.sqrt(max(0.0, (np.square(sample).sum() + 1) / pairs - mean**2) / pairs)
    return float(max(-1.0, mean - half)), float(min(1.0, mean + half))


def bounded_interval(values: Iterable[float]) -> tuple[float, float]:
    """95 % interval of a mean of numbers between 0 and 1, one an image.

    Two numbers 0 and two numbers 1 are added, so that no interval collapses where all are equal;
    for numbers that are all 0 or 1 this is the interval of Agresti and Coull (1998).
    """
    sample = np.asarray(list(values), dtype=float)
    count = len(sample) + 4
    mean = (sample.sum() + 2) / count
    half = Z * math.sqrt(max(0.0, (np.square(sample).sum() + 2) / count - mean**2) / count)
    return float(max(0.0, mean - half)), float(min(1.0, mean + half))


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down correction, in the given order; NaN stays NaN and does not count."""
    order = sorted(
        (i for i, p in enumerate(p_values) if not math.isnan(p)), key=lambda i: p_values[i]
    )
    corrected, floor = [math.nan] * len(p_values), 0.0
    for place, index in enumerate(order):
        floor = max(floor, min(1.0, (len(order) - place) * p_values[index]))
        corrected[index] = floor
    return corrected
