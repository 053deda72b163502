"""What the front page says of attacks, other images, and a planted cue.

Everything is about one data set and architecture. ``level`` is the number of removals at which
criteria are compared; tables are as made by ``paired.beside_each``, pooled
over seeds.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from layer_pruning.report.answers.answer import Answer, answered, file_of, known
from layer_pruning.report.findings.shift import CORRUPTED
from layer_pruning.report.records import BASELINE
from layer_pruning.report.wording import plural

OVER_BOTH = "crossed random effects of seeds and images, Dunnett"
OVER_IMAGES = "over images, Dunnett"

Row = Mapping[Any, Any]
"""A row of a table of comparisons."""


@dataclass(frozen=True)
class Count:
    """Of ``total`` comparisons, how many are shown to be higher, and how many lower."""

    more: int
    less: int
    total: int
    detectable: float | None
    """A change that all of them would have shown, if that is known."""

    @classmethod
    def of(cls, rows: pd.DataFrame) -> "Count":
        """Those of the rows of a table."""
        more, less = (int((rows["verdict"] == word).sum()) for word in ("higher", "lower"))
        return cls(more, less, len(rows), known(float(rows["detectable"].max())))


@dataclass(frozen=True)
class Beside:
    """The same comparisons with networks that were trained as long without being pruned."""

    other: str
    count: Count
    most: Row


@dataclass(frozen=True)
class Robustness:
    """What attacks did; without ``count`` nothing was attacked at ``level`` removals."""

    level: int
    elsewhere: list[int]
    """The numbers of removals at which networks were attacked."""
    count: Count | None = None
    criteria: Mapping[str, Count] | None = None
    most: Row | None = None
    """The largest change."""
    others: tuple[Beside, ...] = ()


@dataclass(frozen=True)
class Shift:
    """What happened on other images than those of the test split."""

    test: str
    """The test set; empty for corrupted images."""
    before: float
    count: Count
    criteria: Mapping[str, Row]
    others: tuple[Beside, ...]
    source: str


@dataclass(frozen=True)
class Cue:
    """How far networks rely on a planted cue."""

    before: float
    count: Count
    criteria: Mapping[str, Row]
    others: tuple[Beside, ...]


def is_more_robust(
    robustness: pd.DataFrame | None, level: int, files: Mapping[tuple[str, str], str]
) -> Answer:
    """Whether the networks withstand attacks better than the baseline, and than their like.

    ``files`` are the names of the records, by attack and norm.
    """
    if robustness is None or robustness.empty:
        return answered("robustness", Robustness(level, []))
    elsewhere = sorted(robustness["removed"].unique().tolist())
    if level not in elsewhere:
        return answered("robustness", Robustness(level, elsewhere))
    others, rows = _apart(robustness[robustness["removed"] == level])
    criteria = {str(own): Count.of(group) for own, group in rows.groupby("criterion")}
    most = _most(rows)
    facts = Robustness(level, elsewhere, Count.of(rows), criteria, most, others)
    file = files.get((most["attack"], most["norm"]), f"{most['attack']}.json")
    return _answered("robustness", facts, most, f"attacks/{file}")


def on_other_images(pooled: pd.DataFrame | None, level: int) -> list[Answer]:
    """What happened on corrupted and newly collected images."""
    answers = []
    found = pooled[pooled["removed"] == level] if pooled is not None else pd.DataFrame()
    for test, group in found.groupby("test", sort=True) if len(found) else ():
        others, rows = _apart(group)
        corrupted = test == CORRUPTED
        facts = Shift(
            test="" if corrupted else str(test),
            before=rows["other_accuracy"].mean(),
            count=Count.of(rows),
            criteria=_by_criterion(rows),
            others=others,
            source=str(rows["source"].iloc[0]) if corrupted else "",
        )
        answers.append(_answered("shift", facts, _most(rows), "corruptions.json"))
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
    facts = Cue(rows["other_share"].mean(), Count.of(rows), _by_criterion(rows), others)
    return [_answered("shortcut", facts, _most(rows), "shortcut.json")]


def _apart(rows: pd.DataFrame) -> tuple[tuple[Beside, ...], pd.DataFrame]:
    """What pruned, beside networks that did not but were trained as long, and the baseline."""
    rows = rows[~rows["criterion"].isin(rows["other"])]
    others = rows[rows["other"] != BASELINE].groupby("other", sort=True)
    beside = tuple(Beside(str(other), Count.of(own), _most(own)) for other, own in others)
    return beside, rows[rows["other"] == BASELINE]


def _by_criterion(rows: pd.DataFrame) -> dict[str, Row]:
    """The rows by criterion, each of which has one."""
    return {str(row["criterion"]): row for row in rows.to_dict("records")}


def _most(rows: pd.DataFrame) -> Row:
    """The row with the largest change, among those that are shown if there are any."""
    shown = rows[rows["verdict"].isin(["higher", "lower"])]
    pick = shown if len(shown) else rows
    most: Row = pick.iloc[int(pick["difference"].abs().to_numpy().argmax())].to_dict()
    return most


def _answered(name: str, facts: Any, most: Row, file: str) -> Answer:
    """An answer whose number is the largest change."""
    seeds, criterion = int(most["seeds"]), str(most["criterion"])
    return answered(
        name,
        facts,
        seeds=seeds,
        of=criterion,
        number=100 * most["difference"],
        low=100 * most["interval_low"],
        high=100 * most["interval_high"],
        unit="points",
        test=OVER_BOTH if seeds > 1 else OVER_IMAGES,
        n=f"{plural(seeds, 'seed', 'seeds')}, {plural(int(most['images']), 'image', 'images')}",
        file=file_of(criterion, int(most["removed"]), file),
    )
