"""A table of HTML whose columns sort by a click."""

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import pandas as pd

from layer_pruning.report.columns import heading, written
from layer_pruning.report.html_page import page
from layer_pruning.report.records import BASELINE, NOT_MEASURED
from layer_pruning.report.sources import legend, titles

OF_DIFFERENCES = ("interval_low", "interval_high")


def table(
    frame: pd.DataFrame,
    labels: Mapping[str, str] | None = None,
    texts: Mapping[str, Sequence[str]] | None = None,
    titles: Mapping[str, str] | None = None,
) -> str:
    """A sortable HTML table; a click on a heading sorts, a second click the other way round.

    ``labels`` replace column names as headings. ``texts`` replace how the values of a column are
    written; the values themselves still decide the order. ``titles`` are shown where the pointer
    rests on a heading. Missing numbers stay empty; in columns of energy and latency they read
    "not measured". The ends of an interval stand behind the value, in brackets.
    """
    labels, titles = labels or {}, titles or {}
    frame, texts = _with_intervals(frame, texts or {})
    names = list(map(str, frame.columns))
    cells_of = {
        name: list(texts[name]) if name in texts else [written(name, v) for v in frame[name]]
        for name in names
    }
    is_text = {name: not pd.api.types.is_numeric_dtype(frame[name]) for name in names}
    head = "".join(
        _head(labels.get(name, heading(name)), is_text[name], titles.get(name, ""))
        for name in names
    )
    body = []
    for place, (_, row) in enumerate(frame.iterrows()):
        kind = ' class="baseline"' if row.get("criterion") == BASELINE else ""
        cells = "".join(_cell(row[name], cells_of[name][place], is_text[name]) for name in names)
        body.append(f"<tr{kind}>{cells}</tr>")
    return (
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead>\n<tbody>'
        + "\n".join(body)
        + "</tbody></table></div>"
    )


def table_page(frame: pd.DataFrame, title: str, note: str = "") -> str:
    """A page with one sortable table of networks, what it says, and where that is from."""
    about = f"<p>{escape(note)}</p>" if note else ""
    body = f"<h1>{escape(title)}</h1>{about}\n{table(frame, titles=titles(frame))}"
    return page(title, f"{body}\n{legend(frame)}")


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


def _head(label: str, is_text: bool, title: str) -> str:
    kind = ' class="text"' if is_text else " data-numeric"
    tip = f' title="{escape(title)}"' if title else ""
    return f'<th scope="col"{kind}{tip}><button type="button">{escape(label)}</button></th>'


def _cell(value: Any, text: str, is_text: bool) -> str:
    if is_text:
        tip = f' title="{escape(text)}"' if len(text) > 40 else ""
        return f'<td class="text"{tip}>{escape(text)}</td>'
    kind = "absent" if text == NOT_MEASURED else ""
    key = "" if math.isnan(value) else _number(float(value))
    return f'<td{f" class={kind}" if kind else ""} data-v="{key}">{escape(text)}</td>'


def _number(value: float) -> str:
    """A number with all its digits, as JavaScript reads it."""
    return repr(value).replace("inf", "Infinity")
