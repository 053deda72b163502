"""The workflow as others have it: out of a wheel, and as a module of their own workflow."""

import csv
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
import yaml

from projects import SNAKEMAKES, TINY, Project
from shared_files import ROOT

CHAIN = TINY | {
    "criteria": {"votes": ["cka", "procrustes"]},
    "bootstrap": {"resamples": 0},
    "removals": 1,
    "attacks": {},
    "corruptions": {"names": []},
}
CARRIED = ("Snakefile", "config", "envs", "profiles", "rules", "workflow")


def files_of_git(*folders: str) -> set[str]:
    """The files of the project below some folders, as the repository has them."""
    command = ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run([*command, "--", *folders], capture_output=True, text=True, check=True)
    return {name for name in done.stdout.splitlines() if (ROOT / name).exists()}


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> dict[str, Path]:
    """Wheel and sdist; the wheel is built from the sdist, as an index would have it."""
    folder = tmp_path_factory.mktemp("built")
    build = [sys.executable, "-m", "hatchling", "build"]
    subprocess.run([*build, "-t", "sdist", "-d", str(folder)], cwd=ROOT, check=True)
    [sdist] = folder.glob("*.tar.gz")
    shutil.unpack_archive(sdist, folder)
    source = folder / sdist.name.removesuffix(".tar.gz")
    subprocess.run([*build, "-t", "wheel", "-d", str(folder)], cwd=source, check=True)
    [wheel] = folder.glob("*.whl")
    return {"sdist": sdist, "wheel": wheel}


@pytest.fixture(scope="module")
def installed(built, tmp_path_factory) -> Path:
    """The folder of programs of an environment that has the wheel and what it depends on."""
    environment = tmp_path_factory.mktemp("environment") / "of-its-own"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    [packages] = environment.glob("lib/python*/site-packages")
    with zipfile.ZipFile(built["wheel"]) as archive:
        archive.extractall(packages)
    # what it depends on, but not the project itself, which is there by a file that is not read
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    program = environment / "bin" / "layer-pruning"
    entry = "import sys; from layer_pruning.cli import main; sys.exit(main())"
    python = environment / "bin" / "python"
    program.write_text(f"#!/bin/sh\nexec '{python}' -c '{entry}' \"$@\"\n")
    program.chmod(0o755)
    return program.parent


def plain_environment() -> dict[str, str]:
    """Variables without a path to this checkout; one thread, so that sums are the same."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return kept | {"OMP_NUM_THREADS": "1"}


def called(program: Path, *arguments: str, folder: Path) -> subprocess.CompletedProcess:
    done = subprocess.run(
        [str(program), *arguments],
        cwd=folder,
        env=plain_environment(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def nothing_to_be_done(done: subprocess.CompletedProcess) -> bool:
    return "Nothing to be done" in done.stdout + done.stderr


@pytest.mark.long
def test_the_wheel_carries_the_workflow_as_it_lies_here(built):
    with zipfile.ZipFile(built["wheel"]) as archive:
        names = set(archive.namelist())
        metadata = archive.read(next(n for n in names if n.endswith("/METADATA"))).decode()
        for name in files_of_git(*CARRIED):
            assert archive.read(f"layer_pruning/_workflow/{name}") == (ROOT / name).read_bytes()
    package = {name.removeprefix("src/") for name in files_of_git("src")}
    workflow = {f"layer_pruning/_workflow/{name}" for name in files_of_git(*CARRIED)}
    assert {name for name in names if ".dist-info/" not in name} == package | workflow
    assert "Requires-Dist: torch" in metadata and "License-Expression: MIT" in metadata
    with tarfile.open(built["sdist"]) as archive:
        below = {name.partition("/")[2] for name in archive.getnames()}
    assert files_of_git("src", "tests", "docs", *CARRIED) <= below


@pytest.fixture(scope="module")
def run_from_the_wheel(installed, tmp_path_factory) -> Project:
    """The chain, run by the wheel in a folder that held nothing but the configuration."""
    project = Project(tmp_path_factory.mktemp("a folder") / "with spaces", CHAIN)
    project.folder.mkdir()
    project.write_configuration()
    called(installed / "layer-pruning", "run", "mine.yaml", "--cores", "2", folder=project.folder)
    return project


@pytest.mark.long
def test_a_wheel_is_enough(installed, run_from_the_wheel):
    folder = run_from_the_wheel.folder
    where = called(installed / "layer-pruning", "where", folder=folder).stdout.strip()
    assert where.startswith(str(installed.parent)) and where.endswith("layer_pruning/_workflow")
    assert sorted(path.name for path in folder.iterdir()) == [".snakemake", "mine.yaml", "results"]
    assert len(run_from_the_wheel.summary()) == 2
    for name in ("report.html", "snakemake-report.zip", "answers.txt"):
        assert (folder / "results" / name).is_file()
    again = called(installed / "layer-pruning", "run", "mine.yaml", "--dry-run", folder=folder)
    assert nothing_to_be_done(again)


@pytest.mark.long
def test_snakemake_in_a_checkout_has_nothing_left_to_do(run_from_the_wheel, tmp_path):
    checkout = Project.new(tmp_path / "checkout", CHAIN)
    done = SNAKEMAKES.run(
        [
            *("--cores", "2", "--snakefile", str(checkout.folder / "Snakefile")),
            *("--configfile", "mine.yaml", "--dry-run"),
        ],
        folder=run_from_the_wheel.folder,
        environment=checkout.environment(),
    )
    assert nothing_to_be_done(done), done.stdout + done.stderr


OF_ANOTHER = """
from layer_pruning.installation import workflow_folder


