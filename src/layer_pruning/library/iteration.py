"""Prune step by step in a training loop of one's own: score, remove, train, and again."""

import math
import warnings
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from torch import Tensor, nn

from layer_pruning.evaluation.complexity import counted_cost, parameter_count
from layer_pruning.evaluation.interleaving import interleaved_seconds, ratio
from layer_pruning.evaluation.reduction import reaches
from layer_pruning.evaluation.savings import counted_savings, parameters_saved
from layer_pruning.evaluation.throughput import batch_runner
from layer_pruning.library.options import checked_limits, counted
from layer_pruning.library.probe_set import checked_probe
from layer_pruning.library.scores import check_criterion, listed_metrics, rank, score
from layer_pruning.models.candidates import Limits
from layer_pruning.models.copies import copied
from layer_pruning.models.holders import held
from layer_pruning.models.residual import ResidualNetwork
from layer_pruning.plan.lattice import Cost, removals_for
from layer_pruning.runtime.callers_modes import outside_callers_modes
from layer_pruning.scoring.own import OwnMetric
from layer_pruning.surgery import without_blocks

REDUCTIONS = {
    "macs_reduction": "macs",
    "parameters_reduction": "parameters",
    "latency_reduction": "latency",
}
"""Targets in percent of the unpruned network, and what they reduce."""
ACCURACY = "validation_accuracy"
"""The target that is a floor, from 0 to 1."""

Evaluate = Callable[[ResidualNetwork], float]
"""From a network to its accuracy on validation images, from 0 to 1."""


@dataclass
class Step:
    """One removal: train ``network``, in place or by putting another one like it there."""

    network: ResidualNetwork
    """The network without the blocks that went, not trained since."""
    removed: tuple[str, ...]
    """The blocks that went in this step."""
    scores: pd.DataFrame
    """What every block was worth, see :func:`layer_pruning.score`."""
    ranking: pd.DataFrame
    """Their order, see :func:`layer_pruning.rank`."""
    history: pd.DataFrame
    """So far, see :attr:`Iteration.history`; this step is its last row."""


