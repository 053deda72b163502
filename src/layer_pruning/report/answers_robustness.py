"""What the front page says of attacks, other images, and a planted cue.

Everything is about one data set and architecture. ``level`` is the number of removals at which
criteria are compared.
"""

from html import escape

import pandas as pd

from layer_pruning.report.answers import Answer, listed
from layer_pruning.report.robustness import epsilon_labels
from layer_pruning.report.shift import CORRUPTED
from layer_pruning.report.significance import NO_DIFFERENCE
from layer_pruning.report.wording import capital, interval_text, plural, signed

ROBUST = ("more robust", "less robust")
ACCURATE = ("higher", "lower")


def is_more_robust(robustness: pd.DataFrame | None, level: int) -> Answer:
    """Whether the networks withstand attacks better; ``robustness`` is pooled over seeds."""
    question = "Is it more robust?"
    if robustness is None or robustness.empty:
        return Answer(question, "Not tested.", "No network was attacked.")
    rows = robustness[robustness["removed"] == level]
    if rows.empty:
        found = ", ".join(str(n) for n in sorted(robustness["removed"].unique()))
        text = f"Not attacked at {level} removals, only at {found}: see the table below."
        return Answer(question, "Not tested here.", text)
    counts = {str(name): _count(group["verdict"]) for name, group in rows.groupby("criterion")}
    text = (
        f"Of each criterion: {listed(counts)}. Every network meets the same images as its "
        "baseline, and all comparisons are corrected for their number. "
    )
    significant = rows[rows["verdict"] != NO_DIFFERENCE]
    pick = significant if len(significant) else rows
    most = pick.iloc[int(pick["difference"].abs().to_numpy().argmax())]
    which = " ".join(filter(None, [most["attack"], most["norm"]]))
    text += (
        f"Largest{' significant' if len(significant) else ''} change: {escape(which)} at epsilon "
        f"{epsilon_labels([most['epsilon']])[0]}, where {escape(str(most['criterion']))} gets "
        f"{100 * most['robust_accuracy']:.1f} % of the attacked images right and the baseline "
        f"{100 * most['baseline_robust_accuracy']:.1f} %: {_points(most)}"
    )
    return Answer(question, _overall(rows["verdict"]), f"{text}.")


def on_other_images(pooled: pd.DataFrame | None, level: int) -> list[Answer]:
    """What happened on corrupted and newly collected images; ``pooled`` as of paired_shift."""
    answers = []
    rows = pooled[pooled["removed"] == level] if pooled is not None else pd.DataFrame()
    for test, group in rows.groupby("test", sort=True) if len(rows) else ():
        changes = {
            str(row["criterion"]): f"{signed(row['difference'])}" for _, row in group.iterrows()
        }
        text = (
            f"Accuracy {100 * group['baseline_accuracy'].mean():.1f} % before; change in points: "
            f"{listed(changes)}. "
        )
        if test == CORRUPTED:
            text += f"{escape(capital(str(group['source'].iloc[0])))}."
        name = "corrupted images" if test == CORRUPTED else str(test)
        answers.append(Answer(f"On {name}?", _overall(group["verdict"], ACCURATE), text))
    return answers


def relies_on_the_cue(baseline: pd.DataFrame, path: pd.DataFrame) -> list[Answer]:
    """How far the baseline and the deepest networks rely on a planted cue, if there was one."""
    tested = path[path["shortcut_reliance"].notna()] if "shortcut_reliance" in path else path[:0]
    if tested.empty:
        return []
    deepest = tested[tested["removed"] == tested.groupby("criterion")["removed"].transform("max")]
    means = deepest.groupby("criterion", sort=True)["shortcut_reliance"].mean()
    losses = {str(name): f"{100 * mean:.2f}" for name, mean in means.items()}
    text = (
        "With the planted cue of another class, test accuracy falls by "
        f"{100 * baseline['shortcut_reliance'].mean():.2f} points for the baseline; after pruning: "
        f"{listed(losses)}. Whether that differs: see the table on shortcut learning."
    )
    return [Answer("Does it learn shortcuts?", "Measured.", text)]


def _more_and_less(verdicts: pd.Series, words: tuple[str, str] = ROBUST) -> str:
    """How many are significantly better and worse, e.g. "2 more robust, 1 less robust"."""
    counts = verdicts.value_counts()
    return ", ".join(
        f"{counts.get(verdict, 0)} {word}"
        for verdict, word in zip(("higher", "lower"), words, strict=True)
    )


def _count(verdicts: pd.Series) -> str:
    counts = verdicts.value_counts()
    return f"{counts.get('higher', 0)} of {len(verdicts)} more, {counts.get('lower', 0)} less"


def _overall(verdicts: pd.Series, words: tuple[str, str] = ROBUST) -> str:
    """The verdict of several comparisons in a few words."""
    counts, total = verdicts.value_counts(), len(verdicts)
    more, less = int(counts.get("higher", 0)), int(counts.get("lower", 0))
    if more and less:
        return f"Mixed: {_more_and_less(verdicts, words)}, of {total} comparisons."
    if not more and not less:
        return f"No difference shown, in {plural(total, 'comparison', 'comparisons')}."
    count, word = (more, words[0]) if more else (less, words[1])
    if count == total:
        return f"{'Yes' if more else 'No'}: {word} throughout."
    none = f"{words[1 if more else 0]} in none"
    return f"{'In part' if more else 'No'}: {word} in {count} of {total} comparisons, {none}."


def _points(row: pd.Series) -> str:
    """A change under attack, with its intervals over images and over seeds."""
    over_images = interval_text(row["interval_low"], row["interval_high"])
    text = f"{signed(row['difference'])} points{over_images} over images"
    over_seeds = interval_text(row["seed_interval_low"], row["seed_interval_high"])
    text += f",{over_seeds} over seeds" if over_seeds else ""
    return f"{text}; without an attack {signed(row['clean_difference'])}"
