"""``layer-pruning plan``: what can be reached around a target, before anything is trained."""

from __future__ import annotations

import argparse
import itertools
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from layer_pruning.cli.networks import (
    configuration_of,
    costs_of,
    described,
    header_of,
    timed_text,
)
from layer_pruning.cli.numbers import percent, whole
from layer_pruning.plan.lattice import (
    KINDS,
    Cost,
    Point,
    around,
    reachable_points,
    recommended,
)
from layer_pruning.scoring.catalog import CRITERIA
from layer_pruning.terminal.style import COLUMNS, row_text

if TYPE_CHECKING:
    from layer_pruning.models.candidates import Limits
    from layer_pruning.models.header import NetworkHeader

WORDS = {"macs": "MACs", "parameters": "parameters", "latency": "time"}
"""The kinds of cost as a person calls them."""


def add(commands: Any) -> None:
    """Add the command and its options."""
    plan = commands.add_parser(
        "plan",
        parents=[described()],
        help="what can be reached around a target, before anything is trained",
    )
    target = plan.add_mutually_exclusive_group(required=True)
    for kind in KINDS:
        target.add_argument(
            f"--{kind}-reduction",
            type=percent,
            metavar="PERCENT",
            help=f"of {kind} to save",
        )
    target.add_argument("--removals", type=int, metavar="N", help="blocks to remove")
    plan.add_argument(
        "--min-blocks-per-stage", type=whole, help="that stay (those of --config, or 1)"
    )
    plan.add_argument(
        "--protect", nargs="*", metavar="BLOCK", help="blocks that stay (those of --config)"
    )
    plan.set_defaults(printed=printed)


def printed(given: argparse.Namespace) -> str:
    """What the command prints."""
    header = header_of(given)
    costs = costs_of(header, given)
    points = all_points(header, costs, given)
    target = target_of(given)
    levels, best = levels_asked_for(points, target), recommended(points)
    numbers = recommended_numbers(levels, best, target)
    if given.format != "json":
        return "\n".join(
            [
                *lattice_lines(levels),
                *recommended_lines(numbers, best, target),
                row_text("", timed_text(costs), 0),
            ]
        )
    about = {key: costs[key] for key in ("architecture", "batch_size", "repeats", "load")}
    records = {
        "points": [
            point_record(point) | {"recommended": point in best[point.removals]}
            for level in levels
            for point in level
        ],
        "recommended": [point_record(way) for number in numbers for way in best[number]],
    }
    return json.dumps(about | records, indent=2)


def limits_of(given: argparse.Namespace) -> Limits:
    """What every network keeps: as the options say, or else ``--config``, or else by default."""
    from layer_pruning.configuration.messages import validated
    from layer_pruning.models.candidates import Limits

    keys = ("min_blocks_per_stage", "protect")
    config, options = configuration_of(given), vars(given)
    asked = {key: config[key] for key in keys if key in config}
    asked |= {key: options[key] for key in keys if options[key] is not None}
    settings = validated(asked)
    return Limits(settings.min_blocks_per_stage, settings.protect)


def all_points(
    header: NetworkHeader, costs: dict[str, Any], given: argparse.Namespace
) -> list[Point]:
    """All that can be reached under the limits of ``plan``."""
    limits = limits_of(given)
    known = [block.name for block in header.blocks]
    for name in limits.protect:
        if name not in known:
            raise ValueError(f"protect: '{name}' is no block; there are {', '.join(known)}")
    names = header.candidates(limits)
    if not names:
        raise ValueError(f"{header.architecture} has no block that could go under these limits")
    keys = ("name", "stage", "macs", "parameters", "latency_seconds", "weights")
    return reachable_points(
        [Cost(*(b[key] for key in keys)) for b in costs["blocks"] if b["name"] in names],
        Counter(block.stage for block in header.blocks),
        {**costs, "latency": costs["latency_seconds"]},
        min_blocks_per_stage=limits.min_blocks_per_stage,
    )


@dataclass(frozen=True)
class Target:
    """What is to be reached: percent of a kind of cost, or, without a kind, so many removals."""

    kind: str | None
    value: float

    def reached_by(self, point: Point) -> bool:
        """Whether a way saves as much, to a hundredth of a percent."""
        return self.kind is None or point.saves(self.kind, self.value)


