import io
import logging
import math
import re
import threading

import pytest

from layer_pruning.terminal import run_log
from layer_pruning.terminal.run_log import RunLog, follow
from layer_pruning.terminal.style import coloured, duration_text
from layer_pruning.terminal.time_left import PlannedJob, TimeLeft


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.42, "0.4 s"),
        (12.3, "12 s"),
        (99.6, "2 min"),
        (3 * 3600, "3 h 00 min"),
        (7505, "2 h 05 min"),
        (75 * 3600, "3 d 3 h"),
    ],
)
def test_durations_have_one_or_two_units(seconds, text):
    assert duration_text(seconds) == text


def test_colours_are_for_terminals_alone(monkeypatch):
    stream = io.StringIO()
    assert coloured("text", "red", stream) == "text"
    monkeypatch.setattr(stream, "isatty", lambda: True)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert coloured("text", "red", stream) == "\033[31mtext\033[0m"
    monkeypatch.setenv("NO_COLOR", "1")
    assert coloured("text", "red", stream) == "text"


def independent(count, share=0.5):
    return {number: PlannedJob("train", "train a", share) for number in range(count)}


def test_time_left_is_the_work_that_is_left_over_what_runs_at_a_time():
    times = TimeLeft(independent(10))
    assert times.left(0.0) == (0.0, False)
    times.start(0, 0.0)
    assert times.finish(0, 8.0) == 8.0
    # nine jobs of 8 s, two at a time
    assert times.left(8.0) == (pytest.approx(36.0), True)
    # what a running job has done is done
    times.start(1, 8.0)
    assert times.left(11.0) == (pytest.approx(36.0 - 1.5), True)


def test_time_left_is_no_less_than_the_longest_chain():
    """On a cluster that runs everything at a time, removals still wait for each other."""
    chain = {n: PlannedJob("tune", "tune a", 0.01, [n - 1] if n else []) for n in range(3000)}
    times = TimeLeft(chain)
    times.start(0, 0.0)
    times.finish(0, 2.0)
    assert times.left(2.0) == (pytest.approx(2 * 2999), True)


def test_kinds_not_seen_count_as_their_rule_or_as_guessed():
    jobs = {
        0: PlannedJob("attack", "attack fgsm", 1.0),
        1: PlannedJob("attack", "attack autoattack", 1.0),
        2: PlannedJob("report", "report", 1.0, [0, 1], guess=3.0),
        3: PlannedJob("measure", "measure", 1.0),
    }
    times = TimeLeft(jobs)
    times.start(0, 0.0)
    times.finish(0, 5.0)
    assert times.left(5.0) == (pytest.approx(5.0 + 3.0), False)


def event(name, **fields):
    return logging.makeLogRecord({"event": name, "msg": name, "levelno": logging.INFO, **fields})


def info(number, message="Training", log=()):
    return event("job_info", jobid=number, rule_msg=message, rule_name="train", log=list(log))


def test_a_line_for_each_job_that_ends_with_the_time_left():
    stream = io.StringIO()
    lines = RunLog(independent(3), stream)
    for number in range(3):
        lines.handle(info(number, f"Training {number}"))
        lines.handle(event("job_finished", job_id=number))
    lines.close()
    first, _, last = stream.getvalue().splitlines()
    assert re.fullmatch(r"\d\d:\d\d:\d\d 1/3  Training 0: 0\.0 s \(about 1\.0 s left\)", first)
    assert last.endswith("3/3  Training 2: 0.0 s")
    for timer in [t for t in threading.enumerate() if isinstance(t, threading.Timer)]:
        timer.join(10)
        assert not timer.is_alive()


@pytest.mark.parametrize(
    ("last", "said_of_it"),
    [
        ("epoch 2 of 9", "epoch 2 of 9"),
        (f"starting from {'a long word ' * 9}", f"starting from {'a long word ' * 7}…"),
    ],
)
def test_a_long_job_is_named_with_its_log_and_what_it_last_said(
    monkeypatch, tmp_path, last, said_of_it
):
    monkeypatch.setattr(run_log, "LONG_SECONDS", 0.05)
    log = tmp_path / "train.log"
    log.write_text(f"10:00:00 epoch 1 of 9\n10:00:09 {last}\n")
    said = threading.Event()

    class Stream(io.StringIO):
        def write(self, text):
            said.set()
            return super().write(text)

    stream = Stream()
    lines = RunLog(independent(2), stream)
    lines.handle(info(0, log=[str(log)]))
    assert said.wait(20)
    lines.close()
    assert f"Training: running for 0.1 s, {said_of_it}; its log is {log}" in stream.getvalue()


def test_snakemake_s_own_lines_for_jobs_go_and_its_errors_stay():
    logger = logging.Logger("snakemake", logging.INFO)
    theirs, ours = io.StringIO(), io.StringIO()
    logger.addHandler(logging.StreamHandler(theirs))
    assert follow(logger, independent(1), ours)
    logger.handle(info(0))
    logger.handle(event("job_finished", job_id=0))
    logger.info("Select jobs to execute...")
    logger.handle(event("job_error", jobid=0, msg="Error in rule train"))
    assert theirs.getvalue() == "Error in rule train\n"
    assert ours.getvalue().count("\n") == 1


def test_nothing_is_added_where_a_plugin_or_quiet_writes_to_the_terminal(tmp_path):
    logger = logging.Logger("snakemake", logging.INFO)
    logger.addHandler(logging.FileHandler(tmp_path / "log"))
    assert follow(logger, independent(1)) is None
    assert len(logger.handlers) == 1


def test_a_job_whose_start_was_not_seen_has_no_duration():
    assert math.isnan(TimeLeft(independent(1)).finish(0, 3.0))
