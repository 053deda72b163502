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

from layer_pruning.chain import BASELINE, Chain, removal
from layer_pruning.configuration import target
from layer_pruning.estimate.requirements import Requirements
from layer_pruning.estimate.stages import TABLES_SECONDS, Stage
from layer_pruning.searching.catalog import PROFILES
from layer_pruning.terminal.style import duration_text

NOTICED_SECONDS = 10.0
"""From the end of a job until one that waits for it starts: half of the 20 s between questions to
the scheduler (profiles/slurm)."""
CARDS = (1, 8, 64, 512)
OF_SAVINGS = {"latency": "timing of blocks", "energy": "metering of blocks"}
"""The stages of the jobs that measure what removals save."""


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

    A job of a stage takes what the mean job of that stage takes, a training what its own does. All
    jobs of a stage together take what the stage does, and those that join shards a little more.
    """
    graph, needed = Graph(), Requirements(chain.config)
    last: list[int] = []
    for dataset in chain.config["datasets"]:
        prepared = graph.add(TABLES_SECONDS, on_card=False)
        for architecture in chain.config["architectures"]:
            here = dataset, architecture
            named = {stage.name: stage for stage in stages[here]}
            jobs = _Jobs(graph, chain, here, named, needed)
            for _ in chain.config["seeds"]:
                last += jobs.of_seed(prepared)
    graph.add(report_seconds, last, on_card=False)
    return graph


@dataclass(frozen=True)
class _Jobs:
    """Adds the jobs of one data set and architecture to a graph."""

    graph: Graph
    chain: Chain
    here: tuple[str, str]
    stages: Mapping[str, Stage]
    needed: Requirements

    def of_seed(self, prepared: int) -> list[int]:
        """The jobs of a seed, after the data; those that the report waits for."""
        chain, here = self.chain, self.here
        made = {BASELINE: self.one("training", prepared, trains=BASELINE)}
        pruned, last = self.on_paths(made)
        for criterion, (way, source) in chain.origins.items():
            for network in chain.that_count(criterion, *here):
                step = int(network[-2:])
                if way == "continued":
                    start = made[BASELINE]
                else:
                    # new weights take the blocks that were left, not what was tuned
                    start = (pruned if way == "scratch" else made)[removal(source, step)]
                made[network] = self.one("other training", start, trains=network)
        last += [self.shared("accuracy", "evaluation", network) for network in made.values()]
        last += self.on_other_images(made)
        for network in chain.measured(*here):
            last += [self.one("energy and latency", made[network]) for _ in range(2)]
        return last + [
            self.one("export", made[network], on_card=False) for network in chain.exported(*here)
        ]

    def on_other_images(self, made: dict[str, int]) -> list[int]:
        """The jobs that attack networks, and that show them corrupted, new or cued images."""
        chain, here = self.chain, self.here
        works = {f"attack {attack}": f"attack {attack}" for attack in chain.config["attacks"]}
        jobs = [
            self.shared(stage, work, made[network])
            for network in chain.attacked(*here)
            for stage, work in works.items()
        ]
        for network in chain.seen_on_shifts(*here):
            jobs.append(self.shared("other images", "corruptions", made[network]))
        cued = chain.attacked(*here) if here[0] in chain.cued else []
        return jobs + [self.one("shortcut learning", made[network]) for network in cued]

    def on_paths(self, made: dict[str, int]) -> tuple[dict[str, int], list[int]]:
        """The jobs of all paths, whose networks are added to ``made``.

        Returns those that remove blocks, by network, and those that only the report waits for.
        """
        chain, here = self.chain, self.here
        features: dict[str, int] = {}
        savings: dict[tuple[str, str], int] = {}
        ranked: dict[tuple[str, str], int] = {}
        found: dict[str, int] = {}
        pruned: dict[str, int] = {}
        only_shown = []
        by_time = "latency_reduction" in target(chain.config)
        if by_time:
            # the report tells the target's time from it too
            savings[BASELINE, "latency"] = self.one(OF_SAVINGS["latency"], made[BASELINE])
            only_shown.append(savings[BASELINE, "latency"])
        for criterion in chain.pruning:
            told_apart = by_time and criterion in chain.searched_by(PROFILES)
            for step in chain.path_steps(criterion, *here):
                parent = chain.parent(criterion, step)
                basis = made[parent]
                if criterion in chain.ranked:
                    if parent not in features:
                        features[parent] = self.shared("activations", "activations", basis)
                    basis = features[parent]
                if (criterion, parent) not in ranked:
                    before = [basis]
                    for file in chain.votes_of_savings(criterion):
                        if (parent, file) not in savings:
                            savings[parent, file] = self.one(OF_SAVINGS[file], made[parent])
                        before.append(savings[parent, file])
                    scored = self.one("scores and ranks", *before, on_card=False)
                    ranked[criterion, parent] = self.one("scores and ranks", scored, on_card=False)
                    if criterion in chain.votes:
                        only_shown.append(self.one("bootstrap of the votes", scored, on_card=False))
                decided = ranked[criterion, parent]
                for usage in chain.search_usages(criterion, step):
                    # a beam has what a smaller size found already
                    if usage not in found:
                        times = [savings[BASELINE, "latency"]] if told_apart else []
                        found[usage] = self.one("search", decided, *times)
                    decided = found[usage]
                network = removal(criterion, step)
                pruned[network] = self.one("scores and ranks", decided, on_card=False)
                made[network] = self.one("fine-tuning", pruned[network], trains=network)
        if chain.searching:
            only_shown.append(self.one("other starts", features[BASELINE], on_card=False))
        return pruned, only_shown

    def one(self, stage: str, *before: int, trains: str = "", on_card: bool = True) -> int:
        """A job of a stage, and the network that it trains if it trains one."""
        return self.graph.add(self.stages[stage].job_seconds(trains), before, on_card=on_card)

    def shared(self, stage: str, work: str, network: int) -> int:
        """Work on images that several jobs may share; the job that others wait for."""
        seconds, shards = self.stages[stage].job_seconds(), self.needed.shards(work, *self.here)
        if shards == 1:
            return self.graph.add(seconds, [network])
        parts = [self.graph.add(seconds / shards, [network]) for _ in range(shards)]
        return self.graph.add(TABLES_SECONDS, parts)


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
    hours = record["gpu_hours"]
    lines = [
        f"  {record['jobs']} jobs, {record['gpu_jobs']} of them on a GPU for "
        f"{hours:{',.1f' if hours >= 100 else '.3g'}} GPU-hours in all",
        f"  {'GPUs':>6}{'time':>14}{'in use':>9}",
    ]
    for one in record["makespans"]:
        used = 3600 * hours / one["gpus"] / one["seconds"]
        lines.append(f"  {one['gpus']:>6}{duration_text(one['seconds']):>14}{100 * used:>7.0f} %")
    longest = duration_text(record["longest_way_seconds"])
    lines += [
        f"  One job after another takes {longest}, however many GPUs there are;",
        f"  more than {record['most_cards_in_use']} of them have nothing to do.",
        f"  A GPU is taken to be as fast as this machine's {device}.",
    ]
    return "\n".join(lines)
