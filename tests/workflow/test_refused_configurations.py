"""The table of ``tests/bad_input`` through Snakemake, and what only Snakemake meets."""

import os
import subprocess
from pathlib import Path

import pytest
import yaml

from bad_input_scene import FOLDER, TABLE, configuration, merged, plant, tree
from projects import SNAKEMAKES, TINY, Project
from shared_files import ROOT


def said(output: str) -> list[str]:
    """The lines of an output that begin as our messages do."""
    return [line for line in output.splitlines() if line.startswith(("config: ", "error: "))]


@pytest.mark.long
def test_every_case_of_the_table_stops_snakemake_before_the_first_job(tmp_path):
    scene = plant(tmp_path / "scene")
    environment = os.environ | {"PYTHONPATH": f"{ROOT / 'src'}:{scene}"}
    arguments = ["--cores", "1", "--snakefile", str(ROOT / "Snakefile"), "--directory", str(scene)]
    before = tree(scene)
    for number, case in enumerate(TABLE["config"]):
        given = case["given"]
        if "mine" in given.get("datasets", {}):
            given = merged(FOLDER, given)
        config = tmp_path / f"{number}.yaml"
        config.write_text(yaml.safe_dump(configuration(given)))
        run = [*arguments, "--configfile", str(config)]
        done = SNAKEMAKES.run(run, folder=tmp_path, environment=environment)
        output = done.stdout + done.stderr
        assert done.returncode != 0, case
        assert len(said(output)) == 1 and case["says"] in said(output)[0], (case, output)
        assert "Traceback" not in output and "Building DAG" not in output, case
    assert tree(scene) == before


def output_of(project, *arguments):
    done = project.snakemake(*arguments, check=False)
    assert done.returncode != 0
    output = done.stdout + done.stderr
    assert "Traceback" not in output, output
    return output


@pytest.mark.parametrize("device", ["cuda", "cuda:7"])
def test_a_gpu_that_is_not_there_is_told_before_the_first_job(tmp_path, device):
    torch = pytest.importorskip("torch")
    if torch.cuda.device_count() > 7 or (device == "cuda" and torch.cuda.is_available()):
        pytest.skip("this machine has that GPU")
    project = Project.new(tmp_path / "project", TINY | {"device": device})
    output = output_of(project, "--", "results/summary.csv")
    assert f"config: device: '{device}' is asked for and PyTorch sees" in output
    assert "'auto' takes one where there is one" in output
    assert "Preparing digits" not in output and not (project.folder / "results").exists()
    # where jobs run elsewhere, and nothing runs in a dry run, this machine needs none
    assert project.snakemake("--dry-run", "--", "results/summary.csv").returncode == 0


@pytest.fixture
def mounted():
    """A function that mounts, for the length of a test; skips where that is not allowed."""
    targets = []

    def mount(target: Path, *arguments: str) -> None:
        target.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(["mount", *arguments, str(target)], capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"mount is not permitted here: {done.stderr.strip()}")
        targets.append(target)

    yield mount
    for target in reversed(targets):
        subprocess.run(["umount", str(target)], check=True)


@pytest.mark.parametrize("name", ["", "results"])
def test_a_folder_that_cannot_be_written_is_named_with_the_remedy(tmp_path, mounted, name):
    place = tmp_path / "elsewhere"
    mounted(place / name, "-t", "tmpfs", "-o", "ro", "tmpfs")
    project = Project.new(tmp_path / "project", TINY)
    output = output_of(project, "--directory", str(place))
    assert f"{place / name} cannot be written to; choose another folder" in output
    assert "Building DAG" not in output


def test_a_key_twice_is_found_in_a_file_given_to_snakemake(tmp_path):
    project = Project.new(tmp_path / "project", TINY)
    path = project.folder / "twice.yaml"
    path.write_text(yaml.safe_dump(TINY) + "removals: 1\n")
    done = project.snakemake_alone("--dry-run", "--configfile", "twice.yaml")
    output = done.stdout + done.stderr
    assert done.returncode != 0
    assert "'removals' is in line" in output and "one of the two should go" in output


def test_the_makefile_checks_the_configuration_before_it_runs_it():
    # `make test` hands its own make variables on, which make this one say more
    done = subprocess.run(
        ["make", "--dry-run", "--old-file=.venv/installed", "run", "CONFIG=broken.yaml"],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith("MAKE")},
        capture_output=True,
        text=True,
    )
    check, run = done.stdout.splitlines()[-2:]
    assert check.endswith("layer-pruning check broken.yaml")
    assert "snakemake --cores" in run and run.endswith("--configfile broken.yaml")
