"""Records that one job hands to another: JSON and CSV that show when they are not whole.

A JSON record carries ``format`` and ``checksum`` beside its own keys; a table carries a last column
``checksum``, of the row, the header and the number of rows, so that any reader of CSV reads it, and
a row that is gone is noticed by the others. Records of earlier versions have neither and are
checked by what they say alone. What a record says has to fit together too (``check`` of the
readers): a checksum shows that nothing changed since, not that it was right.
"""

import csv
import json
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from layer_pruning.runtime.atomic import write_json, written_whole
from layer_pruning.runtime.checksums import text_checksum

FORMAT = "layer-pruning record 1"
REMEDY = "delete it and run the workflow again"
"""What every reader of a damaged file says, and a job then does: see :func:`.job.job`."""

NO_ROWS = "no_rows"
"""The last column of a table without rows, which otherwise looks like one that was cut off."""

PathLike = str | os.PathLike[str]
Check = Callable[[dict[str, Any]], None]
"""Raises ValueError, naming the field, for a record whose numbers do not fit together."""


def below_results(path: PathLike) -> bool:
    """Whether the workflow made a file: others are a user's, and nobody is told to delete them."""
    return Path(path).parts[:1] == ("results",)


def write_record_file(path: PathLike, content: Mapping[str, Any], indent: int | None = 2) -> None:
    """Write a record as JSON, whole, with its checksum. ``indent`` None writes one line.

    Raises ValueError for a number that JSON cannot hold.
    """
    # as a reader will find it: keys are text, tuples are lists
    told = json.loads(json.dumps(content, allow_nan=False)) | {"format": FORMAT}
    write_json(path, told | {"checksum": _checksum(told)}, indent=indent)


def read_record_file(path: PathLike, check: Check | None = None) -> dict[str, Any]:
    """Read a record, less its format and checksum.

    ``check`` looks at what it says. Raises FileNotFoundError, or ValueError in one line with file
    and field for one that is damaged.
    """
    path = Path(path)
    try:
        text = path.read_bytes().decode()
        record = json.loads(text, parse_constant=_no_number)
    except FileNotFoundError:
        raise FileNotFoundError(f"{path} is missing: the stage that makes it has not run") from None
    except (ValueError, RecursionError) as error:
        damaged(path, f"not JSON ({error})")
    if not isinstance(record, dict):
        damaged(path, f"it holds a {type(record).__name__}, expected a JSON object")
    if {"format", "checksum"} & record.keys():
        checksum = record.pop("checksum", None)
        if record.get("format") != FORMAT or checksum != _checksum(record):
            damaged(path, "it does not have its checksum")
        del record["format"]
    checked(path, record, check)
    return record


def checked(path: PathLike, record: dict[str, Any], check: Check | None) -> None:
    """Raise ValueError with file and field unless the numbers of ``record`` fit together."""
    try:
        check_intervals(record)
        if check is not None:
            check(record)
    except KeyError as error:
        damaged(path, f"{error.args[0]} is missing")
    except (ValueError, TypeError, AttributeError, IndexError, OverflowError) as error:
        damaged(path, str(error))


