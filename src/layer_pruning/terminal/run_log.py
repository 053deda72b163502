"""The lines of a run: one for each job that ends, and where to look while a long one lasts.

Snakemake hands its events to handlers of Python's ``logging``; this module is one, and knows the
events by their names. Errors and everything else stay Snakemake's.
"""

import logging
import math
import sys
import textwrap
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TextIO

from layer_pruning.terminal.style import coloured, duration_text
from layer_pruning.terminal.time_left import PlannedJob, TimeLeft

SAID_HERE = {"job_info", "job_started", "job_finished", "progress", "shellcmd"}
"""Events of Snakemake whose place the lines of this module take."""
LONG_SECONDS = 60.0
"""After so long a running job is named with its log; then after four times as long, and so on."""


def follow(
    logger: logging.Logger, jobs: Mapping[int, PlannedJob], stream: TextIO | None = None
) -> "RunLog | None":
    """Write the lines of this module in place of Snakemake's, from now on.

    None, and nothing changes, where nothing of Snakemake's goes to the terminal: a plugin or
    ``--quiet`` has taken its place.
    """
    streams = [
        handler
        for handler in logger.handlers
        if isinstance(handler, logging.StreamHandler)
        and not isinstance(handler, logging.FileHandler)
    ]
    if not streams:
        return None
    for handler in streams:
        handler.addFilter(_is_not_said_here)
    lines = RunLog(jobs, stream or sys.stderr)
    logger.addHandler(lines)
    return lines


def _is_not_said_here(record: logging.LogRecord) -> bool:
    selecting = str(record.msg or "").startswith("Select jobs to execute")
    return str(getattr(record, "event", "")) not in SAID_HERE and not selecting


class RunLog(logging.Handler):
    """Writes a line for each job that ends, with the time left."""

    def __init__(self, jobs: Mapping[int, PlannedJob], stream: TextIO) -> None:
        super().__init__()
        self.stream, self.time_left, self.total = stream, TimeLeft(jobs), len(jobs)
        self._messages: dict[int, str] = {}
        self._logs: dict[int, Sequence[str]] = {}
        self._timers: dict[int, threading.Timer] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Take one of Snakemake's events."""
        event = str(getattr(record, "event", ""))
        if event == "job_info":
            self._started(record)
        elif event == "job_finished":
            self._finished(int(record.__dict__["job_id"]))
        elif event in ("job_error", "group_error"):
            self._stop_timer(record.__dict__.get("jobid"))

    def close(self) -> None:
        """Forget the jobs that are running."""
        for number in list(self._timers):
            self._stop_timer(number)
        super().close()

    def _started(self, record: logging.LogRecord) -> None:
        said = record.__dict__
        number = int(said["jobid"])
        self._messages[number] = said.get("rule_msg") or said["rule_name"]
        self._logs[number] = list(said.get("log") or [])
        self.time_left.start(number, time.monotonic())
        self._wait(number, LONG_SECONDS)

    def _finished(self, number: int) -> None:
        self._stop_timer(number)
        took = self.time_left.finish(number, time.monotonic())
        message = self._messages.pop(number, f"job {number}")
        seconds = "" if math.isnan(took) else f": {duration_text(took)}"
        done = len(self.time_left.ended)
        left = "" if done >= self.total else f" ({self._left()})"
        self._write(f"{message}{seconds}{coloured(left, 'dim', self.stream)}")

    def _left(self) -> str:
        seconds, known = self.time_left.left(time.monotonic())
        if not known and seconds < 1:
            return "time left not known yet"
        return f"{'about' if known else 'at least'} {duration_text(max(seconds, 1.0))} left"

    def _wait(self, number: int, seconds: float) -> None:
        self._stop_timer(number)
        timer = threading.Timer(seconds, self._lasts, (number, seconds))
        timer.daemon = True
        self._timers[number] = timer
        timer.start()

    def _lasts(self, number: int, waited: float) -> None:
        started = self.time_left.running.get(number)
        if started is None:
            return
        logs = self._logs.get(number) or []
        where = f"; its log is {logs[0]}" if logs else ""
        said = _last_line(logs[0]) if logs else ""
        elapsed = duration_text(time.monotonic() - started)
        doing = f", {said}" if said else ""
        self._write(f"{self._messages.get(number, '')}: running for {elapsed}{doing}{where}")
        self._wait(number, 4 * waited)

    def _stop_timer(self, number: int | None) -> None:
        timer = self._timers.pop(number, None) if number is not None else None
        if timer:
            timer.cancel()

    def _write(self, line: str) -> None:
        counter = f"{len(self.time_left.ended):>{len(str(self.total))}}/{self.total}"
        head = coloured(f"{time.strftime('%H:%M:%S')} {counter}", "cyan", self.stream)
        try:
            print(f"{head}  {line}", file=self.stream, flush=True)
        except (OSError, ValueError):
            # a terminal that has gone is no reason to end a run
            return


def _last_line(path: str) -> str:
    """What a job last said in its log, without the time in front of it; empty if nothing yet."""
    try:
        lines = Path(path).read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError:
        return ""
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    clock, _, said = last.partition(" ")
    said = said if clock.count(":") == 2 else last
    # a job that has ended, of which Snakemake has yet to hear
    return "" if said.startswith("start-up") else textwrap.shorten(said, 100, placeholder=" …")
