"""`layer-pruning run`: what becomes of its arguments."""

import os
import subprocess
import sys

import pytest

from layer_pruning import cli
from layer_pruning.cli import commands, launch
from layer_pruning.installation import workflow_folder
from shared_files import ROOT


def words_of(*arguments, monkeypatch):
    """The command that would take this process's place."""
    became = []
    monkeypatch.setattr(os, "execv", lambda program, words: became.append((program, words)))
    commands.launched(arguments)
    [(program, words)] = became
    assert program == words[0] == sys.executable
    return words[1:]


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SNAKEMAKE_PROFILE", raising=False)


def test_snakemake_is_given_the_workflow_the_configuration_and_all_options(tmp_path, monkeypatch):
    (tmp_path / "my own.yaml").write_text("removals: 2\n")
    words = words_of("my own.yaml", "--dry-run", "a target", monkeypatch=monkeypatch)
    snakefile = str(ROOT / "Snakefile")
    assert words == [
        *("-P", "-m", "snakemake", "--configfile", "my own.yaml", "--snakefile", snakefile),
        *("--cores", "all", "--dry-run", "a target"),
    ]


def test_the_demonstration_is_what_snakemake_runs_without_a_configuration(monkeypatch):
    words = words_of("--demo", "-n", monkeypatch=monkeypatch)
    assert "--configfile" not in words and words[-1] == "-n"


@pytest.mark.parametrize(
    "options",
    [
        ["--cores", "3"],
        ["-c3"],
        ["-j", "3"],
        ["--jobs=3"],
        ["--executor", "slurm"],
        ["--workflow-profile", "slurm"],
    ],
)
def test_all_cores_unless_something_else_is_said(options, monkeypatch):
    assert "all" not in words_of("--demo", *options, monkeypatch=monkeypatch)
    assert "all" in words_of("--demo", "--dry-run", monkeypatch=monkeypatch)
    monkeypatch.setenv("SNAKEMAKE_PROFILE", "mine")
    assert "all" not in words_of("--demo", monkeypatch=monkeypatch)


def test_what_lies_with_the_workflow_has_a_name_where_no_file_has_it(tmp_path, monkeypatch):
    words = words_of("compare", "--profile", "slurm", monkeypatch=monkeypatch)
    assert words[4] == str(ROOT / "config" / "compare.yaml")
    assert words[-1] == str(ROOT / "profiles" / "slurm")
    words = words_of("config/published/resnet20.yaml", "--profile=mine", monkeypatch=monkeypatch)
    assert words[4] == str(ROOT / "config" / "published" / "resnet20.yaml")
    assert words[-1] == "--profile=mine"
    # what is the user's own comes first
    (tmp_path / "compare").write_text("removals: 2\n")
    (tmp_path / "slurm").mkdir()
    words = words_of("compare", "--profile", "slurm", monkeypatch=monkeypatch)
    assert words[4] == "compare" and words[-1] == "slurm"


def test_a_folder_is_no_configuration_and_hides_no_name(tmp_path, monkeypatch, capsys):
    (tmp_path / "compare").mkdir()
    words = words_of("compare", "-n", monkeypatch=monkeypatch)
    assert words[4] == str(ROOT / "config" / "compare.yaml")
    (tmp_path / "birds").mkdir()
    for command in (["run"], ["check"], ["blocks", "resnet8", "--config"]):
        assert cli.main([*command, "birds"]) == 2
        error = capsys.readouterr().err
        assert "birds: a folder, where a file is asked for; 'layer-pruning init birds/mi" in error
        assert error.count("\n") == 1


def test_check_and_the_options_config_know_what_run_knows_by_name(capsys):
    assert cli.main(["check", "quick", "--no-estimate"]) == 0
    assert "layer-pruning run quick --dry-run" in capsys.readouterr().out
    assert cli.main(["blocks", "resnet8", "--config", "quick", "--repeats", "1"]) == 0
    assert "1 × 8 × 8" in capsys.readouterr().out
    for command in (["check"], ["blocks", "resnet8", "--config"]):
        assert cli.main([*command, "none.yaml"]) == 2
        assert "none.yaml: no such file; 'layer-pruning init none.yaml'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["mine.yaml"], "mine.yaml: no such file; 'layer-pruning init mine.yaml' writes one"),
        (["quick", "--configfile", "other.yaml"], "--configfile: 'layer-pruning run CONFIG' gives"),
        (["--demo", "--snakefile=Snakefile"], "--snakefile=Snakefile: 'layer-pruning run CONFIG'"),
    ],
)
def test_a_mistake_is_one_line(arguments, said, capsys):
    assert cli.main(["run", *arguments]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1


@pytest.mark.parametrize("arguments", [[], ["--cores", "2"], ["-n", "mine.yaml"]])
def test_without_a_configuration_nothing_runs(arguments, capsys):
    assert cli.main(["run", *arguments]) == 2
    assert "name a configuration first, such as mine.yaml, or --demo" in capsys.readouterr().err


def test_every_configuration_of_the_workflow_is_known():
    files = {path for path in (ROOT / "config").rglob("*.yaml") if "schema" not in path.name}
    found = {ROOT / "config" / f"{name}.yaml" for name in launch.carried(workflow_folder())}
    assert found == files


def test_nothing_heavy_is_imported_before_snakemake_starts():
    code = (
        "import os, sys; from layer_pruning.cli import main\n"
        "os.execv = lambda *_: print(*sys.modules)\n"
        "main(['run', '--demo'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"torch", "numpy", "pandas", "pydantic", "yaml", "snakemake", "importlib.metadata"}
    assert not heavy & set(done.stdout.split())


def test_a_copy_of_the_package_without_a_workflow_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no workflow lies with this copy"):
        workflow_folder(tmp_path / "src" / "layer_pruning")
    (tmp_path / "src" / "layer_pruning" / "_workflow").mkdir(parents=True)
    for folder in (tmp_path, tmp_path / "src" / "layer_pruning" / "_workflow"):
        (folder / "Snakefile").touch()
        # what a wheel carries is found before what lies around it
        assert workflow_folder(tmp_path / "src" / "layer_pruning") == folder
