"""How long a run takes with so many GPUs, from the graph of its jobs. No torch.

The jobs are those of the chain, in the order that their files dictate, each taking what the
estimate says of its kind. They are given to cards by list scheduling: whenever a card is free, it
takes the job that the longest way still leads on from (Graham 1969, SIAM J. Appl. Math. 17, within
twice the optimum). What needs no card is taken to find a core at once.
"""

import heapq
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from layer_pruning.chain import BASELINE, Chain
from layer_pruning.estimate.requirements import Requirements
from layer_pruning.estimate.stages import TABLES_SECONDS, Stage
from layer_pruning.terminal.style import duration_text

NOTICED_SECONDS = 10.0
"""From the end of a job until one that waits for it starts: half of the 20 s between questions to
the scheduler (profiles/slurm)."""
CARDS = (1, 8, 64, 512)


@dataclass
class Graph:
    """Jobs by number: seconds, whether each holds a card, and which come before it."""

    seconds: list[float] = field(default_factory=list)
    on_card: list[bool] = field(default_factory=list)
    before: list[list[int]] = field(default_factory=list)

    def add(self, seconds: float, before: Iterable[int] = (), *, on_card: bool = True) -> int:
        """A job after others; its number, which is larger than theirs."""
        self.seconds.append(seconds)
        self.on_card.append(on_card)
        self.before.append(list(before))
        return len(self.seconds) - 1

    def after(self) -> list[list[int]]:
        """Which jobs wait for each."""
        after: list[list[int]] = [[] for _ in self.seconds]
        for job, earlier in enumerate(self.before):
            for one in earlier:
                after[one].append(job)
        return after

    def longest_ways(self) -> list[float]:
        """Seconds from the start of each job to the end of the run on cards without number."""
        ways = [0.0] * len(self.seconds)
        after = self.after()
        for job in reversed(range(len(ways))):
            rest = max((NOTICED_SECONDS + ways[next_] for next_ in after[job]), default=0.0)
            ways[job] = self.seconds[job] + rest
        return ways


@dataclass(frozen=True)
class Schedule:
    """A run on some cards."""

    seconds: float
    busiest: int
    """Cards in use at once, at most."""


def scheduled(graph: Graph, cards: float) -> Schedule:
    """The run of a graph on so many cards; ``math.inf`` for as many as it can use."""
    ways, after = graph.longest_ways(), graph.after()
    waiting = [len(before) for before in graph.before]
    # (when, kind, job): kind 0 is a job's end, kind 1 that it can start
    events = [(0.0, 1, job) for job, count in enumerate(waiting) if count == 0]
    heapq.heapify(events)
    ready: list[tuple[float, int]] = []
    used, busiest, now = 0, 0, 0.0
    while events:
        now = events[0][0]
        while events and events[0][0] == now:
            _, kind, job = heapq.heappop(events)
            if kind == 1:
                if graph.on_card[job]:
                    heapq.heappush(ready, (-ways[job], job))
                else:
                    heapq.heappush(events, (now + graph.seconds[job], 0, job))
                continue
            used -= graph.on_card[job]
            for next_ in after[job]:
                waiting[next_] -= 1
                if waiting[next_] == 0:
                    heapq.heappush(events, (now + NOTICED_SECONDS, 1, next_))
        while ready and used < cards:
            _, job = heapq.heappop(ready)
            heapq.heappush(events, (now + graph.seconds[job], 0, job))
            used += 1
        busiest = max(busiest, used)
    return Schedule(now, busiest)


def graph_of(
    chain: Chain, stages: Mapping[tuple[str, str], Sequence[Stage]], *, report_seconds: float
) -> Graph:
    """The jobs of a configuration, with seconds from the stages of each data set and architecture.

    A job of a stage takes what the mean job of that stage takes.
    """
    graph, needed = Graph(), Requirements(chain.config)
    last: list[int] = []
    for dataset in chain.config["datasets"]:
        prepared = graph.add(TABLES_SECONDS, on_card=False)
        for architecture in chain.config["architectures"]:
            mean = {
                stage.name: stage.seconds / stage.jobs for stage in stages[dataset, architecture]
            }
            for _ in chain.config["seeds"]:
                last += _of_seed(graph, chain, (dataset, architecture), mean, prepared, needed)
    graph.add(report_seconds, last, on_card=False)
    return graph


