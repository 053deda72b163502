"""Options as callers give them, checked: numbers of things, and what every network keeps."""

import operator
from collections.abc import Collection
from typing import Any

from layer_pruning.models.candidates import Limits
from layer_pruning.models.header import NetworkHeader


def counted(name: str, value: Any, least: int = 1) -> int:
    """The whole number of an option, also one of NumPy.

    Raises ValueError in one line for any other, and for one below ``least``.
    """
    try:
        number = operator.index(value)
    except TypeError as error:
        raise ValueError(f"{name} is {value!r}; a whole number would be right") from error
    if number < least:
        raise ValueError(f"{name} is {number}; {least} or more would be right")
    return number


def checked_limits(
    header: NetworkHeader, min_blocks_per_stage: int, protect: Collection[str]
) -> Limits:
    """What every network keeps. Raises ValueError in one line for blocks that are not there."""
    if isinstance(protect, str):
        raise ValueError(f"protect: a list of blocks would be right, ['{protect}']")
    names = tuple(protect)
    for name in names:
        header.check_block(name)
    return Limits(counted("min_blocks_per_stage", min_blocks_per_stage, least=0), names)
