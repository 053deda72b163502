"""Runs of several machines in one published table."""

import sys
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from layer_pruning.report.network_tables import read_csv, write_csv
from shared_files import ROOT

# benchmarks are scripts, which import each other from their own folder
sys.path.append(str(ROOT / "benchmarks"))

import published


def rows(*networks, commit="old"):
    frame = pd.DataFrame(networks, columns=["seed", "criterion", "removed", "accuracy_test"])
    return frame.assign(dataset="digits", architecture="resnet8", commit=commit)


OLD = [(0, "baseline", 0, 0.9), (0, "random", 5, 0.7), (1, "baseline", 0, 0.8)]


def found(frame):
    columns = ["seed", "criterion", "accuracy_test", "commit"]
    return list(frame[columns].itertuples(index=False, name=None))


def test_networks_that_a_run_lacks_stay_and_those_it_has_are_its_own(tmp_path):
    table = tmp_path / "rows.csv"
    write_csv(rows(*OLD), table)
    new = rows((0, "baseline", 0, 0.9), (0, "consensus", 5, 0.85), commit="new")
    assert found(published.with_published(new, table)) == [
        (0, "baseline", 0.9, "new"),
        (0, "consensus", 0.85, "new"),
        (0, "random", 0.7, "old"),
        (1, "baseline", 0.8, "old"),
    ]
    assert read_csv(table)["commit"].unique() == ["old"]


def test_the_first_run_of_a_table_stands_alone(tmp_path):
    assert published.with_published(rows(*OLD), tmp_path / "rows.csv").equals(rows(*OLD))


def test_networks_of_one_seed_and_two_baselines_do_not_stand_together(tmp_path):
    table = tmp_path / "rows.csv"
    write_csv(rows(*OLD), table)
    with pytest.raises(
        SystemExit, match=r"rows\.csv: the baseline of seed 1 has .* 0\.8 .* 0\.81 "
    ):
        published.with_published(rows((1, "baseline", 0, 0.81)), table)


def test_records_of_a_run_take_the_place_of_published_ones(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = [f"digits/resnet8/seed-{seed}/baseline/attacks/fgsm.json" for seed in (0, 1)]

    def made(name, text):
        path = Path("results", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    archive = Path("rows-attacked.zip")
    with published.records_with_published([made(name, "old") for name in names], None) as records:
        published.write_records(records, archive)
    before = archive.read_bytes()
    with published.records_with_published([made(names[1], "new")], archive) as records:
        assert {name: path.read_text() for name, path in records.items()} == {
            names[0]: "old",
            names[1]: "new",
        }
        published.write_records(records, archive)
    with zipfile.ZipFile(archive) as written:
        assert [written.read(name) for name in sorted(names)] == [b"old", b"new"]
    made(names[1], "old")
    with published.records_with_published([Path("results", n) for n in names], None) as records:
        published.write_records(records, archive)
    assert archive.read_bytes() == before