def target_of(given: argparse.Namespace) -> Target:
    """The one that was given."""
    if given.removals is not None:
        return Target(None, given.removals)
    kind = next(kind for kind in KINDS if getattr(given, f"{kind}_reduction") is not None)
    return Target(kind, getattr(given, f"{kind}_reduction"))


def levels_asked_for(points: list[Point], target: Target) -> list[list[Point]]:
    """The levels of the lattice around the target of ``plan``."""
    if target.kind is not None:
        return around(points, target.kind, target.value)
    found = [point for point in points if point.removals == target.value]
    if not found:
        most = points[-1].removals
        raise ValueError(f"--removals: {target.value} is not in 0 … {most}, the most there is")
    return [found]


def recommended_numbers(
    levels: list[list[Point]], best: Mapping[int, list[Point]], target: Target
) -> list[int]:
    """The numbers of removals in the table, and the first whose recommended ways reach the target.

    They may save less than others of as many removals.
    """
    reached = (n for n, ways in sorted(best.items()) if all(map(target.reached_by, ways)))
    in_table = {point.removals for points in levels for point in points}
    return sorted({*in_table, *itertools.islice(reached, target.kind is not None)})


def lattice_lines(levels: list[list[Point]]) -> list[str]:
    """The table of ``plan``: one line a level, ranges where combinations of blocks differ."""
    head = f"{'removals':>8}{'MACs':>16}{'parameters':>16}{'time':>16}{'ways':>6}"
    lines = ["Percent saved, and how many blocks go of each stage", head + "  blocks gone"]
    for points in levels:
        stages = ", ".join(
            f"{stage} {span_of(sorted({p.by_stage[stage] for p in points}))}"
            for stage in points[0].by_stage
        )
        removals = span_of(sorted({point.removals for point in points}))
        saved = [[p.macs for p in points], [p.parameters for p in points]]
        saved.append([p.latency or 0.0 for p in points])
        line = f"{removals:>8}{''.join(f'{span(v):>16}' for v in saved)}{len(points):>6}  {stages}"
        if len(line) > COLUMNS:
            line = line.removesuffix(f"  {stages}") + "\n" + row_text("", stages, 10)
        lines.append(line)
    return [*lines, "A way is a number of blocks by stage."]


def recommended_lines(
    numbers: Sequence[int], best: Mapping[int, list[Point]], target: Target
) -> list[str]:
    """The ways of ``criteria: [recommended]``, and whether they reach the target."""
    _, tie_breaker = CRITERIA["recommended"]["metrics"]
    lines = ["By 'criteria: [recommended]' most weights are kept, and these blocks go:"]
    short = False
    for number in numbers:
        ways = best[number]
        gone = ", ".join(f"{stage} {count}" for stage, count in ways[0].by_stage.items())
        if len(ways) > 1:
            gone = f"{len(ways)} ways keep as many, and {tie_breaker} decides between them"
        # time is measured, and stands where it was asked for
        told = ", ".join(
            f"{span([way.reduction(kind) for way in ways])} % of {word}"
            for kind, word in WORDS.items()
            if kind in ("macs", "parameters", target.kind)
        )
        missed = not all(map(target.reached_by, ways))
        short |= missed
        lines.append(row_text(f"{number:>8}", f"{gone}: {told}{' *' * missed}", 10))
    if short:
        lines.append(f"* saves less than {target.value:g} % of {WORDS[str(target.kind)]}.")
    if short and not target.reached_by(best[numbers[-1]][0]):
        lines.append("No number of removals reaches the target in that way.")
    return lines


def point_record(point: Point) -> dict[str, Any]:
    """A point as JSON."""
    saved = {f"{kind}_saved_percent": getattr(point, kind) for kind in KINDS}
    weights = {"weights_removed": int(point.weights)}
    return {"removals": point.removals, "by_stage": dict(point.by_stage)} | weights | saved


def span(values: Sequence[float]) -> str:
    """The smallest and the largest of some percentages, or the one that all are."""
    ends = dict.fromkeys(f"{value:.2f}" for value in (min(values), max(values)))
    return " … ".join(ends)


def span_of(values: Sequence[int]) -> str:
    """A number, or the first and the last of several."""
    return str(values[0]) if len(values) == 1 else f"{values[0]}-{values[-1]}"
