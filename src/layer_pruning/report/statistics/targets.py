"""What the networks that a target selected are worth, over seeds."""

from typing import Any

import pandas as pd

from layer_pruning.report.columns import MEANS
from layer_pruning.report.selection import pruned
from layer_pruning.report.statistics.over_seeds import (
    MARGIN,
    accuracy_verdict,
    difference_to_baseline,
)
from layer_pruning.report.statistics.significance import Mean


def selected_networks(summary: pd.DataFrame, margin: float = MARGIN) -> pd.DataFrame:
    """One row a pruning criterion: its selected networks over the seeds that have one.

    ``summary`` is of one dataset and architecture. ``seeds`` is the number of seeds, ``selected``
    that of those with a selected network, whose removals lie from ``removed_low`` to
    ``removed_high``. ``accuracy_*`` and ``difference_*`` (to the seed's baseline) are of the test
    split: means with 95 % t-intervals, over seeds, or for the accuracy of a single one Wilson's of
    its images; criteria may have different seeds, so each has its own, those of the differences
    widened for their number (Bonferroni). All but the counts is NaN where nothing was selected.
    """
    summary = summary.assign(difference=difference_to_baseline(summary))
    rows, criteria = [], pruned(summary)["criterion"].nunique()
    for criterion, path in pruned(summary).groupby("criterion", sort=True):
        row: dict[str, Any] = {"criterion": criterion, "seeds": path["seed"].nunique()}
        chosen = path[path["selected"]]
        row |= {"selected": len(chosen), "verdict": ""}
        row |= {"removed_low": chosen["removed"].min(), "removed_high": chosen["removed"].max()}
        row |= {name: chosen[name].mean(skipna=False) for name in MEANS}
        if len(chosen):
            accuracy, change = (
                Mean.of(chosen["accuracy_test"], (0, 1)),
                Mean.of(chosen["difference"], (-1, 1), criteria),
            )
            low, high = accuracy.low, accuracy.high
            if len(chosen) == 1:
                low, high = chosen.iloc[0][
                    ["accuracy_test_interval_low", "accuracy_test_interval_high"]
                ]
            row |= {"accuracy_mean": accuracy.mean}
            row |= {"accuracy_interval_low": low, "accuracy_interval_high": high}
            row |= {"difference_mean": change.mean}
            row |= {"difference_interval_low": change.low, "difference_interval_high": change.high}
            row["verdict"] = accuracy_verdict(change.low, change.high, margin)
        rows.append(row)
    ends = ("mean", "interval_low", "interval_high")
    results = [f"{name}_{end}" for name in ("accuracy", "difference") for end in ends]
    columns = ["criterion", "seeds", "selected", "removed_low", "removed_high", *MEANS, *results]
    return pd.DataFrame(rows, columns=[*columns, "verdict"])
