"""The answers of the front page: a paragraph of HTML for every question.

Everything is about one data set and architecture. ``level`` is the number of removals at which
criteria are compared, and ``shown`` are the pruned networks there.
"""

import math
from html import escape

import pandas as pd

from layer_pruning.report.cost import faster, saves_energy
from layer_pruning.report.over_seeds import best_criterion
from layer_pruning.report.records import BASELINE, NOT_MEASURED
from layer_pruning.report.robustness import epsilon_labels
from layer_pruning.report.selection import pruned
from layer_pruning.report.significance import NO_DIFFERENCE, Mean
from layer_pruning.report.wording import (
    basis_text,
    change_text,
    count_text,
    epochs_text,
    formatted,
    percent,
    plural,
    range_text,
    signed,
)


def how_far(baseline: pd.DataFrame, path: pd.DataFrame, shown: pd.DataFrame, level: int) -> str:
    """What was pruned, how far, and by whom."""
    first = baseline.iloc[0]
    seeds, criteria = baseline["seed"].nunique(), sorted(path["criterion"].unique())
    at_a_time = int(path["removed"].min())
    pace = "one at a time" if at_a_time == 1 else f"{at_a_time} at a time"
    blocks = len(first["blocks"].split())
    cut = range_text(shown["macs_reduction_percent"], ".1f")
    weights = range_text(shown["parameters_reduction_percent"], ".1f")
    text = (
        f"<b>How far.</b> Of {blocks} residual blocks, {level} were removed {pace}, with "
        f"fine-tuning after each. That takes away {cut} % of the multiply-accumulates "
        f"(the baseline needs {count_text(first['macs'])} an image) and {weights} % of the "
        f"{count_text(first['parameters'])} parameters. "
        f"{plural(len(criteria), 'criterion', 'criteria')} chose the blocks "
        f"({escape(', '.join(criteria))}), {plural(seeds, 'seed', 'seeds')} each."
    )
    deeper = path.groupby("criterion")["removed"].max()
    deeper = deeper[deeper > level]
    if len(deeper):
        beyond = ", ".join(f"{escape(str(name))} to {most}" for name, most in deeper.items())
        text += f" Some went further ({beyond}); compared is what all reached."
    return text


def accuracy(summary: pd.DataFrame, rows: pd.DataFrame, level: int) -> str:
    """What that did to test accuracy, and whether a criterion won."""
    base = rows[rows["criterion"] == BASELINE].iloc[0]
    best, tied, seeds = best_criterion(summary, level)
    row = rows[rows["criterion"] == best].iloc[0]
    text = (
        f"<b>Accuracy.</b> Test accuracy of the baseline: {percent(base['accuracy_mean'])}. "
        f"Highest mean after pruning: {escape(best)}, {percent(row['accuracy_mean'])}, "
        f"{change_text(row)}. "
    )
    others = pruned(summary[summary["removed"] == level])["criterion"].nunique() - 1
    if others == 0:
        return text + "There is no other criterion to compare it with."
    if seeds == 1:
        return text + (
            "With one seed nothing can be said about which criterion is better: "
            "the order may be luck."
        )
    if not tied:
        return (
            text + f"It beats every other criterion ({others}), significantly over {seeds} seeds."
        )
    if len(tied) == others:
        return text + (
            f"<b>It is a tie</b>: over {seeds} seeds, it does not differ significantly from "
            f"{'any of the' if others > 1 else 'the'} other "
            f"{'criteria' if others > 1 else 'criterion'} ({escape(', '.join(tied))})."
        )
    return text + (
        f"<b>It is a tie</b> with {escape(', '.join(tied))} (no significant difference over "
        f"{seeds} seeds); the other {others - len(tied)} are significantly lower."
    )


