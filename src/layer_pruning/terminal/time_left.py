"""How long a run still takes, from how long the same kind of job has taken in it."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class PlannedJob:
    """A job of a run.

    Jobs of the same ``kind`` take about as long as each other; ``rule`` is what they have in common
    with jobs that are a little like them. ``share`` is the part of the machine, or of what a
    scheduler runs at a time, that the job keeps for itself, above 0 and at most 1. ``parents`` are
    the jobs that have to end before. ``guess`` says how many seconds are assumed until a job of the
    rule has been seen, None where nothing can be.
    """

    rule: str
    kind: str
    share: float
    parents: Sequence[int] = ()
    guess: float | None = None


class TimeLeft:
    """Follows a run. Times are in seconds, of any clock that only goes forward."""

    def __init__(self, jobs: Mapping[int, PlannedJob]) -> None:
        self.jobs = dict(jobs)
        self.running: dict[int, float] = {}
        self.ended: set[int] = set()
        self._of_kind: dict[str, list[float]] = defaultdict(list)
        self._of_rule: dict[str, list[float]] = defaultdict(list)

    def start(self, number: int, now: float) -> None:
        """A job has started, or has started again after it failed."""
        self.running[number] = now

    def finish(self, number: int, now: float) -> float:
        """A job has ended well; how long it took, nan where its start was not seen."""
        self.ended.add(number)
        if number not in self.running:
            return math.nan
        seconds = now - self.running.pop(number)
        if job := self.jobs.get(number):
            self._of_kind[job.kind].append(seconds)
            self._of_rule[job.rule].append(seconds)
        return seconds

    def left(self, now: float) -> tuple[float, bool]:
        """Seconds still to go, and whether that is known of every job that is left.

        The larger of two bounds on a schedule (Graham 1969): all work that is left, each job
        weighted by its share of the machine; and the longest chain of jobs that wait for each
        other. What is not known counts as nothing, so that then it is "at least".
        """
        left, known = {}, True
        for number, job in self.jobs.items():
            if number in self.ended:
                continue
            usual = self._usual(job)
            known = known and usual is not None
            spent = now - self.running[number] if number in self.running else 0.0
            left[number] = max((usual or 0.0) - spent, 0.0)
        work = math.fsum(seconds * self.jobs[number].share for number, seconds in left.items())
        return max(work, self._longest_chain(left)), known

    def _usual(self, job: PlannedJob) -> float | None:
        for seen in (self._of_kind.get(job.kind), self._of_rule.get(job.rule)):
            if seen:
                return math.fsum(seen) / len(seen)
        return job.guess

    def _longest_chain(self, left: Mapping[int, float]) -> float:
        longest: dict[int, float] = {}
        # a stack rather than recursion: chains may be longer than Python's limit
        for first in left:
            stack = [first]
            while stack:
                number = stack[-1]
                open_parents = [
                    p for p in self.jobs[number].parents if p in left and p not in longest
                ]
                if open_parents and number not in longest:
                    stack.extend(open_parents)
                    continue
                before = (longest[p] for p in self.jobs[number].parents if p in left)
                longest[number] = left[number] + max(before, default=0.0)
                stack.pop()
        return max(longest.values(), default=0.0)
