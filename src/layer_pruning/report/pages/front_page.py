"""The report: one page that opens on the answers, and holds everything that they rest on."""

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

from markupsafe import Markup

from layer_pruning.report.catalog import FIGURES, Entry
from layer_pruning.report.html_page import body_of, rendered
from layer_pruning.report.wording import capital, signed

LINES = {
    "done": "Pruned",
    "accuracy": "Accuracy",
    "speed": "Speed",
    "energy": "Energy",
    "robustness": "Robustness",
    "cost": "Cost",
    "best": "Best choice",
}
"""The answers of the first screen, and what each is called there."""
LONG_CAPTION = 300
"""Letters; of longer captions the rest is folded away."""


@dataclass(frozen=True)
class Picture:
    """A figure: its name, its SVG file, what is below it, and a chart to take its place."""

    name: str
    file: Path
    caption: str
    """reStructuredText of paragraphs."""
    chart: Mapping[str, Any] | None = None
    title: str = ""

    @property
    def entry(self) -> Entry:
        """What the catalogue says of it."""
        return FIGURES[self.name]

    @property
    def code(self) -> str:
        """The file, to stand in an address."""
        return base64.b64encode(self.file.read_bytes()).decode()

    @property
    def data(self) -> Markup:
        """The chart, to stand in a script."""
        return Markup(json.dumps(self.chart, allow_nan=False).replace("<", "\\u003c"))

    @property
    def shown(self) -> Markup:
        """The first two sentences of a long caption, or all of it."""
        return caption_html(" ".join(self._sentences[:2]))

    @property
    def folded(self) -> Markup:
        """What of its caption is shown on request."""
        return caption_html("".join(self._sentences[2:]))

    @property
    def _sentences(self) -> list[str]:
        if len(self.caption) < LONG_CAPTION:
            return [self.caption]
        return re.split(r"(?<=[.?!])\s+", self.caption.strip(), maxsplit=2)


class Linked(NamedTuple):
    """A file of a network, and the addresses of both."""

    name: str
    page: str
    file: str


@dataclass(frozen=True)
class PairSection:
    """All about one data set and architecture: its record of ``answers.json``, and figures."""

    record: Mapping[str, Any]
    pictures: Sequence[Picture]
    networks: Mapping[str, str] = field(default_factory=dict)
    """Addresses of the pages of networks, by what they are called."""

    @property
    def name(self) -> str:
        """What it is called."""
        return name_of(self.record)

    @property
    def first_screen(self) -> dict[str, Mapping[str, Any]]:
        """The answers that a reader sees first, by what they are called there."""
        return first_answers(self.record)

    @property
    def main(self) -> Picture | None:
        """The picture beside them."""
        return next((picture for picture in self.pictures if picture.name == "accuracy"), None)

    @property
    def others(self) -> list[Picture]:
        """The pictures below, but for those of ranks."""
        return [one for one in self.pictures if one.name not in ("accuracy", "ranks")]

    @property
    def ranks(self) -> list[Picture]:
        """The pictures of ranks, one a criterion and seed."""
        return [picture for picture in self.pictures if picture.name == "ranks"]

    def proved_by(self, picture: Picture) -> list[Mapping[str, Any]]:
        """The answers that stand beside a picture."""
        answers = {answer["name"]: answer for answer in self.record["answers"]}
        return [answers[name] for name in picture.entry.proves if name in answers]

    def network_of(self, file: str) -> Linked | None:
        """The first network of which it is a file, named as of a criterion or the baseline."""
        for name, page in self.networks.items():
            # names are of the kind seed-0/consensus/removed-05
            folder = name.partition("/")[2]
            if file.startswith(f"{folder}/"):
                return Linked(name, page, page.rpartition("/")[0] + file.removeprefix(folder))
        return None


def front_page(
    parts: Sequence[PairSection],
    tables: Mapping[str, str],
    *,
    library: str = "",
    title: str = "Layer pruning: what came out",
    further: Mapping[str, str] | None = None,
) -> str:
    """The whole report as one document that loads nothing.

    ``tables`` are pages of tables by their headings, ``library`` is the JavaScript that draws
    charts, and ``further`` are files beside the report, by what they are called.
    """
    return rendered(
        "report.html",
        title=title,
        parts_of_report=parts,
        tables={heading: body_of(html) for heading, html in tables.items()},
        # a script's text ends at the first of these, whatever it means inside
        library=Markup(library.replace("</script", "<\\/script")),
        further=further,
        anchor=anchor,
        number_text=number_text,
    )


def anchor(text: str) -> str:
    """The name of a section in an address."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def caption_html(text: str) -> Markup:
    """Paragraphs of reStructuredText with *emphasis* and ``code`` as HTML."""
    html = escape(text.strip())
    html = re.sub(r"``(.+?)``", r"<code>\1</code>", html)
    html = re.sub(r"\*(\S[^*]*?)\*", r"<em>\1</em>", html)
    paragraphs = re.split(r"\n\s*\n", html) if html else []
    return Markup("".join(f"<p>{part}</p>" for part in paragraphs))


def name_of(record: Mapping[str, Any]) -> str:
    """What a data set and architecture of ``answers.json`` are called."""
    return f"{record['architecture']} on {record['dataset']}"


def first_answers(record: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The answers of the first screen, by what they are called there."""
    answers = {answer["name"]: answer for answer in record["answers"]}
    return {label: answers[key] for key, label in LINES.items() if key in answers}


def answer_lines(record: Mapping[str, Any]) -> list[str]:
    """The answers as lines of a terminal: for each data set and architecture, at most seven."""
    lines = []
    for pair in record["families"]:
        lines.append(name_of(pair))
        for label, answer in first_answers(pair).items():
            number, verdict = number_text(answer), capital(str(answer["verdict"])).rstrip(".")
            lines.append(f"  {label:12}{verdict}{f' ({number})' if number else ''}")
        if not pair["answers"]:
            lines.append("  only the baseline: nothing was removed")
    return lines


def number_text(answer: Mapping[str, Any]) -> str:
    """The number behind a verdict with its interval and unit; empty where there is none."""
    # a verdict that says the number needs it no second time
    if answer["number"] is None or (
        answer["unit"] and answer["unit"] in str(answer.get("verdict"))
    ):
        return ""
    change = answer["unit"].startswith("point")
    write = _points if change else _plain
    text = f"{write(answer['number'])} {answer['unit']}"
    if answer["low"] is not None and answer["high"] is not None:
        text += f" [{write(answer['low'])}, {write(answer['high'])}]"
    return text


def _points(value: float) -> str:
    return signed(value / 100)


def _plain(value: float) -> str:
    digits = 2 if abs(value) < 100 else 0
    return f"{value:,.{digits}f}".replace(",", "\u202f").replace("-", "−")
