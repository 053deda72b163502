"""The ways to join ranks, by name, and what each needs; no numpy, so that a config check is quick.

Every criterion of the configuration can be checked here before a first job starts.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from numbers import Real
from typing import Any

DESCRIPTIONS: dict[str, str] = {
    "borda": "The sum of the ranks over the metrics, as in the paper.",
    "median": "The median rank, which no minority of odd metrics can move far.",
    "borda_by_family": "One vote for each family of metrics: its mean rank, summed over families.",
    "weighted": "The sum of the ranks, each times the weight of its metric.",
    "lexicographic": "The rank by the first metric, ties broken by the second, and so on.",
}
"""What the number is by which blocks go, smallest first; one sentence for each aggregation."""

AGGREGATIONS: tuple[str, ...] = tuple(DESCRIPTIONS)
"""The names that a configuration may give."""


@dataclass(frozen=True)
class Aggregation:
    """A way to join ranks, by name, and the options that it takes."""

    aggregation: str = "borda"
    weights: Mapping[str, float] | None = None
    """Of ``weighted``, which needs one positive number for every metric."""
    families: Sequence[Sequence[str]] | None = None
    """Of ``borda_by_family``: disjoint lists of metrics.

    A metric in no list is a family of its own; without any list the families are found in the
    ranks.
    """

    @classmethod
    def of(cls, settings: Any) -> "Aggregation":
        """The aggregation among the settings of a criterion, or the params of a job."""
        return cls(**{field.name: settings[field.name] for field in fields(cls)})

    def check(self, metrics: Sequence[str]) -> None:
        """Raise ``ValueError``, in one line, unless the options fit these metrics.

        An option that the aggregation would not read is an error, since somebody wrote it to some
        purpose.
        """
        name = self.aggregation
        if not metrics:
            raise ValueError("a criterion needs at least one metric")
        if len(set(metrics)) < len(metrics):
            twice = next(metric for metric in metrics if list(metrics).count(metric) > 1)
            raise ValueError(f"metric {twice} is named twice; name it once")
        if name not in DESCRIPTIONS:
            raise ValueError(f"unknown aggregation {name}; choose from {_listed(AGGREGATIONS)}")
        if self.weights is not None and name != "weighted":
            raise ValueError(f"{name} takes no weights; leave them out, or use weighted")
        if self.families is not None and name != "borda_by_family":
            raise ValueError(f"{name} takes no families; leave them out, or use borda_by_family")
        if name == "weighted":
            _check_weights(metrics, self.weights)
        if self.families is not None:
            _check_families(metrics, self.families)


BORDA = Aggregation()
"""The consensus of arXiv 2411.14345."""


def _check_weights(metrics: Sequence[str], weights: Mapping[str, float] | None) -> None:
    if weights is None:
        raise ValueError("weighted needs weights: one positive number for every metric")
    for metric in weights:
        if metric not in metrics:
            raise ValueError(f"a weight for unknown metric {metric}; there is {_listed(metrics)}")
    for metric in metrics:
        if metric not in weights:
            raise ValueError(f"no weight for metric {metric}; every metric needs one")
        weight = weights[metric]
        number = isinstance(weight, Real) and not isinstance(weight, bool)
        if not (number and math.isfinite(weight) and weight > 0):
            raise ValueError(f"the weight of {metric} is {weight}; it must be a positive number")


def _check_families(metrics: Sequence[str], families: Sequence[Sequence[str]]) -> None:
    seen: set[str] = set()
    for family in families:
        if isinstance(family, str) or not family:
            raise ValueError(f"family {family!r} is no list of metrics; write [metric, ...]")
        for metric in family:
            if metric not in metrics:
                raise ValueError(f"a family of unknown metric {metric}, not {_listed(metrics)}")
            if metric in seen:
                raise ValueError(f"metric {metric} is in the families twice; it has one vote")
            seen.add(metric)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)
