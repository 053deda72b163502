"""Numbers as options of a command: what cannot be one is said with what would be right."""

import argparse
import math


def whole(text: str) -> int:
    """A whole number of 1 or more."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text}: a whole number of 1 or more would be right")
    return number


def percent(text: str) -> float:
    """More than 0 and less than 100."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < 100:
        raise argparse.ArgumentTypeError(f"{text}: a number between 0 and 100 would be right")
    return number
