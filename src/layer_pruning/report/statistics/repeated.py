"""Networks compared over training runs (seeds) and, where outcomes are recorded, over images.

One model for every comparison of the report: outcome of network k in seed s on image i

    y = mean of k + seed + image + (k, seed) + (k, image) + (seed, image) + rest,

all but the first random. What two networks of a seed share cancels in their difference; what is
left is how far trainings of the same kind differ, (k, seed), and how far images do, (k, image).
Both are estimated, so that a statement is about other trainings *and* other images (crossed random
effects: Winer, Statistical Principles in Experimental Design, 1971, chapter 4, for one outcome a
seed; Clark, J. Verbal Learning 12, 1973, 335-359, for two random factors; degrees of freedom by
Satterthwaite, Biometrics Bulletin 2, 1946, 110-114). The spread over seeds is pooled over all
networks of the model, which is what makes a few seeds enough; that over images is each
difference's own. With one seed there is nothing to say of other trainings: intervals are over
images, and speak of these trained networks.

Intervals hold at once for all differences of a model, and p-values are those at which an interval
would just reach 0, so that both always say the same.

Criteria that remove the same blocks make the same network, which is then in the outcomes more than
once. It is in the model once: copies would be taken for trainings that hardly differ.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations
from typing import TypeVar

import numpy as np

from layer_pruning.report.statistics.significance import (
    LEVEL,
    POWER,
    Kind,
    all_inside,
    critical_t,
    t_quantile,
)

Outcomes = Mapping[str, np.ndarray]
"""By name of a network, its outcomes (seeds, images), or (seeds,) where images are not known."""
MOST_SEEDS = 1000
Key = TypeVar("Key")


@dataclass(frozen=True)
class Contrast:
    """A difference of two means, with the interval that holds for all differences of its model.

    What cannot be known is NaN: all but ``mean`` of one outcome alone, and where the difference is
    the same in every seed, which is rounding and not certainty.
    """

    mean: float
    low: float
    high: float
    p_value: float
    deviation: float
    """Of the difference, between seeds."""
    detectable: float
    """A true difference of this size would have been shown with a probability of 80 %."""

    def reversed(self) -> "Contrast":
        """The second mean minus the first."""
        return replace(self, mean=-self.mean, low=-self.high, high=-self.low)

    def verdict(self, higher: str, lower: str, neither: str, unknown: str) -> str:
        """``higher`` or ``lower`` where 0 is outside the interval; ``unknown`` without one."""
        if math.isnan(self.low):
            return unknown
        return higher if self.low > 0 else lower if self.high < 0 else neither


def against(
    outcomes: Outcomes, reference: str, *, tables: int = 1, bound: float = 1.0, shared: bool = True
) -> dict[str, Contrast]:
    """Every network minus ``reference``, a name in ``outcomes``, by Dunnett's method.

    Of several such ``tables`` all intervals hold at once (Bonferroni). No mean can lie beyond
    ``bound`` on either side. ``shared`` says that all seeds saw the same images in the same order.
    """
    others = {name: own for name, own in outcomes.items() if name != reference}
    pairs = {name: (name, reference) for name in others}
    once = distinct(others)
    model = [*once, reference]
    return _contrasts(outcomes, pairs, model, "dunnett", len(once), tables, bound, shared)


def all_pairs(outcomes: Outcomes) -> dict[tuple[str, str], Contrast]:
    """Every two networks, the first minus the second, by Tukey's method."""
    pairs = {pair: pair for pair in combinations(outcomes, 2)}
    once = distinct(outcomes)
    return _contrasts(outcomes, pairs, once, "tukey", len(once), 1, 1.0, True)


def distinct(outcomes: Outcomes) -> list[str]:
    """The names without those whose outcomes are, seed by seed, those of one before."""
    found: list[str] = []
    for name, own in outcomes.items():
        if not any(np.array_equal(own, outcomes[other]) for other in found):
            found.append(name)
    return found


def separately(outcomes: Outcomes, *, bound: float = math.inf) -> dict[str, Contrast]:
    """Every mean as it is, from values (seeds,) that share no reference, such as speed-ups.

    The spread over seeds is pooled, and intervals are by the studentised maximum modulus.
    """
    values = np.stack([np.asarray(own, dtype=float) for own in outcomes.values()])
    groups, seeds = values.shape
    freedom = groups * (seeds - 1)
    squares = np.square(values - values.mean(axis=1, keepdims=True)).sum()
    variance = squares / freedom if freedom else math.nan
    make = partial(_contrast, kind="separate", count=groups, tables=1, bound=bound)
    return {
        name: make(float(own.mean()), variance / seeds, freedom, math.sqrt(variance))
        for name, own in zip(outcomes, values, strict=True)
    }


