"""What the front page says of time and energy.

Everything is about one data set and architecture. ``shown`` are the pruned networks that are
compared, and ``baseline`` the networks that they were cut from.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from layer_pruning.report.answers.answer import Answer, Ends, answered, ends, file_of
from layer_pruning.report.findings.cost import TOO_FEW, faster, over_seeds, saves_energy
from layer_pruning.report.records import NOT_MEASURED
from layer_pruning.report.statistics.repeated import Contrast
from layer_pruning.report.wording import plural

BUSY = 0.5
"""So many cores in use by others make a timing a poor one."""
TIMED = re.compile(r"latency_(?:(.+)_)?batch_(\d+)_seconds")


@dataclass(frozen=True)
class Claim:
    """What the intervals of measured networks say, one by one and together."""

    says: str
    """``yes``, ``no``, ``in part``, ``too few`` or ``not shown``."""
    best: str
    """The criterion whose mean is the best; empty where none has one."""
    counts: dict[str, int]
    """How many networks have which verdict, most first."""
    total: int
    yes: int


@dataclass(frozen=True)
class Speed:
    """Speed-ups, as measured, and how much of what was promised that is; without ``claim`` none."""

    claim: Claim | None = None
    found: Mapping[str, Contrast] | None = None
    batch: int | None = None
    mode: str | None = None
    others: Mapping[int, Ends] | None = None
    """Speed-ups at other sizes of the batch."""
    promised: Ends | None = None
    reached: Ends | None = None
    other_cores: float = 0.0
    busy: bool = False


@dataclass(frozen=True)
class Energy:
    """Energy of an image that is saved, in percent; without ``claim`` none was measured."""

    claim: Claim | None = None
    found: Mapping[str, Contrast] | None = None
    basis: list[str] | None = None
    unmeasured: list[str] | None = None


@dataclass(frozen=True)
class Spent:
    """Energy of making the networks, in kWh, and what it emitted, in kg CO₂e."""

    training: Ends
    finetuning: Ends
    scoring: Ends | None
    attacks: Ends | None
    share: Ends | None
    """All but attacks, over that of the training; None where the baseline had no training here.

    Of the criteria whose choice of blocks is known too; of all where that is known of none.
    """
    carbon: Ends | None
    basis: list[str]
    unmeasured: list[str]
    unscored: list[str]
    """Criteria of which it is not known what choosing the blocks took."""


@dataclass(frozen=True)
class Earned:
    """After how many images pruning has paid for itself, and where that is not shown."""

    images: Ends | None
    paid: int
    judged: int
    others: dict[str, int]
    """Networks without such a number, by verdict."""


@dataclass(frozen=True)
class Cost:
    """What pruning cost; nothing is known of what was spent without ``spent``."""

    rounds: Ends
    """Fine-tunings of a network, the fewest and the most."""
    spent: Spent | None
    earned: Earned


def is_faster(shown: pd.DataFrame) -> Answer:
    """Whether the networks are faster, as measured, and how much of what was promised that is."""
    timed = shown[shown["speed_up_ratio"].notna()]
    if timed.empty:
        return answered("speed", Speed())
    found = over_seeds(timed, "speed_up_ratio", timed["speed_up_ratio"])
    batch, mode, others = _settings(timed)
    other_cores = timed["other_cores_during_latency"].max()
    facts = Speed(
        claim=_claim(found, timed.apply(faster, axis=1), ("faster", "slower"), 1.0),
        found=found,
        batch=batch,
        mode=mode,
        others=others,
        promised=ends(1 / (1 - timed["macs_reduction_percent"] / 100)),
        reached=ends(timed["speed_up_over_macs_ratio"]),
        other_cores=other_cores,
        busy=other_cores >= BUSY,
    )
    return _answered("speed", facts, timed, "times as fast", "latency.json")


def takes_less_energy(shown: pd.DataFrame) -> Answer:
    """Whether an image takes less energy, and how that is known."""
    metered = shown[shown["saving_joules_per_image"].notna()]
    if metered.empty:
        return answered("energy", Energy())
    metered = metered.copy()
    # what is left of the baseline's energy; number and interval are of the same paired savings
    before = metered["baseline_inference_joules_per_image"]
    low, high = "_interval_low", "_interval_high"
    for end, other in (("", ""), (low, high), (high, low)):
        metered[f"left{end}"] = 1 - metered[f"saving_joules_per_image{other}"] / before
    found = {
        name: replace(
            own, mean=100 * (1 - own.mean), low=100 * (1 - own.high), high=100 * (1 - own.low)
        )
        for name, own in over_seeds(metered, "left", metered["left"]).items()
    }
    verdicts = metered.apply(saves_energy, axis=1)
    facts = Energy(
        claim=_claim(found, verdicts, ("less energy", "more energy"), 0.0),
        found=found,
        basis=sorted(set(metered["inference_energy_basis"])),
        unmeasured=sorted(set(shown["criterion"]) - set(metered["criterion"])),
    )
    return _answered("energy", facts, metered, "% less per image", "energy.json")


def what_it_cost(baseline: pd.DataFrame, shown: pd.DataFrame) -> Answer:
    """What choosing the blocks and fine-tuning took, and when that is earned back."""
    rounds = ends(shown["finetunings"])
    training = baseline["training_energy_kwh"].mean(skipna=False)
    tuning = _by_criterion(shown, "finetuning_energy_kwh")
    scoring = _by_criterion(shown, "scoring_energy_kwh")
    earned, known = _earned(shown), tuning.dropna()
    if math.isnan(training) or known.empty:
        return answered("cost", Cost(rounds, None, earned))
    # what is not known is no 0: without any, it is fine-tuning alone that is told
    scored = scoring.reindex(known.index).dropna()
    pruning = known[scored.index] + scored if len(scored) else known
    # there is nothing to divide by where the baseline is what was given
    trained = training > 0 and not (baseline["training_epochs"] == 0).all()
    share = pruning / training if trained else None
    spent = Spent(
        training=(training, training),
        finetuning=ends(known),
        scoring=_ends_of_known(scoring),
        attacks=_ends_of_known(_by_criterion(shown, "attacks_energy_kwh")),
        share=None if share is None else ends(share),
        carbon=_ends_of_known(_by_criterion(shown.assign(carbon=emissions_of(shown)), "carbon")),
        basis=sorted(set(shown["training_energy_basis"])),
        unmeasured=list(tuning.index[tuning.isna()]),
        unscored=[str(name) for name in known.index if name not in scored.index],
    )
    return answered(
        "cost",
        Cost(rounds, spent, earned),
        number=float((pruning if share is None else share).mean()),
        unit="kWh" if share is None else "times the energy of training the baseline",
        file=file_of(
            str(pruning.index[0]),
            int(shown["removed"].iloc[0]),
            "ledger.json" if len(scored) else "emissions.json",
        ),
    )


def emissions_of(shown: pd.DataFrame) -> pd.Series:
    """Kilograms of CO₂e of all that the sentence names, at the intensity of its records.

    NaN where it is not known what choosing the blocks took, unless that is known of none.
    """
    emissions: pd.Series = (
        shown["training_emissions_kg_co2e"] + shown["finetuning_emissions_kg_co2e"]
    )
    energy = shown["training_energy_kwh"] + shown["finetuning_energy_kwh"]
    intensity = emissions / energy.where(energy > 0)
    scoring = shown["scoring_energy_kwh"] * intensity.fillna(0.0)
    return emissions + scoring if scoring.notna().any() else emissions


def _answered(name: str, facts: Speed | Energy, rows: pd.DataFrame, unit: str, file: str) -> Answer:
    """An answer whose number is that of the criterion that does best."""
    seeds, removed = int(rows["seed"].nunique()), int(rows["removed"].iloc[0])
    number: dict[str, Any] = {}
    if facts.claim and facts.found:
        best, how = facts.claim.best, "rounds in random order, order statistics"
        if seeds > 1:
            how = "logarithms over seeds, studentised maximum modulus"
        own = facts.found[best]
        number = {"of": best, "number": own.mean, "low": own.low, "high": own.high, "unit": unit}
        number |= {"test": how, "n": plural(seeds, "seed", "seeds")}
        number |= {"file": file_of(best, removed, file)}
    return answered(name, facts, seeds=seeds, **number)


def _claim(
    found: Mapping[str, Contrast], verdicts: pd.Series, words: tuple[str, str], even: float
) -> Claim:
    """Yes where the intervals over seeds of all criteria, and of every network, say so."""
    counted = verdicts.value_counts().items()
    counts = {str(v): n for v, n in sorted(counted, key=lambda item: (-item[1], str(item[0])))}
    total, yes, no = len(verdicts), *(counts.get(word, 0) for word in words)
    says = "in part" if 0 < yes < total else "not shown"
    if counts.get(TOO_FEW, 0) == total:
        says = "too few"
    elif no == total:
        says = "no"
    elif yes == total and found and all(own.low > even for own in found.values()):
        says = "yes"
    best = max(found, key=lambda name: found[name].mean) if found else ""
    return Claim(says, best, counts, total, yes)


def _by_criterion(shown: pd.DataFrame, column: str) -> pd.Series:
    """Means over seeds, NaN as soon as one seed has no value."""
    means: pd.Series = shown.groupby("criterion")[column].apply(
        lambda values: values.mean(skipna=False)
    )
    return means


def _ends_of_known(values: pd.Series) -> Ends | None:
    return ends(values) if values.notna().any() else None


def _earned(shown: pd.DataFrame) -> Earned:
    judged = shown[~shown["break_even"].isin(["", NOT_MEASURED])]
    without = judged.loc[judged["break_even_images"].isna(), "break_even"].value_counts()
    return Earned(
        images=_ends_of_known(judged["break_even_images"]),
        paid=int(judged["break_even_images"].notna().sum()),
        judged=len(judged),
        others={str(verdict): int(count) for verdict, count in without.items()},
    )


def _settings(timed: pd.DataFrame) -> tuple[int | None, str | None, dict[int, Ends]]:
    """At which batch size and mode the speed-up was measured, and the speed-up at other sizes."""
    found = [match for name in map(str, timed) if (match := TIMED.fullmatch(name))]
    found = [match for match in found if timed[match[0]].notna().any()]
    if not found:
        return None, None, {}
    mode: str | None = found[0][1]
    sizes = sorted({int(match[2]) for match in found if match[1] == mode})
    others = {}
    for size in sizes[:-1]:
        name = f"speed_up_over_macs_{f'{mode}_' if mode else ''}batch_{size}_ratio"
        # the quotient is recorded, as the median over rounds that are paired
        speed_up = timed[name] / (1 - timed["macs_reduction_percent"] / 100)
        others[size] = ends(speed_up.groupby(timed["criterion"]).mean())
    return sizes[-1], mode, others
