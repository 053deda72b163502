"""Confidence intervals of a proportion."""

import math

INTERVAL = "Wilson 95 %"

# the 97.5 % quantile of the standard normal distribution
_Z = 1.959963984540054


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
