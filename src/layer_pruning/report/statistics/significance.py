"""Quantiles of several comparisons at once, and the interval of a single mean.

Of everything that says "significant" or "95 %" in the report, the distribution is here; what is
compared with what is in ``repeated``.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from statistics import fmean, stdev
from typing import Literal

import numpy as np
from scipy import special

LEVEL = 0.95
POWER = 0.8
"""With this probability a difference of the size that "would have been seen" is seen."""

Kind = Literal["dunnett", "tukey", "separate"]
"""Which differences are made at once: of ``count`` means to one more mean that they share, between
every two of ``count`` means, or ``count`` that share nothing but the estimate of the variance."""


def t_quantile(freedom: float, level: float = LEVEL) -> float:
    """The t with P(-t <= T <= t) = ``level`` of Student's t."""
    return float(special.stdtrit(freedom, (1 + level) / 2))


def normal_quantile(level: float = LEVEL, comparisons: int = 1) -> float:
    """The same of a normal distribution, corrected for so many comparisons (Bonferroni)."""
    return float(special.ndtri(1 - (1 - level) / (2 * comparisons)))


def all_inside(t: float, kind: Kind, count: int, freedom: float) -> float:
    """P(no |T| of several comparisons is above ``t``): a difference over its standard error each.

    All share one estimate of the variance with ``freedom`` degrees of freedom, which need not be
    whole. One comparison is Student's t. Differences to a shared mean follow Dunnett's
    distribution (J. Am. Stat. Assoc. 50, 1955, 1096-1121), those between all pairs Tukey's
    studentised range (t is the range over the square root of 2), and separate ones the studentised
    maximum modulus. By the trapezoidal rule, in the shared mean and the logarithm of the estimate.
    """
    if freedom <= 0:
        raise ValueError(f"{freedom} degrees of freedom, expected more than 0")
    if count < 1 or (kind == "tukey" and count < 2):
        raise ValueError(f"{count} means give nothing to compare")
    if math.isinf(t):
        return 1.0
    scale, weight = _scales(freedom)
    z = np.linspace(-7, 7, 57)[:, np.newaxis]
    normal = np.exp(-z * z / 2) / math.sqrt(2 * math.pi) * (z[1] - z[0])
    reach = t * scale
    if kind == "separate":
        inside = (2 * special.ndtr(reach) - 1) ** count
    elif kind == "dunnett":
        near = special.ndtr(z + math.sqrt(2) * reach) - special.ndtr(z - math.sqrt(2) * reach)
        inside = (normal * near**count).sum(axis=0)
    else:
        below = special.ndtr(z) - special.ndtr(z - math.sqrt(2) * reach)
        inside = (normal * count * below ** (count - 1)).sum(axis=0)
    return float(min(1.0, max(0.0, (inside * weight).sum())))


@cache
def _scales(freedom: float) -> tuple[np.ndarray, np.ndarray]:
    """Estimated over true standard deviation, and the probability of each value; they sum to 1."""
    ends = [special.chdtri(freedom, p) / freedom for p in (1 - 1e-12, 1e-15)]
    log = np.linspace(0.5 * math.log(max(ends[0], 1e-24)), 0.5 * math.log(ends[1]), 101)
    density = freedom * (log - np.exp(2 * log) / 2)
    weight = np.exp(density - density.max())
    return np.exp(log), weight / weight.sum()


@cache
def critical_t(kind: Kind, count: int, freedom: float, level: float = LEVEL) -> float:
    """The t that no |T| of the comparisons is above with probability ``level``.

    By regula falsi (Illinois) between the t of one comparison and that of Bonferroni's correction.
    """
    pairs = math.comb(count, 2) if kind == "tukey" else count
    low, high = t_quantile(freedom, level), t_quantile(freedom, 1 - (1 - level) / pairs)
    below, above = (all_inside(t, kind, count, freedom) - level for t in (low, high))
    if above - below < 1e-9 or below >= 0:
        return low
    middle = high
    for _ in range(60):
        middle = (low * above - high * below) / (above - below)
        error = all_inside(middle, kind, count, freedom) - level
        if abs(error) < 1e-9 * (1 - level):
            break
        if error < 0:
            low, below, above = middle, error, above / 2
        else:
            high, above, below = middle, error, below / 2
    return middle


@dataclass(frozen=True)
class Mean:
    """A mean over seeds with its sample standard deviation and 95 % t-interval.

    With one value there is no deviation and no interval: they are NaN. The same holds for the
    interval where all values are equal, zeros too: two accuracies counted on the same images
    differ by whole images, so a spread of exactly zero is rounding and not certainty.
    """

    values: int
    mean: float
    deviation: float
    low: float
    high: float

    @classmethod
    def of(
        cls,
        values: Iterable[float],
        bounds: tuple[float, float] = (-math.inf, math.inf),
        comparisons: int = 1,
    ) -> "Mean":
        """From the values, one a seed; NaN among them makes everything NaN.

        The interval ends at ``bounds``, beyond which no mean can lie: 0 and 1 for an accuracy.
        Of several ``comparisons`` all intervals hold at once with 95 % (Bonferroni).
        """
        sample = [float(value) for value in values]
        if not sample:
            raise ValueError("no values to average, expected at least one seed")
        count, mean = len(sample), fmean(sample)
        if count == 1 or math.isnan(mean):
            return cls(count, mean, math.nan, math.nan, math.nan)
        deviation = stdev(sample)
        if deviation <= 1e-12 * max(1.0, abs(mean)):
            return cls(count, mean, 0.0, math.nan, math.nan)
        level = 1 - (1 - LEVEL) / comparisons
        half = t_quantile(count - 1, level) * deviation / math.sqrt(count)
        low, high = max(bounds[0], mean - half), min(bounds[1], mean + half)
        return cls(count, mean, deviation, low, high)


def bounded_interval(values: Iterable[float]) -> tuple[float, float]:
    """95 % interval of a mean of numbers between 0 and 1, one an image.

    Two numbers 0 and two numbers 1 are added, so that no interval collapses where all are equal;
    for numbers that are all 0 or 1 this is the interval of Agresti and Coull (1998).
    """
    sample = np.asarray(list(values), dtype=float)
    count = len(sample) + 4
    mean = (sample.sum() + 2) / count
    spread = max(0.0, (np.square(sample).sum() + 2) / count - mean**2)
    half = normal_quantile() * math.sqrt(spread / count)
    return float(max(0.0, mean - half)), float(min(1.0, mean + half))