def from_scratch(summary: pd.DataFrame, level: int) -> list[str]:
    """For each criterion that trained from new weights: how it compares with the one it follows."""
    step, texts = summary[summary["removed"] == level], []
    for name, group in step[step["architecture_of"] != ""].groupby("criterion", sort=True):
        source = group.iloc[0]["architecture_of"]
        own, other = (
            step[step["criterion"] == criterion].set_index("seed")["accuracy_test"]
            for criterion in (name, source)
        )
        change, epochs = Mean.of(own - other), epochs_text(group["training_epochs"])
        row = pd.Series(
            {
                "difference_mean": change.mean,
                "difference_interval_low": change.low,
                "difference_interval_high": change.high,
                "verdict": change.verdict("higher", "lower"),
            }
        )
        texts.append(
            f"<b>From new weights.</b> What {escape(source)} left, trained from new weights"
            f"{f' for {epochs} epochs' if epochs else ''} ({escape(str(name))}): "
            f"{percent(own.mean())}, {change_text(row, str(source))}."
        )
    return texts


def robust(robustness: pd.DataFrame | None, level: int) -> str:
    """Whether the networks are more robust; ``robustness`` is pooled over seeds."""
    text = "<b>Robustness.</b> "
    if robustness is None or robustness.empty:
        return text + "No network was attacked."
    rows = robustness[robustness["removed"] == level]
    if rows.empty:
        found = ", ".join(str(n) for n in sorted(robustness["removed"].unique()))
        return text + f"Not attacked at {level} removals, only at {found}: see the table below."
    counts = rows["verdict"].value_counts()
    text += (
        f"{plural(len(rows), 'comparison', 'comparisons')} with the baseline on the same images "
        f"(Holm-corrected): {counts.get('higher', 0)} significantly more robust, "
        f"{counts.get('lower', 0)} less, {counts.get(NO_DIFFERENCE, 0)} without a significant "
        "difference."
    )
    significant = rows[rows["verdict"] != NO_DIFFERENCE]
    pick = significant if len(significant) else rows
    most = pick.iloc[int(pick["difference"].abs().to_numpy().argmax())]
    which = " ".join(filter(None, [most["attack"], most["norm"]]))
    text += (
        f" Largest{' significant' if len(significant) else ''} change: "
        f"{signed(most['difference'])} points [{signed(most['interval_low'])}, "
        f"{signed(most['interval_high'])}], {escape(str(most['criterion']))} under "
        f"{escape(which)} at epsilon {epsilon_labels([most['epsilon']])[0]}"
    )
    return text + f" (without attack: {signed(most['clean_difference'])})."


def cheaper(shown: pd.DataFrame) -> str:
    """Whether the networks are faster and take less energy, in a sentence each."""
    text = "<b>Cheaper?</b> "
    timed = shown[shown["speed_up_ratio"].notna()]
    if timed.empty:
        text += f"Time: {NOT_MEASURED}. "
    else:
        counts = timed.apply(faster, axis=1).value_counts()
        promised = 1 / (1 - timed["macs_reduction_percent"] / 100)
        text += (
            f"In time: {_counted(counts)}. "
            f"Speed-up {range_text(timed['speed_up_ratio'], '.2f')}, where multiply-accumulates "
            f"promise {range_text(promised, '.2f')}; their quotient is "
            f"{range_text(timed['speed_up_over_macs_ratio'], '.2f')}"
        )
        others = timed["other_cores_during_latency"].max()
        text += "" if math.isnan(others) else f" (others used up to {others:.1f} cores meanwhile)"
        text += ". "
    metered = shown[shown["saving_joules_per_image"].notna()]
    if metered.empty:
        return text + f"Energy: {NOT_MEASURED}."
    counts = metered.apply(saves_energy, axis=1).value_counts()
    text += (
        f"In energy: {_counted(counts)}, {basis_text(metered['inference_energy_basis'])}. "
        f"An image saves {range_text(metered['saving_joules_per_image'], '.2g')} J. "
    )
    paid = metered["break_even_images"].dropna()
    if len(paid):
        few, most = (formatted("break_even_images", end) for end in (paid.min(), paid.max()))
        between = few if few == most else f"{few} to {most}"
        text += f"Scoring and fine-tuning have paid for themselves after {between} images"
    without = metered.loc[metered["break_even_images"].isna(), "break_even"].value_counts()
    text += "; " if len(paid) and len(without) else ""
    text += "; ".join(f"{escape(str(verdict))}: {count}" for verdict, count in without.items())
    return f"{text}."


