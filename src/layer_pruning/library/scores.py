"""Blocks as a library: score them, rank them, and search for the sets that should go."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from torch import Tensor, nn

from layer_pruning.activations.features import Activations
from layer_pruning.activations.sweep import activations_of
from layer_pruning.consensus.catalog import BORDA, Aggregation
from layer_pruning.consensus.ranking import rank_blocks
from layer_pruning.evaluation.savings import (
    block_runners,
    counted_savings,
    latencies,
    removable_blocks,
)
from layer_pruning.library.options import checked_limits, counted
from layer_pruning.library.probe_set import checked_probe
from layer_pruning.models.candidates import Limits, most_removals
from layer_pruning.models.copies import copied
from layer_pruning.models.holders import held
from layer_pruning.models.residual import ResidualNetwork, learnt_arrays
from layer_pruning.runtime.callers_modes import outside_callers_modes
from layer_pruning.scoring.catalog import CRITERIA, OF_IMAGES, SAVINGS
from layer_pruning.scoring.kinds import kind_of
from layer_pruning.scoring.own import OwnMetric, own_distances
from layer_pruning.scoring.probe import Probe
from layer_pruning.scoring.savings import Savings
from layer_pruning.scoring.scores import Scores
from layer_pruning.scoring.scores import score as score_by_name
from layer_pruning.searching.beam import expand
from layer_pruning.searching.catalog import BEAM, PROFILES, USUAL_BEAM
from layer_pruning.searching.profiles import profiles_of, score_profiles
from layer_pruning.searching.ranking import rank_sets
from layer_pruning.searching.sets import named_set

__all__ = ["rank", "score", "search"]

CRITERION = "layer_pruning.criterion"
"""Under this name a table of scores has in ``attrs`` the known criterion that it is of, if any."""


@outside_callers_modes()
def score(
    network: nn.Module,
    images: ArrayLike | Tensor,
    labels: ArrayLike | Tensor,
    *,
    metrics: str | Sequence[str | OwnMetric] = "consensus",
    min_blocks_per_stage: int = 1,
    protect: Collection[str] = (),
    seed: int = 0,
) -> pd.DataFrame:
    """What each block that may go is worth: a row a block, in network order, a column a metric.

    The block with the smallest number changes least. ``images`` (n, channels, height, width) and
    ``labels`` (n,) are the probe set on which every metric is computed; some metrics need more of
    them than the network has features.
    ``metrics`` is the name of a known criterion (``consensus``, ``functional`` …), or a list of
    metrics: names, or functions of one's own, called with the features of the network (n, d), those
    with a block bypassed (n, d), and the labels. The name of a known criterion is kept in ``attrs``
    of the table, so that :func:`rank` knows how it joins ranks. Every stage keeps
    ``min_blocks_per_stage`` blocks and no block of ``protect`` goes. ``seed`` is that of the metric
    ``random``.

    Raises ValueError in one line for an unknown metric or block, two metrics of one name, images
    of another shape, not finite, or outside [0, 1] for a network that normalises them, other labels
    than a class for each, where a metric needs more images, and for a network that gives features
    or logits that are not finite.
    """
    criterion = metrics if isinstance(metrics, str) else None
    metrics, _ = _criterion(metrics)
    check_savings(metrics)
    network = held(network).in_float32()
    limits = checked_limits(network.header, min_blocks_per_stage, protect)
    probe, given = _probe(network, images, labels, limits)
    savings = _savings(network, given) if {*metrics} & {*SAVINGS} else None
    columns = _scores(network, metrics, probe, seed=seed, savings=savings)
    table = pd.DataFrame(columns, index=pd.Index(probe.blocks.tolist(), name="block"))
    if criterion is not None:
        table.attrs[CRITERION] = criterion
    return table


@outside_callers_modes()
def search(
    network: nn.Module,
    images: ArrayLike | Tensor,
    labels: ArrayLike | Tensor,
    *,
    removals: int,
    search: str = "beam",
    beam: int = USUAL_BEAM,
    metrics: str | Sequence[str | OwnMetric] = "functional",
    aggregation: str | None = None,
    weights: Mapping[str, float] | None = None,
    families: Sequence[Sequence[str]] | None = None,
    min_blocks_per_stage: int = 1,
    protect: Collection[str] = (),
) -> pd.DataFrame:
    """The best set of blocks to remove, of every size up to ``removals``: a row a size.

    Nothing is trained in between, and ``network`` stays as it is: each set is held against it on
    the probe set, ``images`` (n, channels, height, width) and ``labels`` (n,). The column
    ``blocks`` is the set, as a tuple in network order, ``sets`` how many of its size were looked
    at, and the others are its distances, a column a metric. Larger sets need not hold smaller ones.

    ``search`` is ``beam``: of all sets of one block more than the ``beam`` best ones, the ``beam``
    best are kept, and every kept one costs a sweep as of :func:`score`. Or it is ``profiles``: all
    ways to share a number of removals out among the stages, each after the running statistics of
    its norms were estimated anew on ``images``; of a stage the blocks go that single removals rank
    first. What is best is said by ``metrics`` and how they are joined, as for :func:`score` and
    :func:`rank`; of several metrics, all sets of a size are ranked together. They have to be
    metrics that look at images. Progress goes to the log ``layer_pruning``.

    Raises ValueError in one line for what :func:`score` refuses, an unknown search, a beam or a
    number of removals that cannot be, a metric that looks at no images or is called ``blocks`` or
    ``sets``, and blocks whose names hold spaces.
    """
    metrics, usual = _criterion(metrics)
    how = Aggregation(aggregation or usual, weights, families)
    network = held(network).in_float32()
    blocks = network.header.blocks
    limits = checked_limits(network.header, min_blocks_per_stage, protect)
    if search not in (BEAM, PROFILES):
        raise ValueError(f"search: {BEAM} or {PROFILES} would be right, not '{search}'")
    removals, beam = counted("removals", removals), counted("beam", beam)
    how.check([_name(metric) for metric in metrics])
    for metric in metrics:
        if _name(metric) in ("blocks", "sets"):
            raise ValueError(
                f"metrics: '{_name(metric)}' is a column of its own; rename the metric"
            )
        if isinstance(metric, str) and metric not in OF_IMAGES and ":" not in metric:
            raise ValueError(f"'{metric}' does not compare networks: {', '.join(OF_IMAGES)} do")
    if network.header.removed_blocks:
        raise ValueError("blocks are gone from the network: a search starts from one that has all")
    for block in blocks:
        # the name of a set is those of its blocks with spaces between
        if block.name.split() != [block.name]:
            raise ValueError(f"'{block.name}': a search needs names of blocks without spaces")
    probe, given = _probe(network, images, labels, limits)
    if removals > (most := most_removals(blocks, limits)):
        raise ValueError(f"removals is {removals}, and {most} blocks may go under these limits")

    def scored(of: Probe) -> Scores:
        names = of.blocks.tolist()
        columns = _scores(network, metrics, of)
        return {one: dict(zip(names, values, strict=True)) for one, values in columns.items()}

    def chosen(indices: np.ndarray) -> np.ndarray:
        return given.numpy()[indices]

    single = ranking = rank_sets(scored(probe), blocks, how)
    rows = []
    for size in range(1, removals + 1):
        if search == PROFILES:
            sets = profiles_of(network, size, limits, single.order)
            ranking = score_profiles(network, sets, chosen, probe, score=scored, how=how)
        elif size > 1:
            kept = [named_set(name) for name in ranking.order[:beam]]
            ranking = expand(network, kept, chosen, probe, score=scored, how=how, limits=limits)
        best = next(row for row in ranking.rows if row.removed)
        rows.append({"blocks": named_set(best.block), "sets": len(ranking.rows), **best.scores})
    return pd.DataFrame(rows, index=pd.RangeIndex(1, removals + 1, name="removals"))


def rank(
    scores: pd.DataFrame,
    *,
    aggregation: str | None = None,
    weights: Mapping[str, float] | None = None,
    families: Sequence[Sequence[str]] | None = None,
) -> pd.DataFrame:
    """The blocks in the order in which they should go, the first to go first.

    ``scores`` is a table of :func:`score`: a row a block, of equal blocks the first row goes first.
    The result has a column ``{metric}_rank`` for each metric (1 is the smallest distance, ties
    share the mean of their ranks), ``rank_sum``, and ``aggregate``, the number that decides.
    ``aggregation`` is ``borda`` (the sum of the ranks, arXiv 2411.14345), ``median``, ``weighted``
    (with ``weights``, one a metric), ``borda_by_family`` (with ``families`` of metrics; without,
    they are found) or ``lexicographic`` (the first metric, ties broken by the next). None: that of
    the criterion by whose name the scores were asked for, else ``borda``. A table that was joined
    with another one, or read from a file, knows no criterion any more: name the aggregation then.
    Its blocks may be a column, ``block``.

    Raises ValueError in one line for a score that is no number or not finite, for options that do
    not fit, and for a table of a criterion whose columns are others now.
    """
    scores = _by_block(scores)
    how = Aggregation(aggregation or _usual(scores), weights, families)
    table: dict[str, Any] = {str(metric): scores[metric].to_dict() for metric in scores}
    ranking = rank_blocks(table, list(scores.index), how)
    rows = {
        row.block: {f"{metric}_rank": rank for metric, rank in row.ranks.items()}
        | {
            "rank_sum": row.rank_sum,
            "aggregate": row.rank_sum if row.aggregate is None else row.aggregate,
        }
        for row in sorted(ranking.rows, key=lambda row: row.order)
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("block")


def _by_block(scores: pd.DataFrame) -> pd.DataFrame:
    """Scores as numbers, with the blocks as the index.

    Raises ValueError in one line for a table that is none of scores.
    """
    if not isinstance(scores, pd.DataFrame):
        kind = type(scores).__name__
        raise ValueError(f"scores: a table of layer_pruning.score would be right, not a {kind}")
    if not scores.columns.is_unique:
        raise ValueError("scores: two columns have one name; name each metric once")
    # in a file, the index is a column
    if "block" in scores:
        scores = scores.set_index("block")
    numbers = scores.copy()
    for metric in scores:
        try:
            numbers[metric] = scores[metric].astype(float)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"scores: the column '{metric}' holds what is no number; leave out all but the "
                "blocks and their distances"
            ) from error
    return numbers


def _usual(scores: pd.DataFrame) -> str:
    """How the criterion that scores are of joins ranks. Raises ValueError where columns changed."""
    name = scores.attrs.get(CRITERION)
    if name is None:
        return BORDA.aggregation
    metrics, usual = _criterion(name)
    if usual != BORDA.aggregation and list(scores) != list(metrics):
        raise ValueError(
            f"the scores of '{name}' have other columns now: say how to join their ranks, "
            f"aggregation='{usual}' or another"
        )
    return usual


def _criterion(
    metrics: str | Iterable[str | OwnMetric],
) -> tuple[list[str | OwnMetric], str]:
    """The metrics of a criterion known by name, or those given, and how their ranks are joined.

    Raises ValueError in one line for what names no criterion and lists no metrics.
    """
    if not isinstance(metrics, str):
        return listed_metrics(metrics), BORDA.aggregation
    if metrics not in CRITERIA:
        raise ValueError(f"'{metrics}' is no criterion: known are {', '.join(CRITERIA)}")
    criterion = CRITERIA[metrics]
    return list(criterion["metrics"]), criterion.get("aggregation", BORDA.aggregation)


def listed_metrics(metrics: Iterable[str | OwnMetric]) -> list[str | OwnMetric]:
    """Metrics as a list. Raises ValueError in one line for none, and for what is no metric."""
    try:
        listed = list(metrics)
    except TypeError as error:
        raise ValueError(
            f"metrics: a criterion, or a list of metrics, would be right, not {metrics!r}"
        ) from error
    if not listed:
        raise ValueError("metrics: at least one would be right")
    for metric in listed:
        if isinstance(metric, str):
            kind_of(metric)
        elif not callable(metric):
            raise ValueError(f"metrics: {metric!r} is neither a name nor a function")
    _check_names(listed)
    return listed


def check_savings(metrics: Iterable[str | OwnMetric]) -> None:
    """Raise ValueError in one line for a saving that only the workflow measures."""
    if "saves_energy" in metrics:
        raise ValueError(
            "saves_energy: nothing says how much energy blocks save here; the workflow meters "
            "them, and saves_latency is timed"
        )


def check_criterion(
    metrics: str | Sequence[str | OwnMetric], aggregation: str | None, **options: Any
) -> None:
    """Raise ValueError in one line for what :func:`score` and :func:`rank` would refuse later.

    ``options`` are ``weights`` and ``families``.
    """
    given, usual = _criterion(metrics)
    check_savings(given)
    Aggregation(aggregation or usual, **options).check([_name(metric) for metric in given])


def _probe(
    network: ResidualNetwork,
    images: ArrayLike | Tensor,
    labels: ArrayLike | Tensor,
    limits: Limits,
) -> tuple[Activations, Tensor]:
    """The sweep of a network over probe images, and these."""
    blocks = network.header.candidates(limits)
    if not blocks:
        raise ValueError("the network has no block that may go under these limits")
    given, truth = checked_probe(network.header, images, labels)
    return activations_of(network, given.numpy(), truth, np.arange(len(truth)), blocks), given


def _scores(
    network: ResidualNetwork,
    metrics: Sequence[str | OwnMetric],
    probe: Probe,
    *,
    seed: int = 0,
    savings: Savings | None = None,
) -> dict[str, list[float]]:
    """The scores of the candidates of a sweep, by metric in the order given."""
    header, blocks = network.header, probe.blocks.tolist()
    named = score_by_name(
        [metric for metric in metrics if isinstance(metric, str)],
        probe,
        header=header,
        tensors=learnt_arrays(network),
        draw=f"seed {seed}, less {', '.join(header.removed_blocks)}",
        savings=savings,
    )
    columns = {}
    for metric in metrics:
        if isinstance(metric, str):
            columns[metric] = [named[metric][block] for block in blocks]
        else:
            features = (probe.features, probe.features_bypassed, probe.labels)
            columns[_name(metric)] = own_distances(
                _name(metric), metric, *features, blocks
            ).tolist()
    return columns


def _check_names(metrics: Sequence[str | OwnMetric]) -> None:
    """Raise ValueError in one line where two metrics would have one column."""
    names = [_name(metric) for metric in metrics]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(
                f"metrics: two are called '{name}'; name each once, and give functions of one's "
                "own a '__name__' each"
            )


def _name(metric: str | OwnMetric) -> str:
    return metric if isinstance(metric, str) else getattr(metric, "__name__", type(metric).__name__)


def _savings(network: ResidualNetwork, images: Tensor) -> dict[str, dict[str, float]]:
    """What the removal of each block would save; of its energy, nothing is known here."""
    network = copied(network)
    blocks = removable_blocks(network)
    savings = counted_savings(network, blocks)
    batch = images[:64].to(network.mean)
    for block, seconds in latencies(
        block_runners(network, batch, blocks), repeats=20, seed=0
    ).items():
        savings[block]["latency"] = seconds
    return savings
