"""Work on many images that is divided among several jobs, whose results are joined. No torch.

How many jobs follows from what one would be expected to take; where that is little, one job does it
all and there is nothing to join. A result that is there keeps the number that it was made by.
"""

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
        "activations/shard-{:03d}.npz",
        "usage/extract_activations/shard-{:03d}.json",
    ),
    "evaluation": _Files(
        "accuracy.json", "evaluation/shard-{:03d}.safetensors", "logs/evaluate_shard/{:03d}.log"
    ),
    "attack {attack}": _Files(
        "attacks/{attack}.json",
        "attacks/{attack}/shard-{:03d}.json",
        "usage/attack/{attack}/shard-{:03d}.json",
    ),
    "corruptions": _Files(
        "corruptions.json", "corruptions/shard-{:03d}.json", "logs/corrupt_shard/{:03d}.log"
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
        files, here = DIVIDED[work], Path(self.placed(folder.format(**wildcards)))
        named = work.format(**wildcards)
        if not self.estimate.told(named) and (here / files.result.format(**wildcards)).exists():
            kept = Path(files.kept.format(0, **wildcards))
            return max(1, len(list((here / kept.parent).glob(f"*[0-9]{kept.suffix}"))))
        return self.estimate.shards(named, wildcards.dataset, wildcards.architecture)

    def joined(self, work: str, folder: str, of: str = "shard") -> Callable[[Any], list[str]]:
        """An input function: the shards that a result is joined from; none where it is one piece.

        ``of`` is "kept" for what stays of them.
        """

        def paths(wildcards: Any) -> list[str]:
            count = self.count(work, folder, wildcards)
            pattern = f"{folder}/{getattr(DIVIDED[work], of)}"
            numbers = range(count if count > 1 else 0)
            return [pattern.format(number, **wildcards) for number in numbers]

        return paths

    def this(self, work: str, folder: str) -> Callable[[Any], tuple[int, int]]:
        """A params function: the number of the shard in the path, and how many there are."""
        return lambda wildcards: (int(wildcards.shard), self.count(work, folder, wildcards))

    def images(
        self, work: str, folder: str, whole: int, together: int
    ) -> Callable[[Any], tuple[int, int]]:
        """A params function: the first of ``whole`` images of a job, and the one after its last.

        ``together`` are in one batch. All of them where the path names no shard.
        """

        def places(wildcards: Any) -> tuple[int, int]:
            if wildcards.get("shard") is None:
                return (0, whole)
            own = Shard(*self.this(work, folder)(wildcards)).of(whole, together)
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
