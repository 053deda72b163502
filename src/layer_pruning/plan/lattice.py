"""What can be reached by removing blocks, before anything is trained.

Savings of layer pruning lie on a lattice: every block of a stage costs the same, so a target such
as 60 % fewer multiply-accumulates is met by a few combinations of blocks and missed by a little by
others (3.75 % a block for a ResNet-56).
"""

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from layer_pruning.evaluation.reduction import reaches

KINDS = ("macs", "parameters", "latency")


@dataclass(frozen=True)
class Cost:
    """What one removable block costs; its removal saves as much.

    Latency in seconds, or None. ``weights`` are those that the metric ``fewest_weights`` counts,
    trained or not.
    """

    name: str
    stage: str
    macs: float
    parameters: float
    latency: float | None = None
    weights: float = 0.0


@dataclass(frozen=True)
class Point:
    """One way to prune: how many blocks go in each stage, and what that saves in percent."""

    removals: int
    by_stage: Mapping[str, int]
    macs: float
    parameters: float
    latency: float | None
    weights: float = 0.0
    """How many weights go, not in percent."""

    def reduction(self, kind: str) -> float:
        """Percent saved of ``macs``, ``parameters`` or ``latency``."""
        value = getattr(self, kind)
        if value is None:
            raise ValueError(f"the {kind} of the blocks was not measured")
        return float(value)

    def saves(self, kind: str, percent: float) -> bool:
        """Whether it saves as much of ``macs``, ``parameters`` or ``latency``."""
        return reaches(self.reduction(kind), 100, percent)


def reachable_points(
    costs: Sequence[Cost],
    kept_in_stage: Mapping[str, int],
    total: Mapping[str, float],
    *,
    min_blocks_per_stage: int,
) -> list[Point]:
    """Every combination of numbers of blocks to remove, fewest removals first.

    ``costs`` are those of the blocks that may go, ``kept_in_stage`` the blocks of each stage now
    (those that cannot go included), ``total`` the network's own ``macs``, ``parameters`` and, where
    it was measured, ``latency``. Blocks of a stage that cost the same are interchangeable here and
    make one point; where their latencies differ, the mean stands for them.
    """
    groups: dict[tuple[str, float, float, float], list[Cost]] = defaultdict(list)
    for cost in costs:
        groups[cost.stage, cost.macs, cost.parameters, cost.weights].append(cost)
    members = list(groups.values())
    points = []
    for counts in itertools.product(*(range(len(group) + 1) for group in members)):
        removed: Counter[str] = Counter()
        for group, count in zip(members, counts, strict=True):
            removed[group[0].stage] += count
        if any(kept_in_stage[s] - n < min_blocks_per_stage for s, n in removed.items() if n):
            continue
        points.append(_point(members, counts, removed, total))
    return sorted(points, key=lambda point: (point.removals, -point.macs))


def _point(
    groups: Sequence[Sequence[Cost]],
    counts: Sequence[int],
    removed: Counter[str],
    total: Mapping[str, float],
) -> Point:
    saved = dict.fromkeys(KINDS, 0.0)
    for group, count in zip(groups, counts, strict=True):
        for kind in KINDS:
            values = [getattr(cost, kind) or 0.0 for cost in group]
            saved[kind] += count * sum(values) / len(values)
    percent = {kind: 100 * saved[kind] / total[kind] for kind in KINDS if total.get(kind)}
    return Point(
        removals=sum(removed.values()),
        by_stage={stage: removed[stage] for stage in dict.fromkeys(g[0].stage for g in groups)},
        macs=percent.get("macs", 0.0),
        # a network may be frozen whole
        parameters=percent.get("parameters", 0.0),
        latency=percent.get("latency"),
        weights=sum(count * group[0].weights for group, count in zip(groups, counts, strict=True)),
    )


@dataclass(frozen=True)
class Bound:
    """How many removals a target asks for, and what they can save, in the unit of the costs."""

    removals: int
    """The fewest with which every admissible choice reaches the target; all there are if none."""
    most: float
    """What the best choice saves."""
    reached: bool
    """Whether the best choice reaches the target."""


