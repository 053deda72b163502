"""What the seeds say together of test accuracy: means, changes, and how criteria compare.

Every difference of accuracies is paired: it is taken within a seed, because two networks of one
seed share their baseline, so most of the spread between seeds cancels out. All criteria are in one
model (``repeated``).
"""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import pandas as pd

from layer_pruning.report.columns import MEANS
from layer_pruning.report.network_tables import in_order
from layer_pruning.report.records import BASELINE
from layer_pruning.report.selection import counted, equally_trained, pruned, varying
from layer_pruning.report.statistics.repeated import Contrast, Key, against, all_pairs
from layer_pruning.report.statistics.significance import POWER, Mean, normal_quantile

MARGIN = 0.005
"""Accuracy is kept if no more than this fraction is lost; by default, in points, 0.5."""
HIGHER, LOST = "higher", "lost"
UNKNOWN = "cannot be said with these seeds"
SAME = "the same networks"


def kept_within(margin: float) -> str:
    """The verdict that no more than ``margin``, a fraction, was lost."""
    return f"kept within {100 * margin:g} points"


def accuracy_verdict(low: float, high: float, margin: float) -> str:
    """What the ends of the interval of a change say.

    "kept" is a one-sided test of non-inferiority at 2.5 %: the lower end is above minus the margin
    (Piaggio et al., JAMA 308, 2012, 2594-2604). "lost" is a change below 0 of which that is not
    shown; "higher" one above 0. UNKNOWN is everything else, a change without an interval too.
    """
    if low > 0:
        return HIGHER
    if low > -margin:
        return kept_within(margin)
    return LOST if high < 0 else UNKNOWN


def aggregate(summary: pd.DataFrame, margin: float = MARGIN) -> pd.DataFrame:
    """One row per dataset, architecture, criterion and number of removals: the same over seeds.

    ``accuracy_*`` describe the test accuracy as a fraction: mean, sample standard deviation and
    95 % t-interval over seeds, within 0 and 1. ``difference_*`` is the test accuracy minus that of
    the same seed's baseline, with intervals that hold at once for all criteria that pruned as many
    blocks, see :func:`changes`; ``detectable`` the true difference that they would have shown in
    80 % of runs, and ``verdict`` what :func:`accuracy_verdict` says. The other columns are means
    over seeds, NaN as soon as one seed has no value.

    Raises ValueError if a network's seed has no baseline.
    """
    rows = []
    groups = ["dataset", "architecture", "removed"]
    difference_to_baseline(summary)
    for (dataset, architecture), pair in summary.groupby(groups[:2], sort=False):
        for removed, step in pair.groupby("removed", sort=False):
            found = changes(pair, removed, BASELINE)
            for criterion, group in step.groupby("criterion", sort=False):
                accuracy, change = (
                    Mean.of(group["accuracy_test"], (0, 1)),
                    found.get(str(criterion)),
                )
                row: dict[str, Any] = {
                    "dataset": dataset,
                    "architecture": architecture,
                    "removed": removed,
                }
                row |= {"criterion": criterion, "seeds": len(group)}
                row |= _described(accuracy) | _change(change)
                row["verdict"] = accuracy_verdict(change.low, change.high, margin) if change else ""
                rows.append(row | {name: group[name].mean(skipna=False) for name in MEANS})
    columns = [*groups[:2], "criterion", "removed", "seeds", *_described(), *_change(), "verdict"]
    return in_order(pd.DataFrame(rows, columns=[*columns, *MEANS]))


def changes(summary: pd.DataFrame, removed: Any, other: str) -> dict[str, Contrast]:
    """Test accuracy of every criterion minus that of ``other``, after as many removals.

    ``summary`` is of one dataset and architecture. The criteria that pruned are in one model with
    ``other`` (Dunnett's method); one that was trained as long without pruning has a model of its
    own, as it may differ more from seed to seed. Intervals hold at once for what is in a model.
    With one seed they are over test images.
    """
    apart = [name for name in equally_trained(summary) if name != other]
    step = summary[summary["removed"] == removed]
    verdicts = list(counted(step)["criterion"].unique())
    on_the_way = [name for name in pruned(step)["criterion"].unique() if name not in verdicts]
    models = [verdicts, on_the_way, *([name] for name in apart)]
    found: dict[str, Contrast] = {}
    for names in models:
        table = accuracies(summary, removed, [other, *names])
        if other not in table or len(table.columns) < 2 or table.empty:
            continue
        if len(table) == 1:
            pairs = {name: (name, other) for name in table.columns if name != other}
            found |= _over_images(summary, removed, pairs)
        else:
            outcomes = {str(name): table[name].to_numpy() for name in table}
            found |= against(outcomes, other, varying=_varying(summary, removed))
    return found


