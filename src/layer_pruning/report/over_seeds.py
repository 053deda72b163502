"""What the seeds say together: means, intervals, and how criteria compare.

Every difference of accuracies is paired: it is taken within a seed, because two networks of one
seed share their baseline, so most of the spread between seeds cancels out.
"""

import math
from itertools import combinations
from typing import Any

import pandas as pd

from layer_pruning.report.network_tables import in_order
from layer_pruning.report.records import BASELINE
from layer_pruning.report.selection import counted
from layer_pruning.report.significance import Mean, holm


def aggregate(summary: pd.DataFrame) -> pd.DataFrame:
    """One row per dataset, architecture, criterion and number of removals: the same over seeds.

    ``accuracy_*`` describe the test accuracy, ``difference_*`` the test accuracy minus that of the
    same seed's baseline, both as fractions: mean, sample standard deviation and 95 % t-interval
    over seeds. ``verdict`` is "higher", "lower", "no significant difference" (0 inside the
    interval), or says that one seed gives no interval. The other columns are means over seeds, NaN
    as soon as one seed has no value.

    Raises ValueError if a network's seed has no baseline.
    """
    rows = []
    groups = ["dataset", "architecture", "criterion", "removed"]
    plain = [
        "macs_reduction_percent",
        "parameters_reduction_percent",
        "predicted_latency_reduction_percent",
        "accuracy_validation",
        "training_energy_kwh",
        "finetuning_energy_kwh",
        "training_emissions_kg_co2e",
        "finetuning_emissions_kg_co2e",
        "inference_joules_per_image",
        "inference_seconds_per_image",
        "energy_reduction_percent",
        "speed_up_ratio",
        "speed_up_over_macs_ratio",
        "saving_joules_per_image",
    ]
    summary = summary.assign(difference=difference_to_baseline(summary))
    for names, group in summary.groupby(groups, sort=False):
        accuracy, difference = Mean.of(group["accuracy_test"]), Mean.of(group["difference"])
        row: dict[str, Any] = dict(zip(groups, names, strict=True)) | {"seeds": len(group)}
        row |= _described("accuracy", accuracy) | _described("difference", difference)
        is_baseline = row["criterion"] == BASELINE
        row["verdict"] = "" if is_baseline else difference.verdict("higher", "lower")
        rows.append(row | {name: group[name].mean(skipna=False) for name in plain})
    columns = [*groups, "seeds", *_described("accuracy"), *_described("difference"), "verdict"]
    return in_order(pd.DataFrame(rows, columns=[*columns, *plain]))


def compare_criteria(summary: pd.DataFrame) -> pd.DataFrame:
    """Every two criteria at the same number of removals, paired by seed.

    ``difference_*`` is the test accuracy of ``criterion`` minus that of ``other`` over the seeds
    that both have: mean, sample standard deviation and 95 % t-interval. ``verdict`` names the
    higher one, or says "no significant difference" when 0 is inside the interval. ``p_holm``
    corrects for all pairs compared at the same number of removals.
    """
    columns = ["dataset", "architecture", "removed", "criterion", "other", "seeds"]
    columns += [*_described("difference"), "verdict", "p_value", "p_holm"]
    frames = []
    others = summary[summary["criterion"] != BASELINE]
    for names, group in others.groupby(["dataset", "architecture", "removed"], sort=True):
        rows = []
        for first, second in combinations(sorted(group["criterion"].unique()), 2):
            left, right = (
                group[group["criterion"] == name].set_index("seed")["accuracy_test"]
                for name in (first, second)
            )
            shared = left.index.intersection(right.index)
            if shared.empty:
                continue
            difference = Mean.of((left - right)[shared])
            row: dict[str, Any] = dict(zip(columns[:3], names, strict=True))
            row |= {"criterion": first, "other": second, "seeds": len(shared)}
            row |= _described("difference", difference)
            row["verdict"] = difference.verdict(f"{first} higher", f"{second} higher")
            rows.append(row | {"p_value": difference.p_value})
        frame = pd.DataFrame(rows, columns=columns)
        frame["p_holm"] = holm(frame["p_value"].tolist())
        frames.append(frame)
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=columns)


def best_criterion(summary: pd.DataFrame, removed: int) -> tuple[str, list[str], int]:
    """The criterion with the highest mean test accuracy after ``removed`` removals.

    Only criteria that prune are compared. ``summary`` is of one dataset and architecture. Also
    returned: the criteria that it is tied with, i.e. whose paired difference to it is not
    significant (Holm-corrected p of at least 0.05, or no interval at all), and the number of seeds
    that the comparison rests on.
    """
    step = counted(summary[summary["removed"] == removed])
    if step.empty:
        raise ValueError(f"no network with {removed} blocks removed")
    means = step.groupby("criterion", sort=True)["accuracy_test"].mean()
    best = str(means.idxmax())
    pairs = compare_criteria(step)
    pairs = pairs[(pairs["criterion"] == best) | (pairs["other"] == best)]
    beaten = {
        str(pair["other"] if pair["criterion"] == best else pair["criterion"])
        for _, pair in pairs.iterrows()
        if pair["p_holm"] < 0.05 and (pair["difference_mean"] > 0) == (pair["criterion"] == best)
    }
    tied = [name for name in means.index if name != best and name not in beaten]
    seeds = int(pairs["seeds"].min()) if len(pairs) else len(step)
    return best, tied, seeds


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


def _described(name: str, value: Mean | None = None) -> dict[str, float]:
    value = value or Mean(0, *[math.nan] * 5)
    return {
        f"{name}_mean": value.mean,
        f"{name}_sd": value.deviation,
        f"{name}_interval_low": value.low,
        f"{name}_interval_high": value.high,
    }


def common_removals(summary: pd.DataFrame) -> int:
    """The largest number of removals that every criterion reached with every one of its seeds.

    ``summary`` is of one dataset and architecture. Where there is none, as with criteria that list
    their blocks, it is what most of them reached. Raises ValueError where nothing was removed.
    """
    others = summary[summary["criterion"] != BASELINE]
    if others.empty:
        raise ValueError("no network from which a block was removed")
    groups = others.groupby(["criterion", "seed"])["removed"]
    reached = pd.Series([step for _, steps in groups for step in set(steps)]).value_counts()
    return int(reached.index[reached == reached.max()].max())
