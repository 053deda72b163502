"""Work on many images that is divided among several jobs, whose results are joined. No torch.

How many jobs follows from what one would be expected to take; where that is little, one job does it
all and there is nothing to join. A result that is there keeps the number that it was made by.

The files of a shard say how many there are, as in ``shard-000-of-004``: jobs delete files of before
as they start, on other machines too, and which part of the images is theirs must not depend on what
is still there.
"""

import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol


class Shard(NamedTuple):
    """Which of several shards, counted from 0."""

    number: int
    total: int

    def of(self, whole: int, batch: int) -> slice:
        """This one's part of ``whole`` images, in their order, by whole batches of ``batch``.

        Every image then is in the same batch as without shards.
        """
        batches = -(-whole // batch)
        first, last = (end * batches // self.total for end in (self.number, self.number + 1))
        return slice(min(first * batch, whole), min(last * batch, whole))

    def __str__(self) -> str:
        """As it is in paths."""
        return f"{self.number:03d}-of-{self.total:03d}"

    @classmethod
    def named(cls, text: str) -> "Shard":
        """The one that a part of a path names."""
        number, _, total = text.partition("-of-")
        return cls(int(number), int(total))


WHOLE = Shard(0, 1)


@dataclass(frozen=True)
class _Files:
    """What a kind of work writes, below the folder of its network; {} is the number of a shard."""

    result: str
    """Of all images."""
    shard: str
    """Of a part of them."""
    kept: str
    """Of every shard, and stays, while what is joined may be gone afterwards."""


DIVIDED = {
    "activations": _Files(
        "activations.npz",
        "activations/shard-{}.npz",
        "usage/extract_activations/shard-{}.json",
    ),
    "evaluation": _Files(
        "accuracy.json", "evaluation/shard-{}.safetensors", "logs/evaluate_shard/{}.log"
    ),
    "attack {attack}": _Files(
        "attacks/{attack}.json",
        "attacks/{attack}/shard-{}.json",
        "usage/attack/{attack}/shard-{}.json",
    ),
    "corruptions": _Files(
        "corruptions.json", "corruptions/shard-{}.json", "logs/corrupt_shard/{}.log"
    ),
}
"""By work, which wildcards may name too."""


class _Estimate(Protocol):
    """What is known of jobs before they run (``estimate.requirements.Requirements``)."""

    def shards(self, work: str, dataset: str, architecture: str) -> int:
        """Into how many jobs a kind of work is divided."""

    def told(self, work: str) -> bool:
        """Whether the configuration says how many, whatever is there."""

    def minutes(
        self, work: str, dataset: str, architecture: str, attempt: int, *, among: int
    ) -> int:
        """Minutes that each of so many asks for."""


class Shards:
    """The shards of each kind of work, as functions of wildcards for rules.

    ``placed`` is told a path below the results and returns where it lies.
    """

    def __init__(self, estimate: _Estimate, placed: Callable[[str], str]) -> None:
        self.estimate = estimate
        self.placed = placed

    def count(self, work: str, folder: str, wildcards: Any) -> int:
        """How many there are of the network in a folder (a pattern); 1 where nothing is divided."""
        if wildcards.get("shard") is not None:
            return Shard.named(wildcards.shard).total
        files, here = DIVIDED[work], Path(self.placed(folder.format(**wildcards)))
        named = work.format(**wildcards)
        if not self.estimate.told(named):
            if (here / files.result.format(**wildcards)).exists():
                return _whole_set(here / files.kept.format("*", **wildcards)) or 1
            # what waits to be joined, also for a job on another machine
            if made := _whole_set(here / files.shard.format("*", **wildcards)):
                return made
        return self.estimate.shards(named, wildcards.dataset, wildcards.architecture)

    def joined(self, work: str, folder: str, of: str = "shard") -> Callable[[Any], list[str]]:
        """An input function: the shards that a result is joined from; none where it is one piece.

        ``of`` is "kept" for what stays of them.
        """

        def paths(wildcards: Any) -> list[str]:
            count = self.count(work, folder, wildcards)
            pattern = f"{folder}/{getattr(DIVIDED[work], of)}"
            numbers = range(count if count > 1 else 0)
            return [pattern.format(Shard(number, count), **wildcards) for number in numbers]

        return paths

    @staticmethod
    def this(wildcards: Any) -> tuple[int, int]:
        """The params of a shard: its number in the path, and how many there are."""
        number, total = Shard.named(wildcards.shard)
        return number, total

    def images(self, whole: int, together: int) -> Callable[[Any], tuple[int, int]]:
        """A params function: the first of ``whole`` images of a job, and the one after its last.

        ``together`` are in one batch. All of them where the path names no shard.
        """

        def places(wildcards: Any) -> tuple[int, int]:
            if wildcards.get("shard") is None:
                return (0, whole)
            own = Shard.named(wildcards.shard).of(whole, together)
            return (own.start, own.stop)

        return places

    def minutes(self, work: str, folder: str) -> Callable[[Any, int], int]:
        """A resources function: minutes for one of them, or for all in one piece."""
        return lambda wildcards, attempt: self.estimate.minutes(
            work.format(**wildcards),
            wildcards.dataset,
            wildcards.architecture,
            attempt,
            among=self.count(work, folder, wildcards),
        )


def _whole_set(pattern: Path) -> int:
    """Of how many shards all files are there; of several such numbers, the one made last; or 0."""
    found: dict[int, dict[int, float]] = defaultdict(dict)
    for path in pattern.parent.glob(pattern.name):
        if name := re.search(r"(\d+)-of-(\d+)", path.name):
            number, total = map(int, name.groups())
            found[total][number] = path.stat().st_mtime
    whole = {
        total: max(made.values()) for total, made in found.items() if set(made) >= set(range(total))
    }
    return max(whole, key=lambda total: (whole[total], total), default=0)
