"""Records that one job hands to another are whole, or named with file and field."""

import json
import random
import re
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from layer_pruning.attacks.result import outcome, read_result, write_result
from layer_pruning.attacks.shift_result import read_shift
from layer_pruning.consensus.agreement import describe_agreement, read_agreement, write_agreement
from layer_pruning.consensus.ranking import rank_blocks, read_ranking, read_scores, write_ranking
from layer_pruning.energy.job_usage import JobUsage, read_usage, usage_recorded
from layer_pruning.energy.ledger import energy_ledger, read_energy, read_ledger
from layer_pruning.energy.record import EnergySettings, read_emissions, read_record, write_record
from layer_pruning.evaluation.accuracy import accuracy_record
from layer_pruning.evaluation.calibration import calibration_record
from layer_pruning.evaluation.records import (
    read_accuracy,
    read_calibration,
    read_complexity,
    read_latency,
    read_shortcut,
)
from layer_pruning.report.network_tables import read_csv, write_csv
from layer_pruning.report.records import read_json
from layer_pruning.runtime.job import job
from layer_pruning.runtime.record_files import (
    FORMAT,
    read_record_file,
    read_table,
    write_record_file,
    write_table,
)
from layer_pruning.scoring.savings import read_saving
from layer_pruning.scoring.scores import write_scores
from layer_pruning.training.history import Epoch, read_history, write_history
from unit.energy.planted_records import planted_record

BLOCKS = ["stage1.block1", "stage1.block2", "stage2.block2"]
SCORES = {
    metric: {block: (place * factor) % 7 / 7 for place, block in enumerate(BLOCKS, start=1)}
    for metric, factor in (("cka", 3), ("kl", 5))
}
INFERENCE = {
    "measured": True,
    "joules_per_image": 1.5,
    "joules_per_image_interval_low": 1.4,
    "joules_per_image_interval_high": 1.6,
    "baseline_joules_per_image": 2.0,
    "saving_joules_per_image": 0.5,
    "saving_joules_per_image_interval_low": 0.4,
    "saving_joules_per_image_interval_high": 0.6,
    "energy_reduction_percent": 25.0,
    "method": {"cpu": "counter: RAPL", "gpu": "none", "ram": "none"},
}


def outputs():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn((60, 4), generator=generator)
    return {name: (logits, torch.arange(60) % 4) for name in ("validation", "test")}


def attack(path):
    clean = [1, 1, 0, 1, 1, 0]
    result = {"attack": "fgsm", "norm": "Linf", "seed": 0, "image_indices": [4, 8, 2, 9, 5, 7]}
    result |= {"labels": [0, 1, 2, 0, 1, 2], "clean_correct": clean, "saturated_images": 0}
    entries = [outcome(0.1, [1, 0, 0, 1, 1, 0], {"fgsm": 1}, 2.5)]
    write_result(path, result | {"epsilons": entries, "warnings": []})


def complexity(path):
    counts = {"macs": 750, "parameters": 80, "baseline_macs": 1000, "baseline_parameters": 100}
    about = {"macs_reduction_percent": 25.0, "convention": "of convolutions"}
    left = {"removed_blocks": BLOCKS[:1], "blocks": BLOCKS[1:]}
    write_record_file(path, counts | about | left)


def latency(path):
    timing = {"mode": "eager", "batch_size": 1, "seconds": 0.5, "seconds_interval_low": 0.4}
    timing |= {"seconds_interval_high": 0.6, "baseline_seconds": 0.75, "stages": {}}
    write_record_file(path, {"macs": 750, "baseline_macs": 1000, "timings": [timing]})


def corruptions(path):
    counts = {"fog": [2, 1], "blur": [1, 1]}
    record = {"source": "built-in", "image_indices": [3, 5], "clean_correct": 2}
    record |= {"severities": [1, 2], "corruptions": counts, "correct_of_image": [3, 2]}
    write_record_file(path, record | {"corrupted_accuracy": 5 / 8, "shifted": {}}, indent=None)


def shortcut(path):
    def share(count, of):
        return {"of": of, "count": count, "share": count / of} | {
            "interval_low": 0.0,
            "interval_high": 1.0,
        }

    record = {"labels": [0, 1, 1, 0], "predictions": {"clean": [0, 1, 1, 1]}}
    record |= {"accuracy": {"clean": share(3, 4)}, "follows_cue": share(1, 4)}
    write_record_file(path, record | {"cue_alone": share(1, 2)}, indent=None)


def ledger(path):
    settings = EnergySettings(carbon_intensity_g_per_kwh=100)
    training = planted_record(0.5, 0.0, 0.1)
    usages = {"scoring": [JobUsage(2.0, 3.0, gpu=False)], "attacks": []}
    write_record_file(path, energy_ledger(training, [training], usages, INFERENCE, settings))


def usage(path):
    with usage_recorded(path):
        pass


