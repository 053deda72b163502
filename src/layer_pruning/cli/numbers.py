"""Numbers as options of a command: what cannot be one is said with what would be right."""

import argparse
import math

MOST_THREADS = 1024
"""More than a machine has cores, and few enough for every library to start them."""

# what PyTorch takes for a side of an image, a batch or a number of classes
_MOST = 2**31 - 1


def whole(text: str, most: int = _MOST) -> int:
    """A whole number of 1 or more."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text}: a whole number of 1 or more would be right")
    if number > most:
        raise argparse.ArgumentTypeError(f"{text}: a whole number up to {most} would be right")
    return number


def threads(text: str) -> int:
    """A number of threads that can be started."""
    return whole(text, MOST_THREADS)


def percent(text: str) -> float:
    """More than 0 and less than 100."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < 100:
        raise argparse.ArgumentTypeError(f"{text}: a number between 0 and 100 would be right")
    return number
