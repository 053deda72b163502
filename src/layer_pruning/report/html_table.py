"""A table of HTML whose columns sort by a click."""

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import pandas as pd

from layer_pruning.report.html_page import page
from layer_pruning.report.records import BASELINE, NOT_MEASURED
from layer_pruning.report.wording import formatted


def table(
    frame: pd.DataFrame,
    labels: Mapping[str, str] | None = None,
    texts: Mapping[str, Sequence[str]] | None = None,
) -> str:
    """A sortable HTML table; a click on a heading sorts, a second click the other way round.

    ``labels`` replace column names as headings. ``texts`` replace how the values of a column are
    written; the values themselves still decide the order. Missing numbers stay empty; in columns
    of energy and latency they read "not measured".
    """
    labels, texts = labels or {}, texts or {}
    names = list(map(str, frame.columns))
    written = {
        name: list(texts[name]) if name in texts else [formatted(name, v) for v in frame[name]]
        for name in names
    }
    is_text = {name: not pd.api.types.is_numeric_dtype(frame[name]) for name in names}
    head = "".join(
        f"<th{' class=text' if is_text[name] else ''}>"
        f"<button>{escape(labels.get(name, _heading(name)))}</button></th>"
        for name in names
    )
    body = []
    for place, (_, row) in enumerate(frame.iterrows()):
        kind = ' class="baseline"' if row.get("criterion") == BASELINE else ""
        cells = "".join(_cell(row[name], written[name][place], is_text[name]) for name in names)
        body.append(f"<tr{kind}>{cells}</tr>")
    return (
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead>\n<tbody>'
        + "\n".join(body)
        + "</tbody></table></div>"
    )


def table_page(frame: pd.DataFrame, title: str, note: str = "") -> str:
    """A page with one sortable table and a line of explanation above it."""
    about = f"<p>{escape(note)}</p>" if note else ""
    return page(title, f"<h1>{escape(title)}</h1>{about}\n{table(frame)}")


def _cell(value: Any, text: str, is_text: bool) -> str:
    if is_text:
        tip = f' title="{escape(text)}"' if len(text) > 40 else ""
        return f'<td class="text"{tip}>{escape(text)}</td>'
    kind = "absent" if text == NOT_MEASURED else ""
    missing = math.isnan(value)
    key = "" if missing else escape(str(value))
    return f'<td{f" class={kind}" if kind else ""} data-v="{key}">{escape(text)}</td>'


def _heading(name: str) -> str:
    return name.replace("_", " ")