@dataclass
class Iteration:
    """What :func:`iterate` returns: steps to go through, and what came of them."""

    start: ResidualNetwork
    images: Tensor
    labels: np.ndarray
    target: Mapping[str, float]
    removals: int | None
    blocks_per_step: int
    evaluate: Evaluate | None
    scoring: Mapping[str, Any]
    limits: Limits
    ranking: Mapping[str, Any]
    batch_size: int
    repeats: int
    network: ResidualNetwork = field(init=False)
    """The network that counts: the last one, or, where accuracy fell below its floor, the one
    before. The unpruned one before the first step. A step counts when its training has ended, so
    where the caller breaks off, the step that was going on does not."""
    reached: bool = field(init=False, default=False)
    """Whether ``network`` meets the target. True of an accuracy while it is kept."""
    _rows: list[dict[str, Any]] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self.network = self.start

    @property
    def history(self) -> pd.DataFrame:
        """A row a network, by the number of its removals; the first is the unpruned one.

        ``removed`` names the blocks of the step; ``macs``, ``parameters`` and, for a target of
        latency, ``latency_reduction`` are measured before the step is trained, ``accuracy``, where
        there is an ``evaluate``, after. Reductions are percent of the first row.
        """
        return pd.DataFrame(self._rows or {"removals": []}).set_index("removals")

    def __iter__(self) -> Iterator[Step]:
        """Start from the unpruned network, whose weights stay as they are."""
        self._rows, self.network, network = [], self.start, self.start
        self._begin_row(network, ())
        self.reached = self._end_row(network)
        if ACCURACY in self.target and not self.reached:
            raise ValueError(
                f"target: the accuracy of the unpruned network is {self._rows[0]['accuracy']:.4g}, "
                f"below {ACCURACY}: {self.target[ACCURACY]:g} before anything is removed"
            )
        while self._goes_on(network):
            scores = score(network, self.images, self.labels, **self.scoring, **asdict(self.limits))
            ranking = rank(scores, **self.ranking)
            smaller = self._less(network, ranking)
            gone = smaller.header.removed_blocks[len(network.header.removed_blocks) :]
            self._begin_row(smaller, gone)
            step = Step(smaller, gone, scores, ranking, self.history)
            yield step
            network = self._given_back(step, smaller)
            met = self._end_row(network)
            if ACCURACY in self.target and not met:
                return
            self.network, self.reached = network, met
        if self.target and not self.reached:
            warnings.warn(
                f"the target was not reached: {self._rows[-1]['removals']} blocks are gone, and no "
                "other may go",
                stacklevel=2,
            )

    def _goes_on(self, network: ResidualNetwork) -> bool:
        done = self._rows[-1]["removals"]
        if self.reached and ACCURACY not in self.target and self.target:
            return False
        if self.removals is not None and done >= self.removals:
            return False
        return bool(self._candidates(network))

    def _candidates(self, network: ResidualNetwork) -> list[str]:
        return network.header.candidates(self.limits)

    def _less(self, network: ResidualNetwork, ranking: pd.DataFrame) -> ResidualNetwork:
        """``network`` without the first blocks of ``ranking``, as many as a step takes."""
        header, count = network.header, self.blocks_per_step
        if self.removals is not None:
            count = min(count, self.removals - self._rows[-1]["removals"])
        for _ in range(count):
            order = [name for name in ranking.index if name not in header.removed_blocks]
            allowed = header.candidates(self.limits)
            if not allowed:
                break
            header, _ = without_blocks(header, {}, order, count=1, limits=self.limits)
        return network.less(header.removed_blocks)

    def _given_back(self, step: Step, expected: ResidualNetwork) -> ResidualNetwork:
        """The network of a step after its training, which may be another object."""
        network = held(step.network)
        if network.header.removed_blocks != expected.header.removed_blocks:
            raise ValueError(
                "step.network: a network without the blocks "
                f"{', '.join(expected.header.removed_blocks)} would be right, not one without "
                f"{', '.join(network.header.removed_blocks) or 'any'}"
            )
        return network

    @outside_callers_modes()
    def _begin_row(self, network: ResidualNetwork, gone: Sequence[str]) -> None:
        macs = counted_cost(network, network.header.input_shape).macs
        row: dict[str, Any] = {
            "removals": (self._rows[-1]["removals"] if self._rows else 0) + len(gone),
            "removed": tuple(gone),
            "macs": macs,
            "parameters": parameter_count(network),
        }
        for kind in ("macs", "parameters"):
            first = self._rows[0][kind] if self._rows else row[kind]
            row[f"{kind}_reduction"] = 100 * (1 - row[kind] / first) if first else 0.0
        if "latency_reduction" in self.target:
            row["latency_reduction"] = self._latency_reduction(network) if gone else 0.0
        if self.evaluate is not None:
            row["accuracy"] = math.nan
        self._rows.append(row)

    def _end_row(self, network: ResidualNetwork) -> bool:
        """Evaluate a network that was trained; whether it meets the target."""
        row = self._rows[-1]
        if self.evaluate is not None:
            row["accuracy"] = _accuracy(self.evaluate(network))
        for key, wanted in self.target.items():
            if key == ACCURACY:
                return bool(row["accuracy"] >= wanted)
            return reaches(row[key], 100, wanted)
        return False

    def _latency_reduction(self, network: ResidualNetwork) -> float:
        """Percent of the time of a batch that is saved, by the median ratio within a round."""
        batch = self.images[: self.batch_size].to(network.mean)
        # training may have moved the network since the beginning
        runs = {
            name: batch_runner(copied(one).to(network.mean), batch)
            for name, one in {"network": network, "start": self.start}.items()
        }
        seconds = interleaved_seconds(runs, repeats=self.repeats, seed=0)
        return 100 * (1 - ratio(seconds["network"], seconds["start"]).value)