def _of_seed(
    graph: Graph,
    chain: Chain,
    here: tuple[str, str],
    mean: Mapping[str, float],
    prepared: int,
    needed: Requirements,
) -> list[int]:
    """Add the jobs of one data set, architecture and seed; those that the report waits for."""
    config = chain.config
    made = {BASELINE: graph.add(mean["training"], [prepared])}
    features: dict[str, int] = {}
    for criterion in chain.pruning:
        for network in chain.pruned(criterion, *here):
            step = int(network[-2:])
            parent = chain.parent(criterion, step)
            if parent not in features:
                features[parent] = _shared(
                    graph, mean["activations"], needed.shards("activations", *here), made[parent]
                )
            ranked = graph.add(
                mean.get("scores and ranks", TABLES_SECONDS), [features[parent]], on_card=False
            )
            for _ in chain.search_usages(criterion, step):
                ranked = graph.add(mean["search"], [ranked])
            rounds = chain.finetuning_epochs(criterion, here[1], step) / chain.epochs_in(
                "finetuning", here[1]
            )
            made[network] = graph.add(rounds * mean["fine-tuning"], [ranked])
    for criterion, (way, source) in chain.origins.items():
        for network in chain.that_count(criterion, *here):
            step = int(network[-2:])
            start = made[f"{source}/removed-{step:02d}"] if way != "continued" else made[BASELINE]
            epochs = chain.comparison_epochs(way, here[1], step)
            epoch = mean["training"] / max(chain.epochs_in("training", here[1]), 1)
            made[network] = graph.add(epochs * epoch, [start])
    parts = needed.shards("evaluation", *here)
    last = [_shared(graph, mean["accuracy"], parts, job) for job in made.values()]
    on_images = {f"attack {attack}": f"attack {attack}" for attack in config["attacks"]}
    if here[0] in chain.shifted and "other images" in mean:
        on_images["other images"] = "corruptions"
    for network in chain.attacked(*here):
        for stage, work in on_images.items():
            last.append(_shared(graph, mean[stage], needed.shards(work, *here), made[network]))
    for name, networks in (("energy and latency", chain.measured), ("export", chain.exported)):
        if name in mean:
            last += [graph.add(mean[name], [made[network]]) for network in networks(*here)]
    return last


def _shared(graph: Graph, seconds: float, shards: int, network: int) -> int:
    """Add work on images that so many jobs share; the one that others wait for."""
    if shards == 1:
        return graph.add(seconds, [network])
    parts = [graph.add(seconds / shards, [network]) for _ in range(shards)]
    return graph.add(TABLES_SECONDS, parts)


def makespans(graph: Graph, cards: int) -> dict[str, Any]:
    """A record of JSON: seconds on 1, 8, 64, 512 and ``cards`` GPUs, and what bounds them."""
    free = scheduled(graph, math.inf)
    work = math.fsum(s for s, holds in zip(graph.seconds, graph.on_card, strict=True) if holds)
    return {
        "jobs": len(graph.seconds),
        "gpu_jobs": sum(graph.on_card),
        "gpu_hours": work / 3600,
        "longest_way_seconds": max(graph.longest_ways()),
        "most_cards_in_use": free.busiest,
        "makespans": [
            {"gpus": count, "seconds": scheduled(graph, count).seconds}
            for count in sorted({*CARDS, cards})
        ],
    }


def makespans_text(record: Mapping[str, Any], device: str) -> str:
    """The lines of a record, within 80 columns."""
    lines = [
        f"  {record['jobs']} jobs, {record['gpu_jobs']} of them on a GPU for "
        f"{record['gpu_hours']:.3g} GPU-hours in all",
        f"  {'GPUs':>6}{'time':>14}{'in use':>9}",
    ]
    for one in record["makespans"]:
        used = 3600 * record["gpu_hours"] / one["gpus"] / one["seconds"]
        lines.append(f"  {one['gpus']:>6}{duration_text(one['seconds']):>14}{100 * used:>7.0f} %")
    longest = duration_text(record["longest_way_seconds"])
    lines += [
        f"  One job after another takes {longest}, however many GPUs there are;",
        f"  more than {record['most_cards_in_use']} of them have nothing to do.",
        f"  A GPU is taken to be as fast as this machine's {device}.",
    ]
    return "\n".join(lines)
