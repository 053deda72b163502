"""An answer of the front page: a question, a verdict in a few words, and what it rests on."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from html import escape
from typing import Any

LISTED = 4
"""So many criteria are listed one by one; of more, only the first and the last."""
ONE_NETWORK = "For this one trained network"
"""How a verdict begins that rests on one seed."""


@dataclass(frozen=True)
class Answer:
    """``question`` and ``verdict`` are text, ``evidence`` is HTML.

    Behind the verdict stands one number, of the criterion ``of``, in ``unit``, with its 95 %
    interval, the name of the test, what it counts (``n``, text), and the file that it is from,
    below the folder of a seed. All but ``name`` are empty or NaN where there is no number.
    """

    name: str
    """``done``, ``accuracy``, ``best``, ``weights``, ``speed``, ``energy``, ``robustness``,
    ``shift``, ``shortcut`` or ``cost``."""
    question: str
    verdict: str
    evidence: str
    of: str = ""
    number: float = math.nan
    low: float = math.nan
    high: float = math.nan
    unit: str = ""
    test: str = ""
    n: str = ""
    file: str = ""

    def record(self) -> dict[str, Any]:
        """The answer as it is written to ``answers.json``: NaN is null."""
        return {
            key: None if isinstance(value, float) and math.isnan(value) else value
            for key, value in asdict(self).items()
        }


def answers_html(answers: Iterable[Answer]) -> str:
    """The answers as a list of questions with their verdicts in bold."""
    items = "".join(
        f"<dt>{escape(answer.question)}</dt>"
        f"<dd><b>{escape(answer.verdict)}</b> {answer.evidence}{_rests_on(answer)}</dd>\n"
        for answer in answers
    )
    return f'<dl class="answers">\n{items}</dl>'


def _rests_on(answer: Answer) -> str:
    """The test, what it counts, and the file behind a verdict."""
    parts = [escape(part) for part in (answer.test, answer.n) if part]
    parts += [f"<code>{escape(answer.file)}</code>"] if answer.file else []
    return f" <small>({'; '.join(parts)})</small>" if parts else ""


def listed(texts: Mapping[str, str]) -> str:
    """HTML of a text for each criterion; of many, the first and the last."""
    parts = [f"{escape(name)} {text}" for name, text in texts.items()]
    if len(parts) > LISTED:
        between = f"{len(parts) - 2} others between (see the table)"
        parts = [parts[0], between, parts[-1]]
    return "; ".join(parts)


def sentence(verdict: str, seeds: int) -> str:
    """A verdict, which with one seed says that it is of one network alone."""
    if seeds > 1:
        return verdict
    return f"{ONE_NETWORK}: {verdict[:1].lower()}{verdict[1:]}"