def compare_criteria(summary: pd.DataFrame) -> pd.DataFrame:
    """Every two criteria at the same number of removals, by Tukey's method.

    ``difference_*`` is the test accuracy of ``criterion`` minus that of ``other`` over the seeds
    that all have. ``verdict`` names the higher one where 0 is outside the interval, and
    ``p_value`` is the level at which it would just reach 0; both are corrected for all pairs at the
    same number of removals. Criteria that made the same networks have ``verdict`` SAME, a
    difference of 0 and nothing else.
    """
    columns = ["dataset", "architecture", "removed", "criterion", "other", "seeds", *_change()]
    rows: list[dict[str, Any]] = []
    for names, group in counted(summary).groupby(columns[:2], sort=True):
        for removed, step in group.groupby("removed", sort=True):
            table = accuracies(group, removed, sorted(step["criterion"].unique()))
            copies = same_networks(step)
            for (first, second), contrast in pairs_of(group, removed).items():
                row: dict[str, Any] = dict(zip(columns[:3], (*names, removed), strict=True))
                row |= {"criterion": first, "other": second, "seeds": len(table)}
                row |= _change(contrast) | {"p_value": contrast.p_value}
                words = (f"{first} higher", f"{second} higher", "no difference shown", UNKNOWN)
                verdict = contrast.verdict(*words)
                if second in copies[first]:
                    row |= _change(Contrast(0.0, *[math.nan] * 5)) | {"p_value": math.nan}
                    verdict = SAME
                rows.append(row | {"verdict": verdict})
    return pd.DataFrame(rows, columns=[*columns, "p_value", "verdict"])


def pairs_of(summary: pd.DataFrame, removed: Any) -> dict[tuple[str, str], Contrast]:
    """Every two criteria after as many removals, of one dataset and architecture."""
    step = counted(summary[summary["removed"] == removed])
    table = accuracies(summary, removed, sorted(step["criterion"].unique()))
    if len(table.columns) < 2 or table.empty:
        return {}
    if len(table) == 1:
        pairs = {pair: pair for pair in combinations(map(str, table.columns), 2)}
        return _over_images(summary, removed, pairs)
    outcomes = {str(name): table[name].to_numpy() for name in table}
    return all_pairs(outcomes, varying=_varying(summary, removed))


@dataclass(frozen=True)
class Choice:
    """The criterion chosen on the validation split, and what the test split says of the choice."""

    name: str
    leads: Mapping[str, Contrast]
    """Test accuracy of the chosen criterion minus that of each other, of all pairs corrected.

    Those are left out that made the same networks.
    """
    same: list[str]
    """The criteria that did."""
    seeds: int

    @property
    def shown(self) -> bool:
        """Whether it is shown to be better than every other."""
        return bool(self.leads) and all(lead.low > 0 for lead in self.leads.values())

    @property
    def better(self) -> list[str]:
        """The criteria that are shown to be better than the chosen one."""
        return [name for name, lead in self.leads.items() if lead.high < 0]

    @property
    def tied(self) -> list[str]:
        """The criteria of which neither is shown."""
        return [name for name, lead in self.leads.items() if not (lead.low > 0 or lead.high < 0)]


def best_criterion(summary: pd.DataFrame, removed: int) -> Choice:
    """The criterion with the highest mean validation accuracy after ``removed`` removals.

    Only criteria that prune are compared. ``summary`` is of one dataset and architecture. The test
    split plays no part in the choice, so that what it says of it is not flattered by it.
    """
    step = counted(summary[summary["removed"] == removed])
    if step.empty:
        raise ValueError(f"no network with {removed} blocks removed")
    means = step.groupby("criterion", sort=True)["accuracy_validation"].mean()
    best = str(means.idxmax())
    leads = {
        (second if first == best else first): lead if first == best else lead.reversed()
        for (first, second), lead in pairs_of(summary, removed).items()
        if best in (first, second)
    }
    same = same_networks(step)[best]
    leads = {name: lead for name, lead in leads.items() if name not in same}
    return Choice(best, leads, same, step["seed"].nunique())


def same_networks(step: pd.DataFrame) -> dict[str, list[str]]:
    """By criterion, the others whose networks of every seed have its blocks and its accuracies.

    ``step`` has the networks after one number of removals. Trainings are the same where the
    blocks that went are, and the order in which they did: accuracies tell that apart.
    """
    columns = ["blocks", "accuracy_validation", "accuracy_test"]
    found = {
        str(name): of_seeds.set_index("seed")[columns].to_dict("index")
        for name, of_seeds in step.groupby("criterion")
    }
    return {
        name: sorted(other for other in found if other != name and found[other] == own)
        for name, own in found.items()
    }


