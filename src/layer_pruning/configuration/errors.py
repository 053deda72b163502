"""What is said of a configuration that cannot work, in one line."""

import difflib
from collections.abc import Iterable, Sequence
from typing import Any

LONGEST = 2000


class ConfigError(ValueError):
    """One line that names the key, what is wrong and what would be right.

    What users gave is a part of it: line breaks and terminal escapes in it are written out.
    ``others`` are such lines about what else is wrong, for who can show more than one.
    """

    others: tuple[str, ...] = ()

    def __init__(self, message: str) -> None:
        text = "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in message)
        super().__init__(text if len(text) < LONGEST else f"{text[:LONGEST]} …")

    @classmethod
    def of(cls, lines: Sequence[str]) -> "ConfigError":
        """The first of some lines, and the others."""
        error = cls(lines[0])
        error.others = tuple(lines[1:])
        return error


def suggestion(name: str, known: Iterable[str]) -> str:
    """What would be right: the nearest known name, and all of them."""
    known = list(known)
    near = difflib.get_close_matches(name, known, n=1)
    listed = f"known are {', '.join(known)}"
    return f"did you mean '{near[0]}'? {listed}" if near else listed


def path_of(parts: Iterable[Any]) -> str:
    """A key and those it lies in, as they are written: ``criteria.mine.metrics``."""
    return ".".join(str(part) for part in parts)
