"""Files that appear whole or not at all."""

import json
import math
import os
import subprocess
import sys

import pytest

from layer_pruning.runtime.atomic import forget_unfinished, write_json, written_whole


def test_what_fails_halfway_leaves_the_file_that_was_there_and_nothing_else(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("before")
    with pytest.raises(RuntimeError), written_whole(path) as temporary:
        temporary.write_text("half of")
        raise RuntimeError
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_process_left_half_written_is_forgotten_and_nothing_beside_it(tmp_path):
    """os._exit, as a kill, tidies nothing up."""
    beside = [
        tmp_path / name for name in ("state.csv", ".state-of-others.json", ".statement-1.csv")
    ]
    for path in beside:
        path.write_text("whole")
    code = """
import os
from layer_pruning.runtime.atomic import written_whole
with written_whole("state.csv") as temporary:
    temporary.write_text("half of")
    os._exit(9)
"""
    assert subprocess.run([sys.executable, "-c", code], cwd=tmp_path).returncode == 9
    assert len(list(tmp_path.iterdir())) == len(beside) + 1
    forget_unfinished(tmp_path / "state.csv")
    assert sorted(tmp_path.iterdir()) == sorted(beside)


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_a_record_with_a_number_that_is_none_is_not_written(tmp_path, number):
    path = tmp_path / "folder" / "record.json"
    write_json(path, {"accuracy": 0.5})
    with pytest.raises(ValueError, match="JSON"):
        write_json(path, {"accuracy": number})
    assert json.loads(path.read_text()) == {"accuracy": 0.5}


@pytest.mark.parametrize(("indent", "lines"), [(2, 4), (None, 1)])
def test_a_record_is_in_lines_or_in_one(tmp_path, indent, lines):
    write_json(tmp_path / "record.json", {"a": 1, "b": [0, 1][:0]}, indent=indent)
    assert len((tmp_path / "record.json").read_text().splitlines()) == lines


def test_a_record_is_written_in_utf_8_whatever_the_locale(tmp_path):
    module = "layer_pruning.runtime.atomic"
    code = f"from {module} import write_json; write_json('record.json', '8 \\u00d7 8')"
    odd = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    subprocess.run([sys.executable, "-c", code], env=os.environ | odd, cwd=tmp_path, check=True)
    assert (tmp_path / "record.json").read_bytes() == '"8 × 8"\n'.encode()