def _varying(summary: pd.DataFrame, removed: Any) -> set[str]:
    """The criteria whose networks after as many removals are of several architectures."""
    return {criterion for _, _, criterion, at in varying(summary) if at == removed}


def accuracies(summary: pd.DataFrame, removed: Any, criteria: Collection[str]) -> pd.DataFrame:
    """Test accuracies, a row a seed that all of ``criteria`` have, a column a criterion."""
    at = (summary["removed"] == removed) | (summary["criterion"] == BASELINE)
    rows = summary[at & summary["criterion"].isin(criteria)]
    table = rows.pivot_table(index="seed", columns="criterion", values="accuracy_test")
    return table[[name for name in criteria if name in table]].dropna()


def difference_to_baseline(summary: pd.DataFrame) -> pd.Series:
    """Test accuracy minus that of the same seed's baseline; ValueError where there is none."""
    seed = ["dataset", "architecture", "seed"]
    baselines = summary[summary["criterion"] == BASELINE].set_index(seed)["accuracy_test"]
    index = pd.MultiIndex.from_frame(summary[seed])
    missing = sorted(set(index) - set(baselines.index))
    if missing:
        raise ValueError(f"no baseline for {', '.join(map(str, missing))}: list its folder too")
    difference: pd.Series = summary["accuracy_test"] - baselines.reindex(index).to_numpy()
    return difference


def common_removals(summary: pd.DataFrame) -> int:
    """The largest number of removals after which networks of every criterion and seed count.

    ``summary`` is of one dataset and architecture. Where there is none, as with criteria that list
    their blocks, it is what most of the networks that verdicts are about reached: the largest that
    all of them did, if there is one. Raises ValueError where nothing was removed.
    """
    others = summary[summary["criterion"] != BASELINE]
    if others.empty:
        raise ValueError("no network from which a block was removed")
    once = others.drop_duplicates(["criterion", "seed", "removed"])
    counting = once.loc[once["counts"], "removed"].value_counts()
    everywhere = counting.index[counting == once.groupby(["criterion", "seed"]).ngroups]
    if len(everywhere):
        return int(everywhere.max())
    reached = counted(once)["removed"].value_counts()
    return int(reached.index[reached == reached.max()].max())


def _over_images(
    summary: pd.DataFrame, removed: Any, pairs: Mapping[Key, tuple[str, str]]
) -> dict[Key, Contrast]:
    """Differences of one seed's accuracies with their intervals over test images.

    Which images a network gets right is not recorded, so they count as if they were others for
    each network, which is too wide rather than too narrow: Newcombe's method 10 (Statistics in
    Medicine 17, 1998, 873-890) from Wilson's intervals, widened for the number of pairs
    (Bonferroni), in which networks that several criteria made count once.
    """
    ends = ["accuracy_test", "accuracy_test_interval_low", "accuracy_test_interval_high"]
    at = (summary["removed"] == removed) | (summary["criterion"] == BASELINE)
    rows = summary[at].groupby("criterion")[ends].first()
    first_of = {name: min([name, *copies]) for name, copies in same_networks(summary[at]).items()}
    of_different = {frozenset(first_of[name] for name in pair) for pair in pairs.values()}
    comparisons = max(1, sum(len(pair) > 1 for pair in of_different))
    usual, z = normal_quantile(), normal_quantile(comparisons=comparisons)
    found = {}
    for key, (first, second) in pairs.items():
        (p, low, high), (q, other_low, other_high) = (
            map(float, rows.loc[name].to_numpy()) for name in (first, second)
        )
        down = math.hypot(p - low, other_high - q) * z / usual
        up = math.hypot(high - p, q - other_low) * z / usual
        error = (down + up) / 2 / z
        found[key] = Contrast(
            mean=float(p - q),
            low=max(-1.0, float(p - q - down)),
            high=min(1.0, float(p - q + up)),
            p_value=math.nan,
            deviation=math.nan,
            detectable=(z + normal_quantile(2 * POWER - 1)) * error,
        )
    return found


def _described(value: Mean | None = None) -> dict[str, float]:
    value = value or Mean(0, *[math.nan] * 4)
    return {
        "accuracy_mean": value.mean,
        "accuracy_sd": value.deviation,
        "accuracy_interval_low": value.low,
        "accuracy_interval_high": value.high,
    }


def _change(value: Contrast | None = None) -> dict[str, float]:
    value = value or Contrast(*[math.nan] * 6)
    return {
        "difference_mean": value.mean,
        "difference_interval_low": value.low,
        "difference_interval_high": value.high,
        "detectable": value.detectable,
    }