def summary(path):
    frame = pd.DataFrame(
        {"dataset": ["a", "b"], "test_accuracy": [0.8125, 0.75], "notes": ["", "x"]}
    )
    write_csv(frame, path)


RECORDS = {
    "accuracy.json": (lambda p: write_record_file(p, accuracy_record(outputs())), read_accuracy),
    "calibration.json": (
        lambda p: write_record_file(p, calibration_record(outputs())),
        read_calibration,
    ),
    "complexity.json": (complexity, read_complexity),
    "latency.json": (latency, read_latency),
    "energy.json": (lambda p: write_record_file(p, {"inference": INFERENCE}), read_energy),
    "emissions.json": (
        lambda p: write_record(p, planted_record(0.5, 0.0, 0.1), {"cpu": "x"}),
        read_emissions,
    ),
    "record.json": (lambda p: write_record(p, planted_record(0.5, 0.0, 0.1)), read_record),
    "ledger.json": (ledger, read_ledger),
    "usage.json": (usage, read_usage),
    "attack.json": (attack, read_result),
    "corruptions.json": (corruptions, read_shift),
    "shortcut.json": (shortcut, read_shortcut),
    "savings.json": (
        lambda p: write_record_file(p, {"blocks": {BLOCKS[0]: {"macs": 17.0, "latency": 0.25}}}),
        read_saving,
    ),
    "agreement.json": (
        lambda p: write_agreement(
            describe_agreement(SCORES, BLOCKS, resampled_scores=[SCORES, SCORES]), p
        ),
        read_agreement,
    ),
    "ranking.csv": (lambda p: write_ranking(rank_blocks(SCORES, BLOCKS), p), read_ranking),
    "scores.csv": (lambda p: write_scores(p, SCORES), lambda p: read_scores(p, BLOCKS)),
    "history.csv": (
        lambda p: write_history(p, [Epoch(n, 0.1, 2.5 / n, 0.25 * n, 1.5) for n in (1, 2, 3)]),
        read_history,
    ),
    "summary.csv": (summary, lambda p: read_csv(p).to_csv()),
}


@pytest.fixture(params=RECORDS)
def written(request, tmp_path):
    path = tmp_path / request.param
    write, read = RECORDS[request.param]
    write(path)
    return SimpleNamespace(path=path, read=read, bytes=path.read_bytes(), held=repr(read(path)))


def refused_or_the_same(record, changed: bytes) -> bool:
    """Whether a record that was changed is refused, in one line that names its file."""
    record.path.write_bytes(changed)
    try:
        found = repr(record.read(record.path))
    except ValueError as error:
        assert str(error).startswith(f"{record.path}: ") and "\n" not in str(error)
        assert "delete it and run the workflow again" in str(error)
        return True
    assert found == record.held
    return False


def test_a_changed_digit_is_always_noticed(written):
    text = written.bytes.decode()
    digits = [place for place, letter in enumerate(text) if letter.isdigit()]
    chosen = random.Random(0).sample(digits, min(60, len(digits)))
    noticed = 0
    for place in chosen:
        other = str((int(text[place]) + 3) % 10)
        changed = text[:place] + other + text[place + 1 :]
        noticed += refused_or_the_same(written, changed.encode())
    # the last digits of a float may be the same number
    assert noticed >= 0.9 * len(chosen)


def test_a_changed_bit_is_noticed_or_changes_nothing(written):
    generator = random.Random(1)
    noticed = 0
    for _ in range(150):
        changed = bytearray(written.bytes)
        changed[generator.randrange(len(changed))] ^= 1 << generator.randrange(8)
        noticed += refused_or_the_same(written, bytes(changed))
    assert noticed > 75


def test_a_record_that_was_cut_off_is_refused_wherever_it_ends(written):
    for end in random.Random(2).sample(range(len(written.bytes) - 1), 40):
        written.path.write_bytes(written.bytes[:end])
        with pytest.raises(ValueError, match=re.escape(str(written.path))):
            written.read(written.path)


