"""``layer-pruning plan``: what can be reached around a target, before anything is trained."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from layer_pruning.cli.networks import costs_of, described, header_of, timed_text
from layer_pruning.plan.lattice import (
    KINDS,
    Cost,
    Point,
    around,
    reachable_points,
    recommended,
)
from layer_pruning.terminal.style import COLUMNS, row_text

if TYPE_CHECKING:
    from layer_pruning.models.header import NetworkHeader


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
            f"--{kind}-reduction", type=float, metavar="PERCENT", help=f"percent of {kind} to save"
        )
    target.add_argument("--removals", type=int, metavar="N", help="blocks to remove")
    plan.add_argument("--min-blocks-per-stage", type=int, default=1, help="that stay (1)")
    plan.add_argument("--protect", nargs="*", default=[], metavar="BLOCK", help="blocks that stay")
    plan.set_defaults(printed=printed)


def printed(given: argparse.Namespace) -> str:
    """What the command prints."""
    header = header_of(given)
    costs = costs_of(header, given)
    points = all_points(header, costs, given)
    levels, best = levels_asked_for(points, given), recommended(points)
    if given.format != "json":
        return plan_text(levels, best, costs)
    records = [
        point_record(point) | {"recommended": point is best[point.removals]}
        for level in levels
        for point in level
    ]
    about = {key: costs[key] for key in ("architecture", "batch_size", "repeats", "load")}
    return json.dumps(about | {"points": records}, indent=2)


def all_points(
    header: NetworkHeader, costs: dict[str, Any], given: argparse.Namespace
) -> list[Point]:
    """All that can be reached under the limits of ``plan``."""
    from layer_pruning.models.candidates import Limits

    known = [block.name for block in header.blocks]
    for name in given.protect:
        if name not in known:
            raise ValueError(f"--protect: '{name}' is no block; there are {', '.join(known)}")
    names = header.candidates(Limits(given.min_blocks_per_stage, given.protect))
    if not names:
        raise ValueError(f"{header.architecture} has no block that could go under these limits")
    keys = ("name", "stage", "macs", "parameters", "latency_seconds", "weights")
    return reachable_points(
        [Cost(*(b[key] for key in keys)) for b in costs["blocks"] if b["name"] in names],
        Counter(block.stage for block in header.blocks),
        {**costs, "latency": costs["latency_seconds"]},
        min_blocks_per_stage=given.min_blocks_per_stage,
    )


def levels_asked_for(points: list[Point], given: argparse.Namespace) -> list[list[Point]]:
    """The levels of the lattice around the target of ``plan``."""
    if given.removals is not None:
        found = [point for point in points if point.removals == given.removals]
        if not found:
            most = points[-1].removals
            raise ValueError(
                f"--removals: {given.removals} is not in 0 … {most}, the most there is"
            )
        return [found]
    kind = next(kind for kind in KINDS if getattr(given, f"{kind}_reduction") is not None)
    return around(points, kind, getattr(given, f"{kind}_reduction"))


def plan_text(levels: list[list[Point]], best: Mapping[int, Point], costs: dict[str, Any]) -> str:
    """The table of ``plan``: one line a level, ranges where combinations of blocks differ.

    Below it, the ``best`` way for each number of removals in the table.
    """

    def span(values: list[float]) -> str:
        low, high = min(values), max(values)
        return f"{low:.2f}" if high - low < 0.005 else f"{low:.2f} … {high:.2f}"

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
    lines += ["A way is a number of blocks by stage. Recommended, since most weights are kept:"]
    for number in sorted({point.removals for points in levels for point in points}):
        way = best[number]
        gone = ", ".join(f"{stage} {count}" for stage, count in way.by_stage.items())
        told = f"{gone}: {way.macs:.2f} % of MACs, {way.parameters:.2f} % of parameters"
        lines.append(row_text(f"{number:>8}", told, 10))
    lines.append("Blocks go in that way by 'criteria: [recommended]'.")
    return "\n".join([*lines, row_text("", timed_text(costs), 0)])


def point_record(point: Point) -> dict[str, Any]:
    """A point as JSON."""
    saved = {f"{kind}_saved_percent": getattr(point, kind) for kind in KINDS}
    return {"removals": point.removals, "by_stage": dict(point.by_stage)} | saved


def span_of(values: Sequence[int]) -> str:
    """A number, or the first and the last of several."""
    return str(values[0]) if len(values) == 1 else f"{values[0]}-{values[-1]}"
