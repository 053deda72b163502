"""An answer of the front page: a question, a verdict in a few words, and what it rests on.

What is found is a small value, the facts; the words are those of ``templates/answers/{name}.html``,
which has a macro for the question, the verdict and the evidence.
"""

import math
import re
from dataclasses import dataclass, fields
from typing import Any

import pandas as pd
from markupsafe import Markup

from layer_pruning.report.html_page import template

ONE_NETWORK = "For this one trained network"
"""How a verdict begins that rests on one seed."""
Ends = tuple[float, float]
"""The least and the greatest of some numbers."""


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
    facts: Any = None
    """What the words were made of; not part of the record."""

    def record(self) -> dict[str, Any]:
        """The answer as it is written to ``answers.json``: NaN is null."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        del values["facts"]
        return {
            key: None if isinstance(value, float) and math.isnan(value) else value
            for key, value in values.items()
        }


def answered(name: str, facts: Any, *, seeds: int = 0, **number: Any) -> Answer:
    """The answer ``name`` in its words for ``facts``; what rests on one of ``seeds`` says so."""
    made = template(f"answers/{name}.html").make_module(
        {field.name: getattr(facts, field.name) for field in fields(facts)}
    )
    question, verdict, evidence = (
        Markup(re.sub(r"[ \n]+", " ", getattr(made, part)()).strip(" "))
        for part in ("question", "verdict", "evidence")
    )
    said = verdict.unescape()
    if seeds == 1:
        said = f"{ONE_NETWORK}: {said[:1].lower()}{said[1:]}"
    return Answer(name, question.unescape(), said, str(evidence), **number, facts=facts)


def file_of(criterion: str, removed: int, name: str) -> str:
    """A file of a pruned network, below the folder of its seed."""
    return f"{criterion}/removed-{removed:02d}/{name}"


def ends(values: pd.Series) -> Ends:
    """The least and the greatest of some numbers, but for those that are missing."""
    return float(values.min()), float(values.max())


def known(value: float) -> float | None:
    """A number, or None where it is NaN."""
    return None if math.isnan(value) else value


def epochs_of(values: pd.Series) -> Ends | None:
    """From how many to how many epochs; None where that is not known of all."""
    return None if values.isna().any() else ends(values)
