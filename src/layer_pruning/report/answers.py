"""An answer of the front page: a question, a verdict in a few words, and what it rests on."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape

LISTED = 4
"""So many criteria are listed one by one; of more, only the first and the last."""


@dataclass(frozen=True)
class Answer:
    """``question`` and ``verdict`` are text, ``evidence`` is HTML."""

    question: str
    verdict: str
    evidence: str


def answers_html(answers: Iterable[Answer]) -> str:
    """The answers as a list of questions with their verdicts in bold."""
    items = "".join(
        f"<dt>{escape(answer.question)}</dt>"
        f"<dd><b>{escape(answer.verdict)}</b> {answer.evidence}</dd>\n"
        for answer in answers
    )
    return f'<dl class="answers">\n{items}</dl>'


def listed(texts: Mapping[str, str]) -> str:
    """HTML of a text for each criterion; of many, the first and the last."""
    parts = [f"{escape(name)} {text}" for name, text in texts.items()]
    if len(parts) > LISTED:
        between = f"{len(parts) - 2} others between (see the table)"
        parts = [parts[0], between, parts[-1]]
    return "; ".join(parts)
