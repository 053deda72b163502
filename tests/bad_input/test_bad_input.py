"""Whatever a user gets wrong is said in one line, before long work, and no file is touched.

The cases are data: ``cases.yaml``. Here they run in this process; ``tests/workflow`` runs them
through Snakemake.
"""

import copy
import logging
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from safetensors.numpy import load_file

from bad_input_scene import (
    FOLDER,
    RIGHT,
    TABLE,
    configuration,
    merged,
    plant,
    tree,
    two_classes,
)
from layer_pruning.cli import main
from layer_pruning.configuration import ConfigError, check_parses, complete
from layer_pruning.configuration.schema import schema
from layer_pruning.data.catalog import complete_settings
from layer_pruning.data.prepare import prepare
from layer_pruning.models.network_file import read_network
from layer_pruning.models.weights import start_network
from layer_pruning.runtime.job import job

KEYS = schema()["properties"]


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    return plant(tmp_path_factory.mktemp("scene"))


@pytest.fixture
def untouched(scene, monkeypatch):
    """Run in the scene, and find every file in it as it was."""
    monkeypatch.chdir(scene)
    monkeypatch.syspath_prepend(scene)
    before = tree(scene)
    yield scene
    assert tree(scene) == before


def one_line(text: str, says: str) -> None:
    assert says in text
    assert "\n" not in text.strip()
    assert "Traceback" not in text


def test_the_table_has_its_cases_and_what_they_are_added_to_is_right(untouched):
    assert sum(len(cases) for cases in TABLE.values()) >= 100
    complete(RIGHT)
    complete(configuration(FOLDER))
    for part in TABLE.values():
        assert len({str(case) for case in part}) == len(part)


@pytest.mark.parametrize("case", TABLE["config"], ids=lambda case: case["says"][:70])
def test_a_configuration_that_cannot_work_is_refused(untouched, case):
    given = copy.deepcopy(case["given"])
    if "mine" in given.get("datasets", {}):
        given = merged(FOLDER, given)
    with pytest.raises(ConfigError) as caught:
        complete(configuration(given))
    one_line(str(caught.value), case["says"])


def leaves(schema, path=()):
    for key, part in schema.items():
        if part.get("type") == "object" and "properties" in part:
            yield from leaves(part["properties"], (*path, key))
        else:
            yield (*path, key), part


def put(path, value):
    for key in reversed(path):
        value = {key: value}
    return configuration(value)


@pytest.mark.parametrize(("path", "part"), list(leaves(KEYS)), ids=lambda value: str(value)[:60])
def test_every_key_of_the_schema_refuses_another_type_a_typo_and_what_is_out_of_range(path, part):
    def refused(config, says):
        with pytest.raises(ConfigError) as caught:
            complete(config)
        one_line(str(caught.value), says)

    name = ".".join(path)
    # no key takes a list of lists of mappings
    refused(put(path, [[{"a": 1}]]), name)
    refused(put((*path[:-1], path[-1][:-1] + "~"), 1), "unknown key")
    if "minimum" in part:
        refused(put(path, part["minimum"] - 1), f"{name}: {part['minimum'] - 1} should be at least")
    if "exclusiveMinimum" in part:
        refused(put(path, part["exclusiveMinimum"]), f"{name}: ")
    if "exclusiveMaximum" in part:
        refused(put(path, part["exclusiveMaximum"]), f"{name}: ")
    if part.get("type") == "string" or "enum" in part:
        refused(put(path, "x; touch PWNED"), name)


@pytest.mark.parametrize("case", TABLE["files"], ids=lambda case: case["says"][:70])
def test_a_file_that_is_no_configuration_is_named_with_its_line(tmp_path, capsys, case):
    path = tmp_path / "broken.yaml"
    path.write_text(case["text"])
    assert main(["check", str(path)]) == 2
    one_line(capsys.readouterr().err, case["says"])
    assert [file.name for file in tmp_path.iterdir()] == ["broken.yaml"]


# an alias a line, each for nine of the one before
LAUGHS = "".join(
    f"k{i}: &x{i} [{', '.join([f'*x{i - 1}' if i else 'ha'] * 9)}]\n" for i in range(12)
)
BOMBS = {
    "nested_lists": ("protect: " + "[" * 5000 + "]" * 5000, "more than 50 levels deep"),
    "nested_mappings": ("a: " + "{a: " * 3000 + "1" + "}" * 3000, "more than 50 levels deep"),
    "billion_laughs": (LAUGHS, "line 5: more than 50000 values"),
    "merged_laughs": (LAUGHS.replace("[", "{<<: [").replace("]", "]}"), "more than 50000 values"),
    "many_values": ("seeds: [" + "1," * 60_000 + "]", "more than 50000 values"),
    "large": ("# " + "x" * 1_000_000, "larger than a megabyte"),
    "digits": ("seeds: [" + "1" * 5000 + "]", "not YAML: Exceeds the limit"),
}


