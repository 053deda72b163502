"""What the front page says of time and energy.

Everything is about one data set and architecture. ``shown`` are the pruned networks that are
compared, and ``baseline`` the networks that they were cut from.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from html import escape

import pandas as pd

from layer_pruning.report.answers import Answer, listed, sentence
from layer_pruning.report.columns import written
from layer_pruning.report.cost import TOO_FEW, faster, over_seeds, saves_energy
from layer_pruning.report.records import NOT_MEASURED
from layer_pruning.report.repeated import Contrast
from layer_pruning.report.wording import (
    basis_text,
    capital,
    energy_text,
    mass_text,
    plural,
    range_text,
)

BUSY = 0.5
"""So many cores in use by others make a timing a poor one."""
AGAIN = (
    "Measure again where nothing else runs: <code>snakemake --cores all --forcerun "
    "energy_report latency_report</code>."
)
TIMED = re.compile(r"latency_(?:(.+)_)?batch_(\d+)_seconds")


def is_faster(shown: pd.DataFrame) -> Answer:
    """Whether the networks are faster, as measured, and how much of what was promised that is."""
    question = "Is it faster?"
    timed = shown[shown["speed_up_ratio"].notna()]
    if timed.empty:
        return Answer("speed", question, f"Time: {NOT_MEASURED}.", "")
    counts = timed.apply(faster, axis=1).value_counts()
    found = over_seeds(timed, "speed_up_ratio", timed["speed_up_ratio"])
    headline, others = _settings(timed)
    promised = 1 / (1 - timed["macs_reduction_percent"] / 100)
    text = (
        f"Speed-up, measured side by side with the baseline{headline}: "
        f"{listed({name: _ratio_text(own) for name, own in found.items()})}. {_counted(counts)}. "
        f"Fewer multiply-accumulates promise {range_text(promised, '.2f')}; "
        f"{range_text(timed['speed_up_over_macs_ratio'], '.2f')} of that is reached."
    )
    text += f" {others}" if others else ""
    busy = timed["other_cores_during_latency"].max()
    if busy >= 0.05:
        text += f" Other work on the machine used up to {busy:.1f} cores meanwhile."
    verdict = _verdict(found, counts, _ratio_text, ("faster", "slower"), "times as fast")
    if busy >= BUSY:
        verdict = "Not measured well enough: the machine was busy."
        text += f" {AGAIN}"
    ends = {"unit": "times as fast", "file": "latency.json"}
    return _answer("speed", question, verdict, text, timed, found, ends)


def takes_less_energy(shown: pd.DataFrame) -> Answer:
    """Whether an image takes less energy, and how that is known."""
    question = "Does it take less energy?"
    metered = shown[shown["saving_joules_per_image"].notna()]
    if metered.empty:
        return Answer("energy", question, f"Energy: {NOT_MEASURED}.", "")
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
    counts = metered.apply(saves_energy, axis=1).value_counts()
    text = (
        f"Saved per image ({basis_text(metered['inference_energy_basis'])}): "
        f"{listed({name: _percent_text(own) for name, own in found.items()})}. "
        f"{_counted(counts)}, side by side with the baseline."
    )
    absent = sorted(set(shown["criterion"]) - set(metered["criterion"]))
    text += f" {NOT_MEASURED.capitalize()} for {escape(', '.join(absent))}." if absent else ""
    words = ("less energy", "more energy")
    verdict = _verdict(found, counts, _percent_text, words, "less per image")
    ends = {"unit": "% less per image", "file": "energy.json"}
    return _answer("energy", question, verdict, text, metered, found, ends)


def _answer(
    name: str,
    question: str,
    verdict: str,
    text: str,
    rows: pd.DataFrame,
    found: Mapping[str, Contrast],
    more: Mapping[str, str],
) -> Answer:
    """An answer whose number is that of the criterion that does best."""
    seeds, removed = int(rows["seed"].nunique()), int(rows["removed"].iloc[0])
    if not found:
        return Answer(name, question, sentence(verdict, seeds), text)
    best = max(found, key=lambda criterion: found[criterion].mean)
    own, how = found[best], "rounds in random order, order statistics"
    if seeds > 1:
        how = "logarithms over seeds, studentised maximum modulus"
    return Answer(
        name,
        question,
        sentence(verdict, seeds),
        text,
        of=best,
        number=own.mean,
        low=own.low,
        high=own.high,
        unit=more["unit"],
        test=how,
        n=plural(seeds, "seed", "seeds"),
        file=f"{best}/removed-{removed:02d}/{more['file']}",
    )


def what_it_cost(baseline: pd.DataFrame, shown: pd.DataFrame, rounds: int) -> Answer:
    """What choosing the blocks and ``rounds`` fine-tunings took, and when that is earned back."""
    question = "What did pruning cost?"
    training = baseline["training_energy_kwh"].mean(skipna=False)
    tuning = _by_criterion(shown, "finetuning_energy_kwh")
    scoring = _by_criterion(shown, "scoring_energy_kwh")
    known = tuning.dropna()
    if math.isnan(training) or known.empty:
        return Answer("cost", question, f"Energy: {NOT_MEASURED}.", _break_even(shown))
    spent = known.add(scoring.reindex(known.index).fillna(0.0))
    share = range_text(spent / training, ".2g")
    text = (
        f"Training the baseline took {energy_text(pd.Series([training]))}; the "
        f"{plural(rounds, 'fine-tuning', 'fine-tunings')} on the way to a network took "
        f"{energy_text(known)}"
    )
    chosen = scoring.dropna()
    text += f", choosing its blocks {energy_text(chosen)}" if len(chosen) else ""
    carbon = emissions_of(shown).groupby(shown["criterion"]).mean().dropna()
    text += f" ({mass_text(carbon)} CO₂e with the training); "
    text += f"{basis_text(shown['training_energy_basis'])}"
    absent = list(tuning.index[tuning.isna()])
    text += f"; {NOT_MEASURED} for {escape(', '.join(absent))}. " if absent else ". "
    attacks = _by_criterion(shown, "attacks_energy_kwh").dropna()
    if len(attacks):
        text += f"Attacking a network to test it: another {energy_text(attacks)}. "
    verdict = f"{share} times the energy of training the baseline."
    ratio = float((spent / training).mean())
    text += _break_even(shown)
    unit = "times the energy of training the baseline"
    file = f"{known.index[0]}/removed-{int(shown['removed'].iloc[0]):02d}/ledger.json"
    return Answer("cost", question, verdict, text, number=ratio, unit=unit, file=file)


def emissions_of(shown: pd.DataFrame) -> pd.Series:
    """Kilograms of CO₂e of all that the sentence names, at the intensity of its records."""
    emissions: pd.Series = (
        shown["training_emissions_kg_co2e"] + shown["finetuning_emissions_kg_co2e"]
    )
    energy = shown["training_energy_kwh"] + shown["finetuning_energy_kwh"]
    intensity = emissions / energy.where(energy > 0)
    scoring = shown["scoring_energy_kwh"].fillna(0.0) * intensity.fillna(0.0)
    return emissions + scoring


def _by_criterion(shown: pd.DataFrame, column: str) -> pd.Series:
    """Means over seeds, NaN as soon as one seed has no value."""
    means: pd.Series = shown.groupby("criterion")[column].apply(
        lambda values: values.mean(skipna=False)
    )
    return means


def _break_even(shown: pd.DataFrame) -> str:
    """After how many images pruning has paid for itself, and where that is not shown."""
    judged = shown[~shown["break_even"].isin(["", NOT_MEASURED])]
    paid, parts = judged["break_even_images"].dropna(), []
    if len(paid):
        few, most = (written("break_even_images", end) for end in (paid.min(), paid.max()))
        between = few if few == most else f"{few} to {most}"
        whole = f" ({len(paid)} of {len(judged)} networks)" if len(paid) < len(judged) else ""
        parts.append(f"earned back after {between} images{whole}")
    without = judged.loc[judged["break_even_images"].isna(), "break_even"].value_counts()
    parts += [
        f"{escape(str(verdict))}: {count} of {len(judged)} networks"
        for verdict, count in without.items()
    ]
    return f"{capital('; '.join(parts))}." if parts else ""


def _verdict(
    found: Mapping[str, Contrast],
    counts: pd.Series,
    written: Callable[[Contrast], str],
    words: tuple[str, str],
    unit: str,
) -> str:
    """Yes where the intervals over seeds of all criteria, and of every network, say so."""
    total, yes, no = (int(n) for n in (counts.sum(), *(counts.get(word, 0) for word in words)))
    if counts.get(TOO_FEW, 0) == total:
        return f"Not shown: {TOO_FEW}."
    if yes == total:
        even = 1.0 if words[0] == "faster" else 0.0
        if found and all(own.low > even for own in found.values()):
            best = max(found, key=lambda name: found[name].mean)
            of = f" ({best})" if len(found) > 1 else ""
            return f"Yes: {written(found[best])} {unit}{of}."
    if no == total:
        return f"No: {words[1]}."
    return f"In part: {yes} of {total} networks." if 0 < yes < total else "Not shown."


def _ratio_text(own: Contrast) -> str:
    return f"{own.mean:.2f} [{own.low:.2f}, {own.high:.2f}]"


def _percent_text(own: Contrast) -> str:
    ends = "" if math.isnan(own.low) else f" [{own.low:.1f}, {own.high:.1f}]"
    return f"{own.mean:.1f}{ends} %".replace("-", "−")


def _settings(timed: pd.DataFrame) -> tuple[str, str]:
    """At which batch size and mode the speed-up was measured, and the speed-up at other sizes."""
    found = [match for name in map(str, timed) if (match := TIMED.fullmatch(name))]
    found = [match for match in found if timed[match[0]].notna().any()]
    if not found:
        return "", ""
    mode = found[0][1]
    sizes = sorted({int(match[2]) for match in found if match[1] == mode})
    how = f", {escape(mode)}" if mode else ""
    parts = []
    for size in sizes[:-1]:
        name = f"speed_up_over_macs_{f'{mode}_' if mode else ''}batch_{size}_ratio"
        # the quotient is recorded, as the median over rounds that are paired
        speed_up = timed[name] / (1 - timed["macs_reduction_percent"] / 100)
        ratio = speed_up.groupby(timed["criterion"]).mean()
        parts.append(f"{range_text(ratio, '.2f')} at a batch of {size}")
    others = f"Speed-up {', '.join(parts)}." if parts else ""
    return f" at a batch of {plural(sizes[-1], 'image', 'images')}{how}", others


def _counted(verdicts: pd.Series) -> str:
    """Networks by verdict, most first: "By their intervals, 4 of 6 networks are faster, ..."."""
    total = int(verdicts.sum())
    if len(verdicts) == 1:
        which = f"all {total} networks" if total > 1 else "the one network"
        return f"By their 95 % intervals, {which} {_SAID[str(verdicts.index[0])][total > 1]}"
    most_first = sorted(verdicts.items(), key=lambda item: (-item[1], str(item[0])))
    parts = [f"{count} of {total} {_SAID[str(word)][count > 1]}" for word, count in most_first]
    return f"By their 95 % intervals, {', '.join(parts)}"


# of one network, and of several
_SAID = {
    "faster": ("is faster", "are faster"),
    "slower": ("is slower", "are slower"),
    "not shown to be faster": ("is not shown to be faster", "are not shown to be faster"),
    "less energy": ("takes less energy", "take less energy"),
    "more energy": ("takes more energy", "take more energy"),
    "not shown to save energy": ("is not shown to save energy", "are not shown to save energy"),
    NOT_MEASURED: ("has no interval", "have no interval"),
    TOO_FEW: ("was measured too seldom for a claim", "were measured too seldom for a claim"),
}
