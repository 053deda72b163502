"""What the documentation tells users to write works."""

import os
import re
import shlex

import pytest
import yaml
from documents import ROOT, Block, blocks, of_language, write_files
from snakemake.cli import parse_args

from layer_pruning.cli import main
from layer_pruning.cli.launch import DEMONSTRATION, split
from layer_pruning.cli.launch import command as launched
from layer_pruning.configuration import complete, evaluation_checks
from layer_pruning.plan.targets import counted_of
from projects import SNAKEMAKES

# programs whose arguments nobody here can check
OTHERS = {"cd", "cp", "git", "pip", "python3.11", "source", "export", "mkdir", "rm", "ls"}
OTHERS |= {
    "cat",
    "find",
    "sudo",
    "apt-get",
    "curl",
    "pip-audit",
    "tar",
    "sbatch",
    "sinfo",
    "squeue",
    "sacct",
    "scancel",
}
# one round of a measurement does: whether the command runs is asked, not how fast blocks are
QUICK = {"blocks": ["--repeats", "1"], "plan": ["--repeats", "1"], "check": ["--no-estimate"]}
QUICK["init"] = ["--no-estimate"]
ENERGY = {"energy": {"carbon_intensity_g_per_kwh": 475}}


def commands(block: Block) -> list[list[str]]:
    """The commands of a block of shell: comments, prompts and continued lines undone."""
    text = re.sub(r"\\\n\s*", " ", block.text)
    lines = [line.removeprefix("$ ") for line in text.splitlines()]
    words = [shlex.split(line, comments=True) for line in lines]
    # several commands on a line, and variables set for one
    parts: list[list[str]] = []
    for line in words:
        parts.append([])
        for word in line:
            if word in ("&&", "|", ";", "||"):
                parts.append([])
            elif parts[-1] or not re.fullmatch(r"\w+=.*", word):
                parts[-1].append(word)
    return [part for part in parts if part]


SHELL = [
    pytest.param(block.file, command, id=f"{block}-{' '.join(command)}")
    for block in of_language("bash", "console", "sh", "shell")
    for command in commands(block)
]


def of_program(name: str) -> list:
    return [given for given in SHELL if given.values[1][0] == name]


def is_configuration(block: Block) -> bool:
    """Everything in YAML but what says in its first line that it is a profile."""
    return "profile" not in block.text.split("\n", 1)[0]


@pytest.mark.parametrize("block", of_language("yaml", "yml"), ids=str)
def test_a_configuration_is_accepted(block, folder, monkeypatch):
    given = yaml.safe_load(block.text.replace("/data/imagenet", "data/imagenet"))
    assert isinstance(given, dict)
    if is_configuration(block):
        monkeypatch.chdir(folder)
        monkeypatch.syspath_prepend(folder)
        # packages that are not installed with the workflow
        monkeypatch.setattr(evaluation_checks, "check_installed", lambda name: None)
        # parts of a configuration leave out the one key without a default
        reached(ENERGY | given)


def reached(given: dict) -> None:
    """Complete a configuration, and find its networks that count."""
    config = complete(given)
    # the number of classes is that of images, which the examples do not have
    if not any(dataset.get("path") for dataset in config["datasets"].values()):
        counted_of(config)


def test_lines_that_the_readme_adds_to_its_configuration_go_with_it():
    first, *more = (block for block in of_language("yaml") if block.file == "README.md")
    assert first.text.startswith("# mine.yaml\n")
    [lines] = [block for block in more if "report_at" in block.text]
    reached(yaml.safe_load(first.text) | yaml.safe_load(lines.text))


@pytest.mark.parametrize("file", dict.fromkeys(block.file for block in of_language("python")))
def test_python_runs_from_the_first_block_of_a_page_to_the_last(file, folder, monkeypatch):
    monkeypatch.chdir(folder)
    names: dict = {}
    for block in of_language("python"):
        if block.file == file:
            # lines counted as in the page, so that an error points there
            code = "\n" * block.line + block.text
            exec(compile(code, str(ROOT / file), "exec"), names)