@outside_callers_modes()
def iterate(
    network: nn.Module,
    images: ArrayLike | Tensor,
    labels: ArrayLike | Tensor,
    *,
    target: Mapping[str, float] | None = None,
    removals: int | None = None,
    blocks_per_step: int = 1,
    evaluate: Evaluate | None = None,
    metrics: str | Sequence[str | OwnMetric] = "consensus",
    aggregation: str | None = None,
    weights: Mapping[str, float] | None = None,
    families: Sequence[Sequence[str]] | None = None,
    min_blocks_per_stage: int = 1,
    protect: Collection[str] = (),
    seed: int = 0,
    batch_size: int = 64,
    repeats: int = 20,
) -> Iteration:
    """Remove blocks step by step; between the steps, the caller trains::

        pruning = iterate(network, images, labels, target={"macs_reduction": 40})
        for step in pruning:
            train(step.network)
        pruning.network, pruning.history

    In each step the blocks of the network as it was trained are scored on ``images`` (n, channels,
    height, width) in [0, 1] and ``labels`` (n,), the ``blocks_per_step`` that are ranked first
    go, and the network without them is handed out to be trained. ``network`` itself stays as it
    is. Training may happen in place, or put another network without the same blocks into
    ``step.network``.

    It ends after the first step that meets ``target``, one of ``macs_reduction``,
    ``parameters_reduction``, ``latency_reduction`` (percent of ``network``; latency is measured
    beside it, by ``repeats`` batches of ``batch_size`` images) or ``validation_accuracy`` (from 0
    to 1): pruning then goes on until ``evaluate``, called with the trained network, gives less, and
    the network before is the one that counts. At the latest it ends after ``removals`` blocks, or
    when no other may go; a target that was not reached then is warned of. The other options are
    those of :func:`layer_pruning.score` and :func:`layer_pruning.rank`.

    Raises ValueError in one line, before anything is computed, for a target that does not exist or
    that no choice of blocks reaches, and for images, labels, metrics and options that
    :func:`layer_pruning.score` and :func:`layer_pruning.rank` refuse.
    """
    if not isinstance(metrics, str):
        metrics = listed_metrics(metrics)
    check_criterion(metrics, aggregation, weights=weights, families=families)
    start = held(network)
    if target is not None and not isinstance(target, Mapping):
        raise ValueError(f"target: a mapping, such as {{'macs_reduction': 40}}, not {target!r}")
    given, truth = checked_probe(start.header, images, labels)
    iteration = Iteration(
        start=start,
        images=given,
        labels=truth,
        target=dict(target or {}),
        removals=None if removals is None else counted("removals", removals),
        blocks_per_step=counted("blocks_per_step", blocks_per_step),
        evaluate=evaluate,
        scoring={"metrics": metrics, "seed": seed},
        limits=checked_limits(start.header, min_blocks_per_stage, protect),
        ranking={"aggregation": aggregation, "weights": weights, "families": families},
        batch_size=counted("batch_size", batch_size),
        repeats=counted("repeats", repeats),
    )
    _check_target(iteration)
    return iteration


def _check_target(given: Iteration) -> None:
    """Raise ValueError in one line for a target that does not exist or cannot be reached."""
    known = (*REDUCTIONS, ACCURACY)
    if len(given.target) > 1 or not set(given.target) <= set(known):
        raise ValueError(f"target: one of {', '.join(known)} would be right, not {given.target}")
    for key, value in given.target.items():
        if not isinstance(value, Real):
            raise ValueError(f"target: {key} is {value!r}; a number would be right")
        if key == ACCURACY:
            _checked(value, f"target: {key}")
            if given.evaluate is None:
                raise ValueError(
                    f"target: {key} needs 'evaluate', which gives a network's accuracy"
                )
        elif not 0 < value < 100:
            raise ValueError(f"target: {key} is {value}; percent between 0 and 100 would be right")
        elif key != "latency_reduction":
            _check_reachable(given, REDUCTIONS[key], value)


def _check_reachable(given: Iteration, kind: str, percent: float) -> None:
    """Raise ValueError where no choice of blocks saves ``percent`` of what is counted."""
    network = given.start
    header, names = network.header, given._candidates(network)
    stages = {block.name: block.stage for block in header.blocks}
    counted = counted_savings(network, names)
    total = {
        "macs": counted_cost(network, header.input_shape).macs,
        "parameters": parameter_count(network),
    }
    bound = removals_for(
        [Cost(n, stages[n], counted[n]["macs"], counted[n]["parameters"]) for n in names],
        Counter(stages[name] for name in header.kept_blocks()),
        total,
        kind,
        percent,
        min_blocks_per_stage=given.limits.min_blocks_per_stage,
        limit=given.removals,
    )
    if kind == "parameters" and parameters_saved(network, names) > sum(
        counted[name]["parameters"] for name in names
    ):
        # weights that only blocks share go with the last of them: sets save more than their sum
        return
    if not bound.reached:
        most = 100 * bound.most / total[kind] if total[kind] else 0.0
        raise ValueError(
            f"target: {percent:g} % fewer {kind} cannot be reached: {most:.2f} % is the most that "
            "the removals allowed here save"
        )


def _accuracy(given: Any) -> float:
    """What ``evaluate`` gave, which may be of NumPy or PyTorch."""
    try:
        accuracy = float(given)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"evaluate: an accuracy is a number from 0 to 1, not {given!r}") from error
    return _checked(accuracy)


def _checked(accuracy: float, name: str = "evaluate") -> float:
    if not 0 <= accuracy <= 1:
        raise ValueError(f"{name}: an accuracy is a number from 0 to 1, not {accuracy:g}")
    return accuracy