def _counted(verdicts: pd.Series) -> str:
    """Networks by verdict: "all 6 faster", "4 of 6 faster, 2 of 6 not shown to be faster"."""
    total = int(verdicts.sum())
    if len(verdicts) == 1:
        return f"{'all ' if total > 1 else ''}{total} {verdicts.index[0]}"
    most_first = sorted(verdicts.items(), key=lambda item: (-item[1], str(item[0])))
    return ", ".join(f"{count} of {total} {verdict}" for verdict, count in most_first)


def shortcut(baseline: pd.DataFrame, path: pd.DataFrame) -> str:
    """How far the baseline and the deepest networks rely on a planted cue."""
    tested = path[path["shortcut_reliance"].notna()]
    deepest = tested[tested["removed"] == tested.groupby("criterion")["removed"].transform("max")]
    means = deepest.groupby("criterion", sort=True)["shortcut_reliance"].mean()
    listed = ", ".join(f"{100 * mean:.2f} for {escape(str(name))}" for name, mean in means.items())
    return (
        "<b>Shortcut learning.</b> With the planted cue of another class, test accuracy falls by "
        f"{100 * baseline['shortcut_reliance'].mean():.2f} points for the baseline, {listed}. "
        "Whether that differs: see the table on shortcut learning."
    )


def energy(baseline: pd.DataFrame, shown: pd.DataFrame, rounds: int) -> str:
    """What training, ``rounds`` fine-tunings and inference take, and how that is known."""
    text = "<b>Energy.</b> "
    training = baseline["training_energy_kwh"].mean(skipna=False)
    tuning = shown.groupby("criterion")["finetuning_energy_kwh"].apply(
        lambda values: values.mean(skipna=False)
    )
    known = tuning.dropna()
    if math.isnan(training) or known.empty:
        text += f"Training and fine-tuning: {NOT_MEASURED} throughout. "
    else:
        basis = basis_text(shown["training_energy_basis"])
        share = known / training
        emissions = shown["training_emissions_kg_co2e"] + shown["finetuning_emissions_kg_co2e"]
        carbon = emissions.groupby(shown["criterion"]).mean()
        text += (
            f"Training the baseline took {training:.3g} kWh and the "
            f"{plural(rounds, 'fine-tuning', 'fine-tunings')} another "
            f"{range_text(known, '.3g')} kWh ({range_text(share, '.2g')} times as much; "
            f"{range_text(carbon.dropna(), '.2g')} kg CO2e in all), {basis}"
        )
        absent = list(tuning.index[tuning.isna()])
        text += f"; {NOT_MEASURED} for {escape(', '.join(absent))}. " if absent else ". "
    inference = shown.groupby("criterion")["energy_reduction_percent"].apply(
        lambda values: values.mean(skipna=False)
    )
    measured = inference.dropna()
    if measured.empty:
        return text + f"Inference: {NOT_MEASURED}."
    text += (
        f"Inference energy an image: {range_text(-measured, '+.1f')} % against the baseline, "
        f"{basis_text(shown['inference_energy_basis'])}"
    )
    absent = list(inference.index[inference.isna()])
    return text + (f"; {NOT_MEASURED} for {escape(', '.join(absent))}." if absent else ".")


def rounds_to(path: pd.DataFrame, level: int) -> int:
    """How often networks were fine-tuned on the way to ``level`` removals."""
    return len({step for step in path["removed"] if step <= level})
