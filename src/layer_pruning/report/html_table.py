"""A table of HTML whose columns sort by a click."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup

from layer_pruning.report.columns import heading, written
from layer_pruning.report.html_page import rendered
from layer_pruning.report.records import BASELINE, NOT_MEASURED

OF_DIFFERENCES = ("interval_low", "interval_high")


@dataclass(frozen=True)
class Head:
    """The heading of a column, and what is said where the pointer rests on it."""

    label: str
    is_text: bool
    title: str


@dataclass(frozen=True)
class Cell:
    """How a value is written, and the number by which its column sorts."""

    text: str
    is_text: bool
    key: str

    @property
    def is_absent(self) -> bool:
        """Whether it says that there is no number."""
        return self.text == NOT_MEASURED


def table(
    frame: pd.DataFrame,
    labels: Mapping[str, str] | None = None,
    texts: Mapping[str, Sequence[str]] | None = None,
    titles: Mapping[str, str] | None = None,
) -> Markup:
    """A sortable HTML table; a click on a heading sorts, a second click the other way round.

    ``labels`` replace column names as headings. ``texts`` replace how the values of a column are
    written; the values themselves still decide the order. ``titles`` are shown where the pointer
    rests on a heading. Missing numbers stay empty; in columns of energy and latency they read
    "not measured". The ends of an interval stand behind the value, in brackets.
    """
    labels, titles = labels or {}, titles or {}
    frame, texts = _with_intervals(frame, texts or {})
    names = list(map(str, frame.columns))
    is_text = {name: not pd.api.types.is_numeric_dtype(frame[name]) for name in names}
    heads = [Head(labels.get(n, heading(n)), is_text[n], titles.get(n, "")) for n in names]
    columns = [
        [
            Cell(text, is_text[name], "" if is_text[name] else _number(value))
            for value, text in zip(
                frame[name], texts.get(name) or (written(name, v) for v in frame[name]), strict=True
            )
        ]
        for name in names
    ]
    about = frame["criterion"] if "criterion" in frame else [""] * len(frame)
    rows = [
        {"is_baseline": criterion == BASELINE, "cells": cells}
        for criterion, cells in zip(about, zip(*columns, strict=True), strict=True)
    ]
    return rendered("table.html", heads=heads, rows=rows)


def _with_intervals(
    frame: pd.DataFrame, texts: Mapping[str, Sequence[str]]
) -> tuple[pd.DataFrame, dict[str, Sequence[str]]]:
    """The table without the ends of intervals, which go into the texts of their values."""
    if {"difference", *OF_DIFFERENCES} <= {*frame.columns}:
        # in a table of comparisons they are the ends of the difference, and in points as it is
        frame = frame.rename(columns={end: f"difference_{end}" for end in OF_DIFFERENCES})
    told, ends = dict(texts), []
    for name in map(str, frame.columns):
        stem = name.removesuffix("_mean")
        low, high = f"{stem}_interval_low", f"{stem}_interval_high"
        if low not in frame or high not in frame or name in texts:
            continue
        ends += [low, high]
        told[name] = [
            written(name, value)
            + ("" if math.isnan(low) else f" [{written(name, low)}, {written(name, high)}]")
            for value, low, high in zip(frame[name], frame[low], frame[high], strict=True)
        ]
    return frame.drop(columns=ends), told


def _number(value: Any) -> str:
    """A number with all its digits, as JavaScript reads it; empty where it is missing."""
    return "" if math.isnan(value) else repr(float(value)).replace("inf", "Infinity")
