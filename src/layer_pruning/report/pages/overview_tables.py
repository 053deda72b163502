"""The tables of the front page: the criteria side by side, and what meets the target."""

import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

import pandas as pd
from markupsafe import Markup

from layer_pruning.report.columns import MEANS, heading, written
from layer_pruning.report.html_table import table
from layer_pruning.report.pages.sources import titles
from layer_pruning.report.records import BASELINE
from layer_pruning.report.statistics.over_seeds import MARGIN
from layer_pruning.report.statistics.targets import selected_networks
from layer_pruning.report.wording import (
    capital,
    energy_unit,
    epsilon_labels,
    interval_text,
    percent,
    signed,
    with_interval,
)

SHOWN = (
    "criterion",
    "macs_reduction_percent",
    "parameters_reduction_percent",
    "accuracy_mean",
    "difference_mean",
    "detectable",
    "verdict",
    "speed_up_ratio",
    "speed_up_over_macs_ratio",
    "energy_reduction_percent",
)


def criteria_table(
    rows: pd.DataFrame, robustness: pd.DataFrame | None, level: int, finetuned: Collection[str]
) -> Markup:
    """A row a criterion after ``level`` removals; criteria that are not ``finetuned`` were not."""
    shown = rows[list(SHOWN)].copy()
    labels = _labels(SHOWN) | {
        "accuracy_mean": "Test accuracy, mean ± sd",
        "difference_mean": "Change in points [95 %]",
    }
    texts: dict[str, list[str]] = {
        "accuracy_mean": [
            percent(row["accuracy_mean"])
            + ("" if math.isnan(row["accuracy_sd"]) else f" ± {100 * row['accuracy_sd']:.2f}")
            for _, row in rows.iterrows()
        ],
        "difference_mean": [with_interval(row) for _, row in rows.iterrows()],
    }
    for name, label, changes, cells in _attack_columns(robustness, level):
        shown[name] = shown["criterion"].map(changes).astype(float)
        labels[name], texts[name] = label, [cells.get(c, "") for c in shown["criterion"]]
    unit, per_kwh = energy_unit(rows["finetuning_energy_kwh"].max())
    shown["finetuning_energy_kwh"] = rows["finetuning_energy_kwh"] * per_kwh
    labels["finetuning_energy_kwh"] = f"Fine-tuning ({unit})"
    others = {*rows["criterion"]} - {BASELINE}
    measured = ("speed_up_ratio", "speed_up_over_macs_ratio", "energy_reduction_percent")
    for name in (*measured, "finetuning_energy_kwh"):
        who = finetuned if name == "finetuning_energy_kwh" else others
        texts[name] = [
            "" if criterion not in who else written(name, value)
            for criterion, value in zip(rows["criterion"], shown[name], strict=True)
        ]
    return table(shown, labels, texts, titles(shown, "accuracy.json"))


def _labels(names: Iterable[str]) -> dict[str, str]:
    return {name: capital(heading(name)) for name in names}


def _attack_columns(
    robustness: pd.DataFrame | None, level: int
) -> Iterator[tuple[str, str, dict[str, float], dict[str, str]]]:
    """Of each attack a column: its name, its heading, and by criterion the change and its text.

    One epsilon an attack fits a screen: the one that tells networks apart best.
    """
    if robustness is None or robustness.empty:
        return
    last = robustness[(robustness["removed"] == level) & (robustness["other"] == BASELINE)]
    for (attack, norm), group in last.groupby(["attack", "norm"], sort=True):
        even = (group["other_robust_accuracy"] - 0.5).abs().groupby(group["epsilon"]).mean()
        epsilon = min(map(float, even.index), key=even.to_dict().__getitem__)
        group = group[group["epsilon"] == epsilon]
        changes = {str(row["criterion"]): float(row["difference"]) for _, row in group.iterrows()}
        label = f"{attack} {norm} {epsilon_labels([epsilon])[0]}: change in points [95 %]"
        cells = {
            str(row["criterion"]): signed(row["difference"])
            + interval_text(row["interval_low"], row["interval_high"])
            for _, row in group.iterrows()
        }
        yield f"robust_change {attack} {norm}", label, changes, cells


@dataclass(frozen=True)
class Target:
    """What networks were selected by, and what the selected ones are worth, a row a criterion."""

    kind: str
    value: float
    table: Markup


def selected_by(
    summary: pd.DataFrame, target: Mapping[str, float], margin: float = MARGIN
) -> Target | None:
    """What a target selected, if there is one."""
    if not target:
        return None
    (kind, value), rows = next(iter(target.items())), selected_networks(summary, margin)
    columns = _labels(
        ["criterion", "selected", "removed_low", *MEANS[:4], "accuracy_mean", "difference_mean"]
    )
    columns |= {
        "selected": "Seeds that meet it",
        "removed_low": "Removals",
        "accuracy_mean": "Test accuracy [95 %]",
        "difference_mean": "Change, points [95 % over seeds]",
        "verdict": "Verdict",
    }
    unneeded = {"predicted_latency_reduction_percent": "latency_reduction"}
    unneeded |= {"accuracy_validation": "validation_accuracy"}
    columns = {name: label for name, label in columns.items() if unneeded.get(name, kind) == kind}
    records = [row for _, row in rows.iterrows()]
    texts = {
        "selected": [f"{row['selected']} of {row['seeds']}" for row in records],
        "removed_low": [_removals_needed(row) for row in records],
        "accuracy_mean": [_accuracy_with_interval(row) for row in records],
        "difference_mean": [with_interval(row) for row in records],
    }
    made = table(rows[list(columns)], columns, texts, titles(columns, "accuracy.json"))
    return Target(kind, value, made)


def _removals_needed(row: pd.Series) -> str:
    if row["selected"] == 0:
        return "none"
    low, high = row["removed_low"], row["removed_high"]
    return f"{low:.0f}" if low == high else f"{low:.0f} to {high:.0f}"


def _accuracy_with_interval(row: pd.Series) -> str:
    if row["selected"] == 0:
        return ""
    text, low = percent(row["accuracy_mean"]), row["accuracy_interval_low"]
    return (
        text
        if math.isnan(low)
        else f"{text} [{100 * low:.2f}, {100 * row['accuracy_interval_high']:.2f}]"
    )
