"""What the report says of published rows: differences with their intervals, and the verdicts."""

import math

import pandas as pd

from layer_pruning.report.findings.robustness import ATTACK
from layer_pruning.report.records import BASELINE
from layer_pruning.report.selection import counted, equally_trained
from layer_pruning.report.statistics.over_seeds import (
    MARGIN,
    UNKNOWN,
    accuracies,
    accuracy_verdict,
    changes,
    compare_criteria,
)
from layer_pruning.report.wording import signed

Row = tuple[str, int, str, int, str, str]


def accuracy_verdicts(rows: pd.DataFrame) -> str:
    """A Markdown table: networks that count beside the baseline, each other, and longer training.

    ``rows`` are of one data set and architecture. Of one seed, intervals are over test images.
    """
    found: list[Row] = []
    pairs, as_long = compare_criteria(rows), equally_trained(rows)
    for removed, step in counted(rows).groupby("removed", sort=True):
        names = list(step["criterion"].unique())
        for other in (BASELINE, *as_long):
            # what was trained as long is held against the baseline too
            apart = as_long if other == BASELINE else {}
            for name, change in changes(rows, removed, other).items():
                if name in names or name in apart:
                    seeds = len(accuracies(rows, removed, [name, other]))
                    verdict = (
                        accuracy_verdict(change.low, change.high, MARGIN)
                        if other == BASELINE
                        else change.verdict("higher", "lower", "no difference shown", UNKNOWN)
                    )
                    difference = told(change.mean, change.low, change.high)
                    found.append((name, int(removed), other, seeds, difference, verdict))
        for row in pairs[pairs["removed"] == removed].to_dict("records"):
            ends = (row[f"difference_{name}"] for name in ("mean", "interval_low", "interval_high"))
            beside = (row["criterion"], int(removed), row["other"], row["seeds"])
            found.append((*beside, told(*ends), row["verdict"]))
    lines = ["| network | removed | beside | seeds | difference, points | verdict |"]
    lines += ["|---|---|---|---|---|---|"]
    return "\n".join([*lines, *(f"| {' | '.join(map(str, row))} |" for row in found)])


def told(difference: float, low: float, high: float) -> str:
    """A difference in points with its interval, if there is one, bold where 0 is outside."""
    if math.isnan(low):
        return signed(difference)
    text = f"{signed(difference)} [{signed(low)}, {signed(high)}]"
    return text if low <= 0 <= high else f"**{text}**"


def robustness_verdicts(table: pd.DataFrame) -> str:
    """A Markdown table of ``paired.compared``: changes of robust accuracy, a column an attack."""
    tests = list(dict.fromkeys(table[ATTACK].itertuples(index=False, name=None)))
    headings = ["change of robust accuracy, points", "removed", "beside", "seeds"]
    headings += [attack_text(*test) for test in tests]
    lines = [f"| {' | '.join(headings)} |", "|---" * len(headings) + "|"]
    places = ["criterion", "removed", "other", "seeds"]
    for place, group in table.groupby(places, sort=False):
        by_test = group.set_index(ATTACK)
        cells = []
        for test in tests:
            ends = by_test.loc[test, ["difference", "interval_low", "interval_high"]]
            cells.append(told(*map(float, ends)))
        lines.append(f"| {' | '.join(map(str, [*place, *cells]))} |")
    return "\n".join(lines)


def attack_text(attack: str, norm: str, epsilon: float | str) -> str:
    """The attack, norm and size, as they were asked for."""
    size = f"{255 * float(epsilon):.3g}/255" if norm.lower() == "linf" else f"{epsilon}"
    return f"{attack}, {norm.capitalize()} {size}"
