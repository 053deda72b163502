"""Colours where a terminal has them, and durations in words."""

import os
import textwrap
from typing import TextIO

CODES = {"red": "31", "green": "32", "yellow": "33", "cyan": "36", "dim": "2", "bold": "1"}


COLUMNS = 80
"""What tables and lists keep to; a terminal that is wider shows them as they are."""


def row_text(name: str, value: str, indent: int = 20) -> str:
    """A name and what it is, on as many lines as COLUMNS needs; words are never cut."""
    head = f"{name:{indent}}"
    lines = textwrap.wrap(
        value, COLUMNS - indent, break_long_words=False, break_on_hyphens=False
    ) or [""]
    return "\n".join([head + lines[0], *(" " * indent + line for line in lines[1:])]).rstrip()


def has_colours(stream: TextIO) -> bool:
    """Whether a stream is a terminal that shows colours, and nobody asked for none.

    ``NO_COLOR`` (no-color.org) and ``TERM=dumb`` turn colours off, ``FORCE_COLOR`` on.
    """
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def coloured(text: str, colour: str, stream: TextIO) -> str:
    """``text`` in one of CODES where ``stream`` shows colours, and as it is elsewhere."""
    return f"\033[{CODES[colour]}m{text}\033[0m" if has_colours(stream) else text


def duration_text(seconds: float) -> str:
    """A duration in one or two units, such as ``0.4 s``, ``12 s``, ``3 min`` and ``2 h 05 min``."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 100:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes:02d} min"
    return f"{hours // 24} d {hours % 24} h"
