"""Keys of criteria, and of how far they are followed."""

from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le, Lt

from layer_pruning.configuration.keys.values import (
    Count,
    NotNegative,
    Number,
    Positive,
    Settings,
    Some,
)

Percent = Annotated[Number, Gt(0), Lt(100)]


class Criterion(Settings):
    """A criterion by a name of the user's."""

    metrics: Some[str] | None = None
    """Metrics whose ranks are joined."""
    blocks: Some[str] | None = None
    """Instead of `metrics`: the blocks to remove, in this order, such as `[stage1.block2,
    stage3.block3]`. As many go as are listed, whatever `removals` says."""
    architecture_of: str | None = None
    """Instead of `metrics`: a criterion that removes blocks. What it left at the last removal that
    counts (`report_at`) is trained from new weights, for as many epochs in all. The criterion known
    as `scratch` takes the first of the list."""
    epochs_of: str | None = None
    """Instead of `metrics`: a criterion that removes blocks. The unpruned network is trained for as
    many epochs more as what that criterion left was fine-tuned. The criterion known as `continued`
    takes the first of the list."""
    aggregation: str = "borda"
    """How ranks become one number a block: `borda` (their sum, as in the paper), `median`,
    `weighted` (a sum with `weights`), `borda_by_family` (one vote a family of metrics),
    `lexicographic` (the first metric, ties broken by the next)."""
    weights: dict[str, Positive] | None = None
    """Weight of every metric, for `weighted` only."""
    families: list[Some[str]] | None = None
    """Families of metrics that share one vote, for `borda_by_family` only. Empty: found by
    clustering the metrics by Kendall's tau."""
    saves: Literal["latency", "energy", "macs", "parameters"] | None = None
    """One more vote for what a removal saves, most first: `latency` and `energy` (measured), `macs`
    or `parameters`."""
    saves_weight: Positive = 1
    """Weight of that vote, for `borda` and `weighted`, where a metric weighs 1 by default."""
    search: Literal["greedy", "beam", "profiles"] = "greedy"
    """How blocks are chosen: `greedy` (the first of a ranking goes, and what is left is ranked
    again), `beam` (the best sets of blocks are kept while they grow) or `profiles` (all ways to
    share removals out among the stages). The last two compare whole sets with the baseline, with
    no training in between; their networks are fine-tuned once, for as many epochs as those on a
    greedy path to as many removals."""
    beam: Annotated[Count, Le(10_000)] | None = None
    """How many sets `search: beam` keeps of each size, 10,000 at most, each of which is swept once;
    none: 4. One is greedy removal without training in between."""


class Target(Settings):
    """What a network should reach, by one key at most. It selects a network of each criterion and
    seed among those that are made anyway, never by test accuracy. None: the last one is what
    counts."""

    macs_reduction: Percent | None = None
    """Percent of the baseline's multiply-accumulates to save. The first network that does is
    selected."""
    parameters_reduction: Percent | None = None
    """The same for parameters."""
    latency_reduction: Percent | None = None
    """The same for the time of a batch, predicted from the times of the baseline's blocks, which
    are measured once for each seed."""
    validation_accuracy: Annotated[Number, Ge(0), Le(1)] | None = None
    """A floor, from 0 to 1. The last network is selected that is not below it and comes after none
    that is."""


class Bootstrap(Settings):
    """Whether another draw of the probe images would have removed the same block: the scores are
    computed again on resamples of the features. It decides nothing."""

    resamples: NotNegative = 100
    """Resamples for each ranking; 0 for none."""


class Savings(Settings):
    """How the latency of single blocks is measured, where a criterion lets savings vote."""

    batch_size: Count = 64
    """Images in a batch."""
    repeats: Count = 50
    """Rounds over all blocks, each in another order; the median counts."""