def write_table(path: PathLike, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Write a table as CSV, whole, with a last column of checksums (or ``NO_ROWS``)."""
    with (
        written_whole(path) as temporary,
        temporary.open("w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*header, "checksum" if rows else NO_ROWS])
        for row in rows:
            writer.writerow([*row, _row_checksum(header, row, len(rows))])


def read_table(path: PathLike, *, signed: bool = False) -> tuple[list[str], list[list[str]]]:
    """Read a table: its header and its rows, less the column of checksums.

    With ``signed``, that of an earlier version, which has none, is damaged.

    Raises FileNotFoundError, or ValueError in one line with file and row for one that is damaged.
    """
    try:
        with Path(path).open(newline="", encoding="utf-8") as file:
            lines = list(csv.reader(file, strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        damaged(path, f"not a CSV table ({error})")
    if not lines or not lines[0]:
        damaged(path, "no header")
    header, rows = lines[0], lines[1:]
    if "" in header or len(set(header)) < len(header):
        damaged(path, f"every column needs a name of its own, not {','.join(header)}")
    for number, row in enumerate(rows, start=2):
        if len(row) != len(header):
            damaged(path, f"row {number} has {len(row)} cells, not {len(header)}")
    if header[-1] == NO_ROWS and not rows:
        return header[:-1], rows
    # a table of nothing but its header may have been cut off
    if not rows or (signed and header[-1] != "checksum"):
        damaged(path, "it has no checksums, or no rows")
    if header[-1] != "checksum":
        return header, rows
    header = header[:-1]
    for number, row in enumerate(rows, start=2):
        # score tables of earlier versions do not count their rows
        right = (_row_checksum(header, row[:-1], len(rows)), text_checksum([*header, *row[:-1]]))
        if row[-1] not in right:
            damaged(path, f"row {number} does not have its checksum, or rows are missing")
    return header, [row[:-1] for row in rows]


def damaged(path: PathLike, what: str) -> NoReturn:
    """Raise ValueError in one line for the file ``path``, with the remedy."""
    raise ValueError(f"{path}: {' '.join(what.split())[:300]}; {REMEDY}")


def check_intervals(record: Any, where: str = "") -> None:
    """Raise ValueError for an interval, anywhere in ``record``, that does not hold its value.

    ``interval_low`` and ``interval_high`` belong to the ``accuracy``, ``share`` or
    ``robust_accuracy`` beside them, which is a fraction; ``x_interval_low`` and
    ``x_interval_high`` to ``x``.
    """
    if isinstance(record, list):
        for place, value in enumerate(record):
            check_intervals(value, f"{where}[{place}]")
    if not isinstance(record, dict):
        return
    for key, value in record.items():
        name = f"{where}.{key}" if where else key
        if key in FRACTIONS and _is_number(value) and not 0 <= value <= 1:
            raise ValueError(f"{name} is {value}, expected a fraction between 0 and 1")
        if key.endswith("interval_low"):
            _check_interval(record, key.removesuffix("interval_low"), where)
        check_intervals(value, name)


FRACTIONS = ("accuracy", "share", "robust_accuracy")
BIASED = ("expected_calibration_error",)
"""Estimates that are too high by themselves: intervals that correct for that need not hold them."""


def _check_interval(record: Mapping[str, Any], prefix: str, where: str) -> None:
    named = [prefix.removesuffix("_")] if prefix else [key for key in FRACTIONS if key in record]
    low, high = (record.get(f"{prefix}interval_{end}") for end in ("low", "high"))
    for name in named:
        value = record.get(name)
        if low is None or high is None or value is None or name in BIASED:
            continue
        slack = 1e-9 * max(abs(low), abs(high))
        if not low - slack <= value <= high + slack:
            place = f"{where}.{name}" if where else name
            raise ValueError(f"{place} is {value}, outside its interval {low} … {high}")


@contextmanager
def part_of_record(name: str) -> Iterator[None]:
    """Name the part of a record in which a check finds a field wrong."""
    try:
        yield
    except KeyError as error:
        raise ValueError(f"{name}.{error.args[0]} is missing") from None
    except ValueError as error:
        raise ValueError(f"{name}.{error}") from None


def check_share(record: Mapping[str, Any], *, part: str, whole: str, share: str) -> None:
    """Raise ValueError unless ``share`` is ``part`` / ``whole``, two counts, of ``record``."""
    count, total, value = record[part], record[whole], record[share]
    for name, number in ((part, count), (whole, total)):
        if not isinstance(number, int) or isinstance(number, bool) or number < 0:
            raise ValueError(f"{name} is {number!r}, expected a count")
    if total < 1 or count > total:
        raise ValueError(f"{part} is {count}, expected at most {whole}, {total}")
    if not _is_number(value) or not math.isclose(value, count / total, abs_tol=1e-9):
        raise ValueError(f"{share} is {value!r}, and {part} is {count} of {total}")


def check_numbers(record: Mapping[str, Any], *names: str, least: float = 0.0) -> None:
    """Raise ValueError unless each of ``names`` is a finite number of ``least`` or more."""
    for name in names:
        value = record[name]
        if not _is_number(value) or not least <= value < math.inf:
            raise ValueError(f"{name} is {value!r}, expected a number of {least:g} or more")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value


def _no_number(word: str) -> None:
    raise ValueError(f"{word} is no number")


def _checksum(record: Mapping[str, Any]) -> str:
    return text_checksum([json.dumps(record, sort_keys=True, allow_nan=False)])


def _row_checksum(header: Sequence[str], row: Sequence[str], rows: int) -> str:
    return text_checksum([*header, *row, str(rows)])