configfile: "config.yaml"


rule all:
    input:
        "mine.txt",


rule mine:
    input:
        "{report}",
    output:
        "mine.txt",
    shell:
        "wc -c {{input:q}} > {{output}}"


module layer_pruning:
    snakefile:
        workflow_folder() / "Snakefile"
    config:
        config["pruning"]
    {where}


use rule * from layer_pruning as lp_*
"""
PREFIXED = {"report": "part of it/results/report.html", "where": 'prefix: "part of it"'}
REPLACED = {
    "report": "elsewhere/report.html",
    "where": 'replace_prefix: {"results/": "elsewhere/"}',
}


def as_module(folder: Path, where: dict[str, str], **more) -> Project:
    """A workflow of another's that uses this one."""
    folder.mkdir()
    (folder / "Snakefile").write_text(OF_ANOTHER.format(**where))
    config = {"pruning": CHAIN | more, "seeds": "theirs"}
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    return Project(folder, CHAIN)


def run_in(project: Project, *arguments: str) -> subprocess.CompletedProcess:
    environment = plain_environment() | {"PYTHONPATH": str(ROOT / "src")}
    words = ["--cores", "2", *arguments]
    done = SNAKEMAKES.run(words, folder=project.folder, environment=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.mark.parametrize("where", [PREFIXED, REPLACED], ids=["prefix", "replace_prefix"])
def test_every_file_of_a_module_lies_where_it_was_told_to(tmp_path, where):
    project = as_module(tmp_path / "theirs", where, export={"networks": "all"})
    said = run_in(project, "--detailed-summary", "lp_all", "all").stdout.splitlines()
    table = csv.DictReader(said, delimiter="\t")
    columns = ("output_file", "log-file(s)", "input-file(s)")
    files = {name for row in table for column in columns for name in row[column].split(",")}
    above = where["report"].removesuffix("report.html")
    assert len(files) > 50
    assert {name for name in files if not name.startswith(above)} == {"mine.txt", "-"}
    # the report of Snakemake is that of the workflow, which has all there is
    assert f"{above}snakemake-report.zip" not in files


def test_test_sets_of_a_module_start_from_the_working_folder(tmp_path):
    shifted = {"datasets": {"digits": {"shifted": ["new/v2.npz"]}}}
    project = as_module(tmp_path / "theirs", PREFIXED, **shifted)
    file = project.folder / "new" / "v2.npz"
    file.parent.mkdir()
    np.savez(file, images=np.zeros((4, 8, 8), np.uint8), labels=np.zeros(4, np.int64))
    said = run_in(project, "--dry-run", "lp_all")
    assert "Testing baseline on corrupted images" in said.stdout + said.stderr


def test_a_module_without_a_configuration_of_its_own_is_the_demonstration(tmp_path):
    project = as_module(tmp_path / "theirs", PREFIXED)
    (project.folder / "config.yaml").write_text("pruning: {}\n")
    said = run_in(project, "--dry-run", "lp_all")
    assert "part of it/results/digits/resnet20/seed-2" in said.stdout + said.stderr


@pytest.mark.long
@pytest.mark.parametrize("where", [PREFIXED, REPLACED], ids=["prefix", "replace_prefix"])
def test_a_module_makes_the_same_networks_and_its_links_lead_somewhere(
    tmp_path, where, run_from_the_wheel
):
    project = as_module(tmp_path / "theirs", where)
    run_in(project)
    results = (project.folder / where["report"]).parent
    alone = run_from_the_wheel.folder / "results"
    networks = [path.relative_to(alone) for path in alone.rglob("network.safetensors")]
    assert len(networks) >= 2
    for name in networks:
        assert (results / name).read_bytes() == (alone / name).read_bytes()
    pages = [results / "report.html", *results.rglob("network.html")]
    assert len(pages) == 3
    for page in pages:
        links = re.findall(r'(?:href|src)="([^"#:$]+)"', page.read_text())
        assert links and all((page.parent / link).exists() for link in links), page
    # states of trainings included: nothing of it lies anywhere else
    assert not (project.folder / "results").exists()
    assert nothing_to_be_done(run_in(project, "--dry-run"))