RUNS = [given for given in of_program("layer-pruning") if given.values[1][1] == "run"]


@pytest.mark.parametrize(("file", "command"), RUNS)
def test_what_a_run_hands_on_is_known_to_snakemake(file, command, folder, monkeypatch):
    write_files(file, folder)
    monkeypatch.chdir(folder)
    own, options = split(command[2:])
    [configuration] = own
    words = launched(None if configuration == DEMONSTRATION else configuration, options)
    # a profile is read from its folder
    kept = words[words.index("snakemake") + 1 :]
    given = parse_args([w for w in kept if w != "--profile" and "profiles" not in w])[1]
    for path in given.configfile or []:
        assert path.is_file(), f"{path} is no file of the project, nor one that a page shows"


@pytest.mark.parametrize(
    ("file", "command"), [g for g in of_program("layer-pruning") if g not in RUNS]
)
def test_a_command_of_layer_pruning_runs(file, command, folder, monkeypatch, capsys):
    write_files(file, folder)
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(folder)
    if command[1] == "init":
        # the page may show what else could be in it
        (folder / "mine.yaml").unlink(missing_ok=True)
    assert main([*command[1:], *QUICK.get(command[1], [])]) == 0, capsys.readouterr().err
    assert capsys.readouterr().out.strip()


@pytest.mark.parametrize(("file", "command"), of_program("snakemake"))
def test_options_of_snakemake_are_known_and_its_files_there(file, command, folder, monkeypatch):
    write_files(file, folder)
    monkeypatch.chdir(folder)
    # a profile is read from its folder, which is the user's
    kept = [word for word in command[1:] if word not in ("--profile", "my-profile")]
    given = parse_args(kept)[1]
    for path in given.configfile or []:
        assert path.is_file(), f"{path} is no file of the project, nor one that a page shows"


DRY = [g for g in (*of_program("snakemake"), *RUNS) if "--dry-run" in g.values[1]]


@pytest.mark.long
@pytest.mark.parametrize(("file", "command"), [g for g in DRY if "--profile" not in g.values[1]])
def test_a_dry_run_plans_jobs(file, command, folder):
    write_files(file, folder)
    words = [*command[1:], "--snakefile", str(ROOT / "Snakefile")]
    if command[0] == "layer-pruning":
        (configuration,), options = split(command[2:])
        words = ["--configfile", configuration, *words[-2:], "--cores", "1", *options]
    # the default profile lies beside the Snakefile, and the user's files here
    done = SNAKEMAKES.run(
        words,
        folder=folder,
        environment=os.environ | {"PYTHONPATH": str(ROOT / "src")},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "train_baseline" in done.stdout + done.stderr


@pytest.mark.parametrize(("file", "command"), of_program("make"))
def test_a_target_of_make_is_there(file, command):
    makefile = (ROOT / "Makefile").read_text()
    for word in command[1:]:
        if "=" not in word:
            assert re.search(rf"^{re.escape(word)}:", makefile, re.MULTILINE), word


@pytest.mark.parametrize(("file", "command"), [*of_program("python"), *of_program("pytest")])
def test_files_named_on_a_command_line_are_there(file, command):
    for word in command[1:]:
        if word.startswith(("benchmarks/", "tests/", "workflow/", "src/")):
            assert (ROOT / word.split("::")[0]).exists(), word


def test_every_block_says_what_it_is_and_every_program_is_looked_at():
    unnamed = [str(block) for block in blocks() if not block.language]
    assert not unnamed, f"no language: {unnamed}; `text` is one"
    looked_at = {"layer-pruning", "snakemake", "make", "python", "pytest"} | OTHERS
    programs = {given.values[1][0].rsplit("/", 1)[-1] for given in SHELL}
    assert programs <= looked_at, "a typing error, or a program for OTHERS above"
    assert {"layer-pruning", "snakemake", "make"} <= programs
