"""Which network a target selects, and what became of it.

A target chooses among networks that are there anyway, by what they cost or by their accuracy on the
validation split. The test split is read by nothing here.
"""

from collections.abc import Mapping

import pandas as pd

from layer_pruning.evaluation.reduction import reaches
from layer_pruning.report.records import BASELINE, Place

COUNTED = {"macs_reduction": "macs", "parameters_reduction": "parameters"}


def pruned(summary: pd.DataFrame) -> pd.DataFrame:
    """The networks on the paths of criteria, and what a last phase of fine-tuning made of them.

    No baseline, none trained from new weights, no unpruned one trained for longer.
    """
    return summary[summary["made_by"].isin(["pruned", "final"])]


def counted(summary: pd.DataFrame) -> pd.DataFrame:
    """The pruned networks that verdicts are about: those after the last phase, if there was one.

    Networks before and after it have had different budgets, and are never compared.
    """
    finished = summary[summary["made_by"] == "final"]
    return finished if len(finished) else pruned(summary)


def on_the_way(summary: pd.DataFrame) -> set[Place]:
    """The networks that a last phase went on from, at removals at which one did.

    They had fewer epochs than those that verdicts are about, and than what was trained as long as
    these.
    """
    names = ["dataset", "architecture", "criterion", "removed"]

    def places(rows: pd.DataFrame) -> set[Place]:
        return set(rows[names].itertuples(index=False, name=None))

    steps = summary.groupby([name for name in names if name != "criterion"])
    return {one for _, step in steps for one in places(pruned(step)) - places(counted(step))}


def varying(summary: pd.DataFrame) -> set[Place]:
    """The networks whose seeds ended at other architectures, as those of random choice do.

    How far apart they are says little of how far trainings of one architecture are, and the other
    way round: comparisons over seeds keep the two spreads apart.
    """
    names = ["dataset", "architecture", "criterion", "removed"]
    sizes = summary.groupby(names)[["macs", "parameters"]].nunique()
    return set(sizes.index[(sizes > 1).any(axis=1)])


def equally_trained(summary: pd.DataFrame) -> dict[str, str]:
    """The criteria that pruned nothing but had as many epochs, and how they were made.

    ``scratch`` (the pruned architecture from new weights) or ``continued`` (the baseline trained
    for longer).
    """
    alone = summary[summary["made_by"].isin(["scratch", "continued"])]
    return dict(sorted(zip(alone["criterion"], alone["made_by"], strict=True)))


def selected(summary: pd.DataFrame, target: Mapping[str, float]) -> pd.Series:
    """True for the network of each criterion and seed that ``target`` selects, False for others.

    ``summary`` as made by :func:`layer_pruning.report.summary.summarise`. ``target`` is empty, or
    one of ``macs_reduction``, ``parameters_reduction`` and ``latency_reduction`` (percent of the
    baseline's) or ``validation_accuracy`` (from 0 to 1). On the path of a criterion, from few
    removals to many, a reduction selects the first network that reaches it; an accuracy the last
    one such that it and all before it reach it. A path may have no such network.
    """
    chosen = pd.Series(False, index=summary.index)
    for kind, value in target.items():
        met = _met(summary, kind, value)
        for _, path in pruned(summary).groupby(["dataset", "architecture", "seed", "criterion"]):
            meets = met[path.sort_values("removed").index]
            if kind == "validation_accuracy":
                found = meets.index[meets.cummin()][-1:]
            else:
                found = meets.index[meets][:1]
            chosen[found] = True
    return chosen


def _met(summary: pd.DataFrame, kind: str, value: float) -> pd.Series:
    """Whether each network reaches the target by itself; False where that is not known."""
    if kind == "validation_accuracy":
        return summary["accuracy_validation"] >= value
    if kind == "latency_reduction":
        known = summary["predicted_latency_reduction_percent"]
        return known.map(lambda percent: reaches(percent, 100, value)).astype(bool)
    # in whole multiply-accumulates or parameters, as the number of removals was found
    column, seed = COUNTED[kind], ["dataset", "architecture", "seed"]
    baselines = summary[summary["criterion"] == BASELINE].set_index(seed)[column]
    whole = baselines.reindex(pd.MultiIndex.from_frame(summary[seed])).to_numpy()
    costs = zip(whole, summary[column], strict=True)
    met = [reaches(total - own, total, value) for total, own in costs]
    return pd.Series(met, index=summary.index, dtype=bool)