@pytest.mark.parametrize(("text", "says"), BOMBS.values(), ids=list(BOMBS))
def test_a_file_that_would_fill_the_memory_is_refused_at_once(tmp_path, capsys, text, says):
    path = tmp_path / "bomb.yaml"
    path.write_text(text)
    before = time.process_time()
    assert main(["check", str(path)]) == 2
    # many_values is read until there are too many, on a slow machine
    assert time.process_time() - before < 10
    said = capsys.readouterr().err
    one_line(said, says)
    assert len(said) < 300


def test_anchors_that_are_none_of_those_are_read(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("training: &usual {epochs: 3}\nfinetuning: {<<: *usual, batch_size: 8}\n")
    usual = {"epochs": 3}
    assert check_parses(path) == {"training": usual, "finetuning": usual | {"batch_size": 8}}


def test_check_tells_what_a_configuration_asks_for(untouched, tmp_path, capsys):
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(configuration(FOLDER | {"seeds": [0, 1]})))
    assert main(["check", "--no-estimate", str(path)]) == 0
    text = capsys.readouterr().out
    assert "mine: 2 classes, images of 3 × 8 × 8" in text
    assert "tiny: 6 blocks, of which 4 can go" in text
    assert "trainings     2 of 15 epochs" in text and "fine-tunings  4 of 2 epochs" in text


def said_by_job(function, log, capsys) -> str:
    """What a job that calls ``function`` prints before it ends with exit status 1."""
    with pytest.raises(SystemExit) as ended, job(log):
        function()
    assert ended.value.code == 1
    printed = capsys.readouterr().err
    assert printed.startswith("error: ") and printed.strip() in log.read_text()
    return printed


@pytest.fixture
def log(tmp_path):
    yield tmp_path / "logs" / "job.log"
    for handler in logging.getLogger().handlers[:]:
        if isinstance(handler, logging.FileHandler):
            handler.close()
            logging.getLogger().removeHandler(handler)


@pytest.mark.parametrize("case", TABLE["data"], ids=lambda case: case["path"])
def test_images_that_do_not_fit_are_refused_by_the_first_job(untouched, log, capsys, case):
    settings = {"kind": "image_folder", "path": f"pictures/{case['path']}", "image_size": None}
    options = {"validation_fraction": 0.1, "test_fraction": 0.2, "seed": 0}
    settings = complete_settings("mine", settings)
    one_line(said_by_job(lambda: prepare(settings, **options), log, capsys), case["says"])


@pytest.mark.parametrize("case", TABLE["weights"], ids=lambda case: case["file"])
def test_weights_that_do_not_fit_are_refused_by_the_job_that_reads_them(
    untouched, log, capsys, case
):
    options = {"weights": case["file"]}
    said = said_by_job(lambda: start_network(two_classes(), options, 0), log, capsys)
    one_line(said, case["says"])


def test_the_planted_weights_fit_but_for_what_is_wrong_with_them(untouched):
    start_network(two_classes(), {"weights": "good.safetensors"}, 0)
    start_network(two_classes(), {"weights": "whole.safetensors"}, 0)
    with pytest.raises(ValueError, match=r"evil.safetensors: not a readable network file"):
        read_network("evil.safetensors")
    # the planted pickle is one: opened as such it runs
    assert b"touch PWNED" in (untouched / "evil.safetensors").read_bytes()
    assert load_file("empty.safetensors") == {}


def test_too_little_memory_is_one_line_and_says_what_would_need_less(log, capsys):
    import torch

    one_line(
        said_by_job(lambda: torch.empty(10**15), log, capsys),
        "not enough memory (",
    )
    one_line(
        said_by_job(lambda: bytearray(10**15), log, capsys),
        "a smaller 'batch_size' or 'probe.images_per_class'",
    )

    def on_a_gpu():
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate\n20.00 GiB.")

    one_line(said_by_job(on_a_gpu, log, capsys), "CUDA out of memory. Tried to allocate 20.00 GiB")


def test_a_damaged_file_that_is_a_link_is_named_with_what_it_links_to(
    log, capsys, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    entry, link = tmp_path / "entry.safetensors", Path("results/network.safetensors")
    link.parent.mkdir()
    entry.write_bytes(b"PK")
    link.symlink_to(entry)
    one_line(said_by_job(lambda: read_network(link), log, capsys), f"delete {entry} too")
    assert "a link" not in said_by_job(lambda: read_network(entry), log, capsys)


def test_a_defect_of_this_software_keeps_its_traceback(log):
    with pytest.raises(RuntimeError, match="shapes differ"), job(log):
        raise RuntimeError("shapes differ")
    with pytest.raises(KeyError), job(log):
        raise KeyError("no such key")


def test_a_missing_package_is_one_line_wherever_it_is_imported(log, capsys, tmp_path):
    def needs_it():
        import no_such_package  # noqa: F401

    says = "No module named 'no_such_package': 'pip install -r requirements.txt'"
    one_line(said_by_job(needs_it, log, capsys), says)
    script = "from layer_pruning.runtime.script import job\nimport no_such_package"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 1
    one_line(done.stderr, says)
