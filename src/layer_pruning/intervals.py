"""Confidence intervals of a proportion and of a median."""

import math
from collections.abc import Sequence
from statistics import NormalDist

INTERVAL = "Wilson 95 %"

_Z = NormalDist().inv_cdf(0.975)


def wilson_interval(successes: int, n: int) -> tuple[float, float]:
    """Return the 95 % Wilson score interval (low, high) of a proportion.

    ``successes`` of ``n`` independent trials succeeded. The interval is asymmetric, stays inside
    [0, 1] and has a width above zero at 0 and at n successes, where p +- 1.96 s has none. Raises
    ValueError unless 0 <= successes <= n and n >= 1.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference",
    J. Am. Stat. Assoc. 22 (1927) 209-212.
    """
    if n < 1 or not 0 <= successes <= n:
        raise ValueError(f"successes must lie in 0..n with n >= 1, not {successes} of {n}")
    p = successes / n
    z2 = _Z * _Z
    centre = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z / (1 + z2 / n) * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    # the two ends are exact in theory; rounding must not put the proportion outside
    low = 0.0 if successes == 0 else min(max(centre - half, 0.0), p)
    high = 1.0 if successes == n else max(min(centre + half, 1.0), p)
    return low, high


def median_interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Return (low, high, coverage) of the 95 % interval of the median by order statistics.

    The k-th smallest and the k-th largest value enclose the median with probability
    1 - 2 P(B < k), B binomial (n, 1/2), whatever the distribution; k is the largest that still
    gives 95 %. With fewer than six values none does: then the smallest and the largest are
    returned, and ``coverage`` is below 0.95. Raises ValueError on no values.

    Source: David & Nagaraja, "Order Statistics", 3rd ed. 2003, section 7.1.
    """
    if not values:
        raise ValueError("a median needs at least one value")
    from scipy import special  # most jobs need no median

    ordered, n = sorted(values), len(values)

    def coverage(k: int) -> float:
        return float(1 - 2 * special.bdtr(k - 1, n, 0.5))

    k = max((k for k in range(1, n // 2 + 1) if coverage(k) >= 0.95), default=1)
    return ordered[k - 1], ordered[n - k], max(coverage(k), 0.0)
