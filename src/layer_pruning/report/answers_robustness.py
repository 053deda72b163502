"""What the front page says of attacks, other images, and a planted cue.

Everything is about one data set and architecture. ``level`` is the number of removals at which
criteria are compared; tables are as made by :func:`layer_pruning.report.paired.beside_each`, pooled
over seeds.
"""

import math
from html import escape

import pandas as pd

from layer_pruning.report.answers import Answer, listed, sentence
from layer_pruning.report.records import BASELINE
from layer_pruning.report.robustness import epsilon_labels
from layer_pruning.report.shift import CORRUPTED
from layer_pruning.report.wording import capital, interval_text, plural, points, signed

ROBUST = ("more robust", "less robust")
ACCURATE = ("higher", "lower")
RELYING = ("more reliance", "less reliance")
OVER_BOTH = "crossed random effects of seeds and images, Dunnett"
OVER_IMAGES = "over images, Dunnett"


def is_more_robust(robustness: pd.DataFrame | None, level: int) -> Answer:
    """Whether the networks withstand attacks better than the baseline, and than their like."""
    name, question = "robustness", "Is it more robust?"
    if robustness is None or robustness.empty:
        return Answer(name, question, "Not tested.", "No network was attacked.")
    rows = robustness[robustness["removed"] == level]
    if rows.empty:
        found = ", ".join(str(n) for n in sorted(robustness["removed"].unique()))
        text = f"Not attacked at {level} removals, only at {found}: see the table below."
        return Answer(name, question, "Not tested here.", text)
    others, rows = _apart(rows)
    counts = {str(own): _count(group["verdict"]) for own, group in rows.groupby("criterion")}
    most = _most(rows)
    which = " ".join(filter(None, [most["attack"], most["norm"]]))
    text = (
        f"Of each criterion: {listed(counts)}. Largest change: {escape(which)} at epsilon "
        f"{epsilon_labels([most['epsilon']])[0]}, where {escape(str(most['criterion']))} gets "
        f"{100 * most['robust_accuracy']:.1f} % of the attacked images right and the baseline "
        f"{100 * most['other_robust_accuracy']:.1f} %: {_change(most)}; without an attack "
        f"{signed(most['clean_difference'])}.{_beside(others)}"
    )
    file = f"attacks/{most['attack']}.json"
    return _answer(name, question, rows, most, text, ROBUST, file)


def on_other_images(pooled: pd.DataFrame | None, level: int) -> list[Answer]:
    """What happened on corrupted and newly collected images."""
    answers = []
    found = pooled[pooled["removed"] == level] if pooled is not None else pd.DataFrame()
    for test, group in found.groupby("test", sort=True) if len(found) else ():
        others, rows = _apart(group)
        changes = {str(row["criterion"]): _change(row) for _, row in rows.iterrows()}
        text = (
            f"Accuracy {100 * rows['other_accuracy'].mean():.1f} % before; change: "
            f"{listed(changes)}.{_beside(others)}"
        )
        if test == CORRUPTED:
            text += f" {escape(capital(str(rows['source'].iloc[0])))}."
        question = f"On {'corrupted images' if test == CORRUPTED else str(test)}?"
        most = _most(rows)
        answers.append(_answer("shift", question, rows, most, text, ACCURATE, "corruptions.json"))
    return answers


def relies_on_the_cue(shortcuts: pd.DataFrame | None, level: int) -> list[Answer]:
    """How far networks rely on a planted cue, beside the baseline, if there was one."""
    if shortcuts is None or shortcuts.empty:
        return []
    found = shortcuts[(shortcuts["removed"] == level) & (shortcuts["measure"] == "reliance")]
    words = {"relies more": "higher", "relies less": "lower"}
    others, rows = _apart(found.assign(verdict=found["verdict"].replace(words)))
    if rows.empty:
        return []
    shares = {
        str(row["criterion"]): f"{100 * row['share']:.2f}, a change of {_change(row)}"
        for _, row in rows.iterrows()
    }
    text = (
        "With the planted cue of another class, test accuracy falls by "
        f"{100 * rows['other_share'].mean():.2f} points for the baseline; after pruning: "
        f"{listed(shares)}.{_beside(others)}"
    )
    question, most = "Does it rely on the cue?", _most(rows)
    return [_answer("shortcut", question, rows, most, text, RELYING, "shortcut.json")]


def _apart(rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What pruned, beside networks that did not but were trained as long, and the baseline."""
    rows = rows[~rows["criterion"].isin(rows["other"])]
    return rows[rows["other"] != BASELINE], rows[rows["other"] == BASELINE]


def _answer(
    name: str,
    question: str,
    rows: pd.DataFrame,
    most: pd.Series,
    text: str,
    words: tuple[str, str],
    file: str,
) -> Answer:
    seeds = int(most["seeds"])
    return Answer(
        name,
        question,
        sentence(_overall(rows, words), seeds),
        text,
        of=str(most["criterion"]),
        number=100 * most["difference"],
        low=100 * most["interval_low"],
        high=100 * most["interval_high"],
        unit="points",
        test=OVER_BOTH if seeds > 1 else OVER_IMAGES,
        n=f"{plural(seeds, 'seed', 'seeds')}, {plural(int(most['images']), 'image', 'images')}",
        file=f"{most['criterion']}/removed-{most['removed']:02d}/{file}",
    )


def _most(rows: pd.DataFrame) -> pd.Series:
    """The row with the largest change, among those that are shown if there are any."""
    shown = rows[rows["verdict"].isin(["higher", "lower"])]
    pick = shown if len(shown) else rows
    return pick.iloc[int(pick["difference"].abs().to_numpy().argmax())]


def _count(verdicts: pd.Series) -> str:
    counts = verdicts.value_counts()
    return f"{counts.get('higher', 0)} of {len(verdicts)} more, {counts.get('lower', 0)} less"


def _beside(others: pd.DataFrame) -> str:
    """The same comparisons with networks that were trained as long without being pruned."""
    told = []
    for other, group in others.groupby("other", sort=True):
        most = _most(group)
        told.append(
            f" Beside {escape(str(other))}, trained as long: {_count(group['verdict'])}; largest "
            f"change {escape(str(most['criterion']))} {_change(most)}."
        )
    return "".join(told)


def _overall(rows: pd.DataFrame, words: tuple[str, str]) -> str:
    """The verdict of several comparisons in a few words."""
    counts, total = rows["verdict"].value_counts(), len(rows)
    more, less = int(counts.get("higher", 0)), int(counts.get("lower", 0))
    if more and less:
        return f"Mixed: {more} {words[0]}, {less} {words[1]}, of {total} comparisons."
    if not more and not less:
        size = rows["detectable"].max()
        seen = "" if math.isnan(size) else f" ({points(size)} would have been seen)"
        return f"No change shown{seen}, in {plural(total, 'comparison', 'comparisons')}."
    count, word = (more, words[0]) if more else (less, words[1])
    good = bool(more) == (words != RELYING)
    if count == total:
        return f"{'Yes' if more else 'No'}: {word} throughout."
    none = f"{words[1 if more else 0]} in none"
    start = "In part" if more and good else "Yes, in part" if more else "No"
    return f"{start}: {word} in {count} of {total} comparisons, {none}."


def _change(row: pd.Series) -> str:
    ends = interval_text(row["interval_low"], row["interval_high"])
    return f"{signed(row['difference'])} points{ends}"