def removals_for(
    costs: Sequence[Cost],
    kept_in_stage: Mapping[str, int],
    total: Mapping[str, float],
    kind: str,
    percent: float,
    *,
    min_blocks_per_stage: int,
    limit: int | None = None,
) -> Bound:
    """How many blocks have to go so that ``percent`` of ``kind`` is saved, whichever they are.

    ``costs``, ``kept_in_stage`` and ``total`` as for :func:`reachable_points`; ``limit`` is the
    largest number of removals, all that can go by default. The sets of blocks that may go together
    are the independent sets of a partition matroid, a stage being a part, so the cheapest and the
    dearest set of every size are found greedily (Edmonds 1971, Matroids and the greedy algorithm).
    """
    ascending = sorted((getattr(cost, kind), cost.stage) for cost in costs)
    least = _greedy_savings(ascending, kept_in_stage, min_blocks_per_stage)[:limit]
    most = sum(_greedy_savings(ascending[::-1], kept_in_stage, min_blocks_per_stage)[:limit])
    for removals, saved in enumerate(itertools.accumulate(least), start=1):
        if reaches(saved, total[kind], percent):
            return Bound(removals, most, reached=True)
    return Bound(len(least), most, reached=reaches(most, total[kind], percent))


def fewest_by_profile(
    costs: Sequence[Cost],
    kept_in_stage: Mapping[str, int],
    total: Mapping[str, float],
    kind: str,
    percent: float,
    *,
    min_blocks_per_stage: int,
) -> int | None:
    """How many blocks have to go so that ``percent`` of ``kind`` is saved by some depth profile.

    That is a number of blocks for each stage, whichever of its blocks these are: the cheapest are
    counted. None where no profile saves as much. The arguments are those of :func:`removals_for`.
    """
    by_stage: dict[str, list[float]] = defaultdict(list)
    for saving, stage in sorted((getattr(cost, kind), cost.stage) for cost in costs):
        by_stage[stage].append(saving)
    # what is saved at most with so many removals in the stages so far
    best = [0.0]
    for stage, savings in by_stage.items():
        most = min(len(savings), max(kept_in_stage[stage] - min_blocks_per_stage, 0))
        saved = [0.0, *itertools.accumulate(savings[:most])]
        best = [
            max(best[n - m] + saved[m] for m in range(len(saved)) if 0 <= n - m < len(best))
            for n in range(len(best) + most)
        ]
    found = (n for n, saving in enumerate(best) if reaches(saving, total[kind], percent))
    return next(found, None)


def _greedy_savings(
    ordered: Sequence[tuple[float, str]], kept_in_stage: Mapping[str, int], min_blocks: int
) -> list[float]:
    """What each removal saves when blocks go in this order as far as their stages allow."""
    left, savings = dict(kept_in_stage), []
    for saving, stage in ordered:
        if left[stage] > min_blocks:
            left[stage] -= 1
            savings.append(saving)
    return savings


def recommended(points: Iterable[Point]) -> dict[int, list[Point]]:
    """By number of removals, the way that keeps most weights, or all that keep as many.

    That is where the criterion ``recommended`` leads to, since it takes the block of fewest weights
    again and again (docs/results.md says why); among several ways its second metric decides.
    """
    best: dict[int, list[Point]] = {}
    for point in points:
        ways = best.setdefault(point.removals, [point])
        if point.weights < ways[0].weights:
            best[point.removals] = [point]
        elif point is not ways[0] and point.weights == ways[0].weights:
            ways.append(point)
    return best


def around(points: Sequence[Point], kind: str, target: float, count: int = 3) -> list[list[Point]]:
    """The lattice levels nearest to ``target`` percent: up to ``count`` on either side, ascending.

    Points whose reduction is the same to a hundredth of a percent make one level. Raises
    ValueError where the target is beyond what can be reached.
    """
    levels: dict[float, list[Point]] = defaultdict(list)
    for point in points:
        levels[round(point.reduction(kind), 2)].append(point)
    ordered = sorted(levels)
    reached = [any(point.saves(kind, target) for point in levels[level]) for level in ordered]
    if not reached[-1]:
        raise ValueError(
            f"{target:g} % fewer {kind} cannot be reached: {ordered[-1]:.2f} % is the most"
        )
    first = reached.index(True)
    return [levels[level] for level in ordered[max(first - count, 0) : first + count]]