def test_a_row_that_is_gone_is_noticed(written):
    if written.path.suffix != ".csv":
        lines = [written.bytes.decode()]
    else:
        lines = written.bytes.decode().splitlines(keepends=True)
    for gone in range(1, len(lines)):
        assert refused_or_the_same(written, "".join(lines[:gone] + lines[gone + 1 :]).encode())


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        (
            "accuracy.json",
            {"splits": {"test": {"accuracy": 0.9999}}},
            r"splits\.test\.accuracy is 0",
        ),
        ("accuracy.json", {"splits": {"test": {"correct": 61}}}, "expected at most images, 60"),
        ("accuracy.json", {"splits": {"test": {"interval_high": 0.0}}}, "outside its interval"),
        ("complexity.json", {"macs": 700}, "macs_reduction_percent is 25"),
        ("calibration.json", {"splits": {"test": {"images": 59}}}, "bins hold 60 images"),
        (
            "energy.json",
            {"inference": {"joules_per_image": 1.55}},
            "energy_reduction_percent is 25",
        ),
        ("energy.json", {"inference": {"joules_per_image": 3.0}}, "outside its interval"),
        ("latency.json", {"timings": [{"seconds": -1}]}, r"missing|seconds"),
        (
            "corruptions.json",
            {"corrupted_accuracy": 0.75},
            "corrupted_accuracy is 0.75, and 5 of 8",
        ),
        ("corruptions.json", {"correct_of_image": [3, 3]}, "correct_of_image to 6"),
        ("shortcut.json", {"accuracy": {"clean": {"share": 0.5}}}, "accuracy.clean.share is 0.5"),
        ("attack.json", {"clean_correct": [0, 1, 0, 1, 1, 0]}, "robust at epsilon 0.1 but wrong"),
        ("ledger.json", {"costs": {"training": {"joules": 1.0}}}, r"costs\.training\.kg_co2e is"),
    ],
)
def test_numbers_that_do_not_fit_are_named_even_without_a_checksum(tmp_path, name, change, says):
    """A record of an earlier version has none, and a hand can take it away."""
    path = tmp_path / name
    RECORDS[name][0](path)
    record = json.loads(path.read_text())
    assert record.pop("format") == FORMAT and record.pop("checksum")
    path.write_text(json.dumps(record))
    RECORDS[name][1](path)
    path.write_text(json.dumps(merged(record, change)))
    with pytest.raises(ValueError, match=says):
        RECORDS[name][1](path)


def merged(record, change):
    if not isinstance(change, dict):
        return change
    return record | {key: merged(record.get(key), value) for key, value in change.items()}


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        ("cka_rank", "2.5", "cka_rank of stage1.block1 is 2.5, not"),
        ("rank_sum", "0.5", "rank_sum of stage1.block1 is 0.5, and its ranks add to"),
        ("tied", "true", "tied of stage1.block1 is true"),
    ],
)
def test_a_ranking_fits_its_scores(tmp_path, column, value, says):
    path = tmp_path / "ranking.csv"
    write_ranking(rank_blocks(SCORES, BLOCKS), path)
    header, rows = read_table(path)
    rows[0][header.index(column)] = value
    # with checksums that are right
    write_table(path, header, rows)
    with pytest.raises(ValueError, match=re.escape(says)):
        read_ranking(path)


def test_tables_are_read_by_pandas_and_records_by_json(tmp_path):
    path = tmp_path / "history.csv"
    write_history(path, [Epoch(1, 0.1, 2.5, 0.25, 1.5)])
    assert pd.read_csv(path)["validation_accuracy"].tolist() == [0.25]
    write_record_file(tmp_path / "r.json", {"a": (1, 2), "b": {"c": 0.1}})
    assert json.loads((tmp_path / "r.json").read_text())["b"] == {"c": 0.1}
    assert read_record_file(tmp_path / "r.json") == {"a": [1, 2], "b": {"c": 0.1}}
    with pytest.raises(ValueError, match="JSON compliant"):
        write_record_file(tmp_path / "r.json", {"a": float("nan")})


def test_the_report_reads_by_the_readers_of_the_rooms(tmp_path):
    path = tmp_path / "accuracy.json"
    RECORDS["accuracy.json"][0](path)
    assert read_json(path) == read_accuracy(path)
    path.write_text(path.read_text().replace('"correct": ', '"correct": 1'))
    with pytest.raises(ValueError, match=re.escape(f"{path}: it does not have its checksum")):
        read_json(path)
    with pytest.raises(ValueError, match="no record of that name"):
        read_json(tmp_path / "anything.json")
    # an attack may be called as a record is
    (tmp_path / "attacks").mkdir()
    attack(tmp_path / "attacks" / "latency.json")
    assert read_json(tmp_path / "attacks" / "latency.json")["attack"] == "fgsm"


def test_a_job_sets_a_damaged_result_aside_so_that_the_same_command_makes_it(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.exit", lambda status: None)
    for folder in ("results/d", "mine"):
        (tmp_path / folder).mkdir(parents=True)
        path = f"{folder}/accuracy.json"
        RECORDS["accuracy.json"][0](path)
        text = (tmp_path / path).read_text().replace('"correct": ', '"correct": 1')
        (tmp_path / path).write_text(text)
        with job(tmp_path / "log"):
            read_accuracy(path)
        said = capsys.readouterr().err
        assert said.count("\n") == 1 and f"{path}: it does not have its checksum" in said
        if folder == "mine":
            # not made by the workflow: never touched
            assert (tmp_path / path).read_text() == text
        else:
            assert not (tmp_path / path).exists()
            assert (tmp_path / f"{path}.damaged").read_text() == text
            assert "run the same command again" in said


def test_arrays_of_numpy_are_no_part_of_a_record(tmp_path):
    with pytest.raises(TypeError):
        write_record_file(tmp_path / "r.json", {"a": np.ones(2)})
