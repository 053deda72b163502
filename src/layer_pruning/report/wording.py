"""How numbers and verdicts of the report are written for people."""

import math
from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from layer_pruning.report.records import BASELINE, NOT_MEASURED


def signed(value: float) -> str:
    """A difference of fractions in percentage points, always with its sign."""
    if math.isnan(value):
        return ""
    points = f"{100 * value:+.2f}".replace("-", "−")
    return "0.00" if points in ("+0.00", "−0.00") else points


def p_text(value: float) -> str:
    """A p-value to two figures, never as 0."""
    if math.isnan(value):
        return ""
    return "< 0.0001" if value < 1e-4 else f"{value:.2g}"


def percent(value: float) -> str:
    """A fraction as a percentage."""
    return f"{100 * value:.2f} %"


def count_text(value: float) -> str:
    """A count in millions or billions where it is large."""
    for size, unit in ((1e9, " billion"), (1e6, " million")):
        if value >= size:
            return f"{value / size:.4g}{unit}"
    return f"{value:,.0f}".replace(",", "\u202f")


def capital(text: str) -> str:
    """The text with its first letter large and the others as they are."""
    return text[:1].upper() + text[1:]


def plural(count: int, one: str, many: str) -> str:
    """A count, its thousands apart, with its noun."""
    return f"{count:,} {one if count == 1 else many}".replace(",", "\u202f")


def tenths(value: float) -> str:
    """A number with one digit after the point."""
    return f"{value:.1f}".replace("-", "−")


def range_text(ends: Sequence[float], spec: str) -> str:
    """The least and the greatest of some numbers, or the one that all of them are."""
    low, high = (_plain(end, spec) for end in (min(ends), max(ends)))
    return low if low == high else f"{low} to {high}"


def _plain(value: float, spec: str) -> str:
    """A number with so many digits, and without an exponent unless it is tiny."""
    text = f"{value:{spec}}"
    if "e+" in text:
        text = f"{float(text):,.0f}".replace(",", "\u202f")
    return text.replace("-", "−")


def basis_text(bases: Iterable[str]) -> str:
    """How the energy figures were obtained, in words; an estimate is called one."""
    words = {
        "counter": "measured by hardware counters",
        "estimate": "an estimate, not a measurement",
        "part counter, part estimate": "partly counted by hardware, partly an estimate",
        "not stated": "by a method that the records do not state",
    }
    kinds = sorted(set(bases) - {"", NOT_MEASURED})
    return "; ".join(words[kind] for kind in kinds)


def interval_text(low: float, high: float) -> str:
    """What follows a difference that has an interval: its ends in brackets, in points."""
    return "" if math.isnan(low) else f" [{signed(low)}, {signed(high)}]"


def with_interval(row: pd.Series) -> str:
    """A change with its interval; empty for the baseline."""
    if row["criterion"] == BASELINE or math.isnan(row["difference_mean"]):
        return ""
    ends = row["difference_interval_low"], row["difference_interval_high"]
    return signed(row["difference_mean"]) + interval_text(*ends)


def points(fraction: float) -> str:
    """A size in percentage points."""
    digits = ".2g" if fraction < 0.1 else ".0f"
    return f"{100 * fraction:{digits}} points"


def epsilon_labels(epsilons: Sequence[float]) -> list[str]:
    """Epsilons as people write them: short decimals, else 255ths where all are quarters of one."""
    parts = [epsilon * 255 for epsilon in epsilons]
    short = all(round(epsilon, 4) == epsilon for epsilon in epsilons)
    if not short and all(abs(4 * part - round(4 * part)) < 1e-6 for part in parts):
        return ["0" if part == 0 else f"{part:.4g}/255" for part in parts]
    return [f"{epsilon:.3g}" for epsilon in epsilons]


def energy_unit(kwh: float) -> tuple[str, float]:
    """The unit in which so much energy is easy to read, and how many of it a kWh has."""
    return _unit(kwh, {"kWh": 1.0, "Wh": 1e3, "J": 3.6e6})


def energy_text(ends: Sequence[float]) -> str:
    """The least and the greatest of some energies, given in kWh, in one fitting unit."""
    unit, per_kwh = energy_unit(max(ends))
    return f"{range_text([kwh * per_kwh for kwh in ends], '.3g')} {unit}"


def joules_text(joules: float) -> str:
    """An energy of an inference in joules or thousandths of one."""
    unit, per_joule = _unit(joules, {"J": 1.0, "mJ": 1e3})
    return f"{_plain(joules * per_joule, '.3g')} {unit}"


def mass_text(ends: Sequence[float]) -> str:
    """The least and the greatest of some masses, given in kg, in one fitting unit."""
    unit, per_kg = _unit(max(ends), {"kg": 1.0, "g": 1e3, "mg": 1e6})
    return f"{range_text([mass * per_kg for mass in ends], '.2g')} {unit}"


def _unit(value: float, units: Mapping[str, float]) -> tuple[str, float]:
    """The first unit of which ``value`` has at least one, or the last."""
    fitting = [unit for unit in units.items() if value * unit[1] >= 1]
    return (fitting or list(units.items())[-1:])[0]
