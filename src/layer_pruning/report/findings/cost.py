"""What latency.json and ledger.json of the networks say, as tables, and what it amounts to."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from layer_pruning.report.columns import with_ends
from layer_pruning.report.records import (
    KEYS,
    NOT_MEASURED,
    energy_basis,
    number,
    records_of,
)
from layer_pruning.report.selection import varying
from layer_pruning.report.statistics.repeated import Contrast, separately
from layer_pruning.report.statistics.significance import LEVEL

COSTS = ("training", "scoring", "finetuning", "attacks")
"""The parts of the ledger, in the order in which they are spent."""
WHOLE = "all"
"""The part of a latency table that is the whole pruned network, beside single stages."""
SPEED = [*with_ends("speed_up_ratio"), *with_ends("speed_up_over_macs_ratio")]
EARNED = [*with_ends("saving_joules_per_image"), *with_ends("break_even_images")]
JOULES_PER_KWH = 3.6e6
TOO_FEW = "too few repeats for a claim"
COVERAGE = {
    "speed_up_ratio": "latency_interval_coverage",
    "saving_joules_per_image": "inference_interval_coverage",
}
"""The column with the true coverage of an interval, which a few repeats do not bring to 95 %."""


def timing_name(mode: str, batch_size: int) -> str:
    """A part of column names: ``batch_64``, with the mode before it where it is not eager."""
    return f"batch_{batch_size}" if mode == "eager" else f"{mode}_batch_{batch_size}"


def latency_values(record: Mapping[str, Any], path: str | Path) -> dict[str, float]:
    """Columns of the summary from one ``latency.json``, which lies at ``path``.

    For each batch size ``latency_batch_{n}_seconds``, ``baseline_latency_batch_{n}_seconds`` and
    ``speed_up_over_macs_batch_{n}_ratio``; the others are those of the first mode and the largest
    batch size.
    """
    values: dict[str, float] = {}
    for timing in record["timings"]:
        name = timing_name(timing["mode"], timing["batch_size"])
        values[f"latency_{name}_seconds"] = number(timing, "seconds", path)
        values[f"baseline_latency_{name}_seconds"] = number(timing, "baseline_seconds", path)
        quotient = number(timing, "speed_up_over_macs_ratio", path)
        values[f"speed_up_over_macs_{name}_ratio"] = quotient
    first = headline(record)
    for key in (*SPEED, "latency_interval_coverage", "peak_memory_bytes"):
        values[key] = number(first, key.removeprefix("latency_"), path)
    values["other_cores_during_latency"] = number(record["load"], "other_cores_during", path)
    return values


def headline(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """The timing that stands for a network: of the first mode, that of the largest batch."""
    mode = record["timings"][0]["mode"]
    timings = [timing for timing in record["timings"] if timing["mode"] == mode]
    largest: Mapping[str, Any] = max(timings, key=lambda timing: timing["batch_size"])
    return largest


def ledger_values(record: Mapping[str, Any], path: str | Path) -> dict[str, Any]:
    """The columns of the summary from one ``ledger.json``, and ``notes``: a list."""
    values: dict[str, Any] = {"notes": []}
    for name in ("scoring", "attacks"):
        cost = record["costs"][name]
        joules = number(cost, "joules", f"{path}: {name}")
        values[f"{name}_energy_kwh"] = joules / JOULES_PER_KWH
        values[f"{name}_energy_basis"] = _basis(cost)
        if math.isnan(joules):
            values["notes"].append(f"energy of {name} {NOT_MEASURED}: {cost['reason']}")
    for key in with_ends("saving_joules_per_image"):
        values[key] = number(record, key, path)
    for key in with_ends("images"):
        values[f"break_even_{key}"] = number(record["break_even"], key, path)
    values["break_even"] = record["break_even"]["verdict"]
    # records of before say nothing of it
    if mixed := record.get("mixed_scales"):
        values["notes"].append(
            f"one scale of energy for the break-even: {mixed} (were keys of energy changed after "
            "the training, or the machine?)"
        )
    return values


def latency_table(paths: Iterable[str | Path]) -> pd.DataFrame:
    """One row for every network, mode, batch size and part: the whole network or one stage.

    ``macs_percent`` and ``time_percent`` (with interval) are relative to the baseline.
    """
    rows = []
    for network, record, path in records_of(paths):
        whole = number(record, "baseline_macs", path)
        macs = {WHOLE: number(record, "macs", path)}
        macs |= {name: number(stage, "macs", path) for name, stage in record["stages"].items()}
        for timing in record["timings"]:
            for part, values in {WHOLE: timing, **timing["stages"]}.items():
                row = network.names | {key: timing[key] for key in ("mode", "batch_size")}
                row |= {"part": part, "macs_percent": 100 * macs[part] / whole}
                row |= {name: number(values, name, path) for name in SPEED}
                row["time_percent"] = 100 / row["speed_up_ratio"]
                # the faster, the less time: the ends change places
                row["time_percent_interval_low"] = 100 / row["speed_up_ratio_interval_high"]
                row["time_percent_interval_high"] = 100 / row["speed_up_ratio_interval_low"]
                rows.append(row | {"device": record["device"]})
    return pd.DataFrame(rows)


def ledger_table(paths: Iterable[str | Path]) -> pd.DataFrame:
    """One row a network: ``{cost}_joules`` and ``{cost}_basis``, saving, break-even and verdict."""
    rows = []
    for network, record, path in records_of(paths):
        row: dict[str, Any] = network.names
        for name in COSTS:
            row[f"{name}_joules"] = number(record["costs"][name], "joules", f"{path}: {name}")
            row[f"{name}_basis"] = _basis(record["costs"][name])
        row["saving_basis"] = (
            energy_basis([record["saving_method"]]) if record["saving_method"] else NOT_MEASURED
        )
        rows.append(row | {k: v for k, v in ledger_values(record, path).items() if k != "notes"})
    return pd.DataFrame(rows)


def faster(row: Mapping[str, Any]) -> str:
    """Whether a network of the summary is faster than its baseline, by the interval."""
    return _verdict(row, "speed_up_ratio", 1.0, ("faster", "slower", "not shown to be faster"))


def saves_energy(row: Mapping[str, Any]) -> str:
    """Whether a network of the summary takes less energy an image, by the interval."""
    words = ("less energy", "more energy", "not shown to save energy")
    return _verdict(row, "saving_joules_per_image", 0.0, words)


def cost_claims(summary: pd.DataFrame) -> pd.DataFrame:
    """One row for every network whose latency or energy was measured: what can be claimed of it."""
    measured = summary[summary["speed_up_ratio"].notna() | (summary["break_even"] != "")]
    claims = {
        "cheaper_in_time": [faster(dict(row)) for _, row in measured.iterrows()],
        "cheaper_in_energy": [saves_energy(dict(row)) for _, row in measured.iterrows()],
        "macs_ratio": 1 / (1 - measured["macs_reduction_percent"] / 100),
    }
    timed = [c for c in map(str, summary) if "_batch_" in c and not c.startswith("baseline_")]
    more = [*SPEED, *timed, "energy_reduction_percent", *EARNED, "break_even", *COVERAGE.values()]
    more += ["inference_energy_basis", "other_cores_during_latency"]
    return pd.concat(
        [measured[[*KEYS, "made_by"]], pd.DataFrame(claims, index=measured.index), measured[more]],
        axis=1,
    )


def over_seeds(rows: pd.DataFrame, own: str, ratios: pd.Series) -> dict[str, Contrast]:
    """By criterion, the mean of a ratio to the baseline over seeds with its interval.

    ``ratios`` are of the networks in ``rows``. Logarithms are averaged, since ratios multiply; the
    spread over seeds, timing included, is pooled over criteria, apart over those that end at other
    architectures (``selection.varying``), and all intervals hold at once.
    With one seed, and where a ratio is the same in all, the interval is that of the measurements
    themselves, from the least to the greatest end of the columns ``own``.
    """
    table = ratios.groupby([rows["seed"], rows["criterion"]]).first().unstack().dropna()
    with np.errstate(invalid="ignore"):
        logs = {str(name): np.log(table[name].to_numpy()) for name in table}
    found, moving = {}, {criterion for _, _, criterion, _ in varying(rows)}
    for name, log in separately(logs, varying=moving).items() if len(table) else ():
        ends = rows[rows["criterion"] == name]
        low, high = ends[f"{own}_interval_low"].min(), ends[f"{own}_interval_high"].max()
        if not math.isnan(log.low):
            low, high = math.exp(log.low), math.exp(log.high)
        found[name] = replace(log, mean=math.exp(log.mean), low=low, high=high)
    return found


def _verdict(row: Mapping[str, Any], key: str, even: float, words: tuple[str, str, str]) -> str:
    low, high = row[f"{key}_interval_low"], row[f"{key}_interval_high"]
    if math.isnan(low) or math.isnan(high):
        return NOT_MEASURED
    if row[COVERAGE[key]] < LEVEL:
        return TOO_FEW
    better, worse, neither = words
    return better if low > even else worse if high < even else neither


def _basis(cost: Mapping[str, Any]) -> str:
    return energy_basis(cost["methods"]) if cost["joules"] is not None else NOT_MEASURED
