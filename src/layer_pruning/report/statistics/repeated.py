"""Networks compared over training runs (seeds) and, where outcomes are recorded, over images.

One model for every comparison of the report: outcome of network k in seed s on image i

    y = mean of k + seed + image + (k, seed) + (k, image) + (seed, image) + rest,

all but the first random. What two networks of a seed share cancels in their difference; what is
left is how far trainings of the same kind differ, (k, seed), and how far images do, (k, image).
Both are estimated, so that a statement is about other trainings *and* other images (crossed random
effects: Winer, Statistical Principles in Experimental Design, 1971, chapter 4, for one outcome a
seed; Clark, J. Verbal Learning 12, 1973, 335-359, for two random factors; degrees of freedom by
Satterthwaite, Biometrics Bulletin 2, 1946, 110-114). The spread over seeds is pooled over
networks of one kind, which is what makes a few seeds enough: over those whose architecture is the
same in every seed, and over those ``varying``, whose seeds ended at other architectures, which
differ far more. That over images is each difference's own. With one seed there is nothing to say
of other trainings: intervals are over images, and speak of these trained networks.

Intervals hold at once for all differences of a model, and p-values are those at which an interval
would just reach 0, so that both always say the same.

Criteria that remove the same blocks make the same network, which is then in the outcomes more than
once. It is in the model once: copies would be taken for trainings that hardly differ.
"""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
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
    freedom: float = math.nan
    """The degrees of freedom of ``deviation`` that each seed beyond the first adds."""

    def reversed(self) -> "Contrast":
        """The second mean minus the first."""
        return replace(self, mean=-self.mean, low=-self.high, high=-self.low)

    def verdict(self, higher: str, lower: str, neither: str, unknown: str) -> str:
        """``higher`` or ``lower`` where 0 is outside the interval; ``unknown`` without one."""
        if math.isnan(self.low):
            return unknown
        return higher if self.low > 0 else lower if self.high < 0 else neither


def against(
    outcomes: Outcomes,
    reference: str,
    *,
    varying: Collection[str] = (),
    tables: int = 1,
    bound: float = 1.0,
    shared: bool = True,
) -> dict[str, Contrast]:
    """Every network minus ``reference``, a name in ``outcomes``, by Dunnett's method.

    Networks ``varying`` have a spread over seeds of their own. Of several such ``tables`` all
    intervals hold at once (Bonferroni). No mean can lie beyond ``bound`` on either side.
    ``shared`` says that all seeds saw the same images in the same order.
    """
    others = {name: own for name, own in outcomes.items() if name != reference}
    pairs = {name: (name, reference) for name in others}
    once = distinct(others, varying)
    model = [*once, reference]
    spread = _spreads(outcomes, model, varying)
    return _contrasts(outcomes, pairs, spread, "dunnett", len(once), tables, bound, shared)


def all_pairs(
    outcomes: Outcomes, *, varying: Collection[str] = ()
) -> dict[tuple[str, str], Contrast]:
    """Every two networks, the first minus the second, by Tukey's method.

    Between networks of two spreads it is that of Games and Howell (J. Educ. Stat. 1, 1976,
    113-125): the studentised range with the degrees of freedom of the pair.
    """
    pairs = {pair: pair for pair in combinations(outcomes, 2)}
    once = distinct(outcomes, varying)
    spread = _spreads(outcomes, once, varying)
    return _contrasts(outcomes, pairs, spread, "tukey", len(once), 1, 1.0, True)


def distinct(outcomes: Outcomes, varying: Collection[str] = ()) -> list[str]:
    """The names without those whose outcomes are, seed by seed, those of one before.

    One of ``varying`` is none of the others, whatever its outcomes: it has other architectures.
    """
    found: list[str] = []
    for name, own in outcomes.items():
        alike = (other for other in found if (other in varying) == (name in varying))
        if not any(np.array_equal(own, outcomes[other]) for other in alike):
            found.append(name)
    return found


def separately(
    outcomes: Outcomes, *, varying: Collection[str] = (), bound: float = math.inf
) -> dict[str, Contrast]:
    """Every mean as it is, from values (seeds,) that share no reference, such as speed-ups.

    The spread over seeds is pooled, apart over networks ``varying``, and intervals are by the
    studentised maximum modulus.
    """
    values = {name: np.asarray(own, dtype=float) for name, own in outcomes.items()}
    found = {}
    for names in ([n for n in values if (n in varying) == kind] for kind in (False, True)):
        squares = sum(float(np.square(values[n] - values[n].mean()).sum()) for n in names)
        freedom = sum(len(values[n]) - 1 for n in names)
        variance = squares / freedom if freedom else math.nan
        for name in names:
            found[name] = _contrast(
                float(values[name].mean()),
                variance / len(values[name]),
                freedom,
                math.sqrt(variance),
                kind="separate",
                count=len(values),
                tables=1,
                bound=bound,
            )
    return {name: found[name] for name in values}