def seeds_needed(
    deviation: float, difference: float, groups: int, kind: Kind = "dunnett"
) -> int | None:
    """The fewest seeds with which a true ``difference`` is shown with a probability of 80 %.

    ``deviation`` is that of a difference between seeds, of ``groups`` networks in one model; None
    where a thousand seeds do not suffice or the deviation is not known.
    """
    if math.isnan(deviation) or groups < 2:
        return None
    count = groups - 1 if kind == "dunnett" else groups
    for seeds in range(2, MOST_SEEDS + 1):
        freedom = (groups - 1) * (seeds - 1)
        error = deviation / math.sqrt(seeds)
        # no search where even a quantile without correction would not do
        if error * t_quantile(freedom) > difference:
            continue
        if _seen(critical_t(kind, count, freedom), freedom) * error <= difference:
            return seeds
    return None


def _seen(critical: float, freedom: float) -> float:
    """How many standard errors a true difference has to measure to be shown in 80 % of runs."""
    return critical + t_quantile(freedom, 2 * POWER - 1)


def _contrasts(
    outcomes: Outcomes,
    pairs: Mapping[Key, tuple[str, str]],
    model: Sequence[str],
    kind: Kind,
    count: int,
    tables: int,
    bound: float,
    shared: bool,
) -> dict[Key, Contrast]:
    tables_of = {name: np.asarray(own, dtype=float) for name, own in outcomes.items()}
    in_model = (tables_of[name] for name in model)
    means = np.stack([t if t.ndim == 1 else t.mean(axis=1) for t in in_model])
    groups, seeds = means.shape
    freedom = (groups - 1) * (seeds - 1)
    rest = means - means.mean(axis=0) - means.mean(axis=1, keepdims=True) + means.mean()
    between = 2 * float(np.square(rest).sum()) / freedom if freedom else math.nan
    contrasts = {}
    for key, (first, second) in pairs.items():
        change = tables_of[first] - tables_of[second]
        variance, its_freedom = between / seeds, float(freedom)
        if change.ndim == 2:
            variance, its_freedom = _with_images(change, between, freedom, shared)
        contrasts[key] = _contrast(
            float(change.mean()),
            variance,
            its_freedom,
            math.sqrt(between),
            kind=kind,
            count=count,
            tables=tables,
            bound=bound,
        )
    return contrasts


def _with_images(
    change: np.ndarray, between: float, freedom: int, shared: bool
) -> tuple[float, float]:
    """Variance of the mean of a difference (seeds, images), and its degrees of freedom.

    ``between`` is the pooled variance of a difference between seeds. It cannot be below what the
    images of one seed alone bring about, which is known far better. One image's worth is added, as
    Agresti and Min (Statistics in Medicine 24, 2005, 729-740) do, so that no interval collapses
    where no image differs.
    """
    seeds, images = change.shape
    if images < 2:
        return math.nan, 1.0
    least = 1 / (images + 2) ** 2
    of_image = change.mean(axis=0)
    if seeds == 1:
        # about 0, as in McNemar's test: of few images, the spread about their mean is too small
        return float(np.square(of_image).mean()) / images + least, images - 1.0
    rest = change - change.mean(axis=1, keepdims=True)
    within = float(np.square(rest).sum()) / (seeds * (images - 1))
    if shared:
        left = rest - of_image + of_image.mean()
        within = float(np.square(left).sum()) / ((seeds - 1) * (images - 1))
    over_seeds = max(between, within / images) / seeds
    over_images = 0.0
    if shared:
        over_images = max(0.0, float(of_image.var(ddof=1)) - within / seeds) / images
    over_images += least
    total = over_seeds + over_images
    return total, total**2 / (over_seeds**2 / freedom + over_images**2 / (images - 1))


def _contrast(
    mean: float,
    variance: float,
    freedom: float,
    deviation: float,
    *,
    kind: Kind,
    count: int,
    tables: int,
    bound: float,
) -> Contrast:
    if math.isnan(variance) or variance <= 1e-24:
        return Contrast(mean, math.nan, math.nan, math.nan, math.nan, math.nan)
    error, freedom = math.sqrt(variance), float(f"{freedom:.3g}")
    critical = critical_t(kind, count, freedom, 1 - (1 - LEVEL) / tables)
    p_value = min(1.0, tables * (1 - all_inside(abs(mean) / error, kind, count, freedom)))
    return Contrast(
        mean=mean,
        low=max(-bound, mean - critical * error),
        high=min(bound, mean + critical * error),
        p_value=p_value,
        deviation=deviation,
        detectable=_seen(critical, freedom) * error,
    )