def seeds_needed(
    deviation: float,
    difference: float,
    groups: int,
    kind: Kind = "dunnett",
    freedom_a_seed: float | None = None,
) -> int | None:
    """The fewest seeds with which a true ``difference`` is shown with a probability of 80 %.

    ``deviation`` is that of a difference between seeds, of ``groups`` networks in one model, and
    ``freedom_a_seed`` the degrees of freedom that each seed beyond the first adds to it: one less
    than ``groups`` where all share their spread. None where a thousand seeds do not suffice or the
    deviation is not known.
    """
    if math.isnan(deviation) or groups < 2:
        return None
    count = groups - 1 if kind == "dunnett" else groups
    for seeds in range(2, MOST_SEEDS + 1):
        freedom = _readable((freedom_a_seed or groups - 1) * (seeds - 1))
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


def _readable(freedom: float) -> float:
    """Degrees of freedom as they are integrated with: few distinct ones, each done once."""
    return float(f"{freedom:.3g}")


Spread = Callable[[str, str], tuple[float, float]]
"""Of two networks: the variance of their difference between seeds, and its degrees of freedom."""


def _spreads(outcomes: Outcomes, model: Sequence[str], varying: Collection[str]) -> Spread:
    """How far differences of two networks are apart from seed to seed, estimated from ``model``.

    What is left after the means of networks and seeds is pooled within networks of one kind. Of a
    network of each kind, the difference of the means of both kinds is taken from seed to seed, and
    what is left within each is added (Satterthwaite's degrees of freedom). Of one seed there is
    none.
    """
    seeds = len(next(iter(outcomes.values())))
    if seeds == 1:
        return lambda first, second: (math.nan, 0.0)
    kinds = {
        kind: np.stack([_over_images(outcomes[name]) for name in names])
        for kind in (False, True)
        if (names := [name for name in model if (name in varying) == kind])
    }
    left = {kind: _left(means) for kind, means in kinds.items()}

    def spread(first: str, second: str) -> tuple[float, float]:
        kind, other = first in varying, second in varying
        if kind == other:
            variance, freedom = left[kind]
            return 2 * variance, freedom
        between = kinds[kind].mean(axis=0) - kinds[other].mean(axis=0)
        parts = [(float(between.var(ddof=1)), seeds - 1.0)]
        for means, (variance, freedom) in ((kinds[one], left[one]) for one in (kind, other)):
            if freedom:
                parts.append(((1 - 1 / len(means)) * variance, freedom))
        return _sum_of(parts)

    return spread


def _over_images(outcomes: np.ndarray) -> np.ndarray:
    values = np.asarray(outcomes, dtype=float)
    return values if values.ndim == 1 else values.mean(axis=1)


def _left(means: np.ndarray) -> tuple[float, float]:
    """Variance of what is left of (networks, seeds) after the means of both; degrees of freedom."""
    freedom = (len(means) - 1) * (means.shape[1] - 1)
    rest = means - means.mean(axis=0) - means.mean(axis=1, keepdims=True) + means.mean()
    return (float(np.square(rest).sum()) / freedom, freedom) if freedom else (0.0, 0.0)


def _sum_of(variances: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """The sum of independent estimates of variances, and its degrees of freedom (Satterthwaite)."""
    total = sum(variance for variance, _ in variances)
    shares = sum(variance**2 / freedom for variance, freedom in variances)
    return total, total**2 / shares if shares else min(freedom for _, freedom in variances)


def _contrasts(
    outcomes: Outcomes,
    pairs: Mapping[Key, tuple[str, str]],
    spread: Spread,
    kind: Kind,
    count: int,
    tables: int,
    bound: float,
    shared: bool,
) -> dict[Key, Contrast]:
    contrasts = {}
    for key, (first, second) in pairs.items():
        change = np.asarray(outcomes[first], dtype=float) - np.asarray(outcomes[second])
        between, freedom = spread(first, second)
        seeds = len(change)
        variance, its_freedom = between / seeds, freedom
        if change.ndim == 2:
            variance, its_freedom = _with_images(change, between, freedom, shared)
        contrast = _contrast(
            float(change.mean()),
            variance,
            its_freedom,
            math.sqrt(between),
            kind=kind,
            count=count,
            tables=tables,
            bound=bound,
        )
        if seeds > 1:
            contrast = replace(contrast, freedom=freedom / (seeds - 1))
        contrasts[key] = contrast
    return contrasts


def _with_images(
    change: np.ndarray, between: float, freedom: float, shared: bool
) -> tuple[float, float]:
    """Variance of the mean of a difference (seeds, images), and its degrees of freedom.

    ``between`` is the variance of a difference between seeds. It cannot be below what the
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
    error, freedom = math.sqrt(variance), _readable(freedom)
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
