"""What another folder has made of a baseline is taken from Snakemake's cache between workflows."""

import shutil
import subprocess
import sys

import pytest

from layer_pruning.activations.features import read_activations
from layer_pruning.models.network_file import read_network
from projects import TINY, Project

BASELINE = "results/digits/{}/seed-0/baseline"
TRAINED = ("network.safetensors", "history.csv", "emissions.json")
EXTRACTED = ("activations.npz", "usage/extract_activations.json")
QUICK = TINY | {"training": {"epochs": 1, "batch_size": 256}}
BOTH = ["extract_activations", "train_baseline"]


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """A cache, the folder that filled it first, and what that had to compute."""
    folder = tmp_path_factory.mktemp("first")
    cache = folder / "cache"
    cache.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SNAKEMAKE_OUTPUT_CACHE", str(cache))
        return cache, *with_baseline(folder / "project")


@pytest.fixture
def cache(first, monkeypatch):
    monkeypatch.setenv("SNAKEMAKE_OUTPUT_CACHE", str(first[0]))
    return first[0]


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    monkeypatch.setenv("SNAKEMAKE_OUTPUT_CACHE", str(folder))
    return folder


def with_baseline(folder, name="tiny", target=EXTRACTED[0], **changes):
    """A new folder with the baseline called ``name``, and which jobs computed something there."""
    options = TINY["architectures"]["tiny"]
    project = Project.new(folder, QUICK | {"architectures": {name: options}} | changes)
    baseline = BASELINE.format(name)
    project.snakemake("--cache", "--", f"{baseline}/{target}")
    # Snakemake makes an empty log where it takes the outputs from the cache
    logs = (project.folder / baseline / "logs").glob("*.log")
    return project, sorted(log.stem for log in logs if log.stat().st_size > 0)


def test_a_second_folder_takes_the_baseline_and_its_activations(tmp_path, first, cache):
    _, project, computed = first
    assert computed == BOTH
    before = set(cache.iterdir())
    second, computed = with_baseline(tmp_path / "second", device="auto", removals=1)
    assert computed == [] and set(cache.iterdir()) == before
    for name in TRAINED + EXTRACTED:
        ours, theirs = (p.folder / BASELINE.format("tiny") / name for p in (second, project))
        assert ours.resolve() == theirs.resolve() and ours.resolve() in before
    target = f"{BASELINE.format('tiny')}/activations.npz"
    for arguments in (["--cache"], []):
        done = second.snakemake("--dry-run", *arguments, "--", target)
        assert "Nothing to be done" in done.stdout + done.stderr

    # and it goes on from there; what is pruned stays its own
    activations = second.path("random/removed-01/activations.npz")
    second.snakemake("--cache", "--", str(activations.relative_to(second.folder)))
    assert activations.is_file() and not activations.is_symlink()
    assert set(cache.iterdir()) == before


@pytest.mark.long
def test_what_makes_other_results_is_computed(tmp_path, cache):
    before = len(list(cache.iterdir()))
    # another probe set: other activations of the same network
    probe = with_baseline(tmp_path / "probe", probe={"images_per_class": 5})
    assert probe[1] == ["extract_activations"]
    assert len(list(cache.iterdir())) == before + len(EXTRACTED)
    for folder, changes in (
        ("name", {"name": "other"}),
        ("epochs", {"training": {"epochs": 2, "batch_size": 256}}),
    ):
        assert with_baseline(tmp_path / folder, target=TRAINED[0], **changes)[1] == BOTH[1:]
    assert len(list(cache.iterdir())) == before + len(EXTRACTED) + 2 * len(TRAINED)


def test_without_the_option_nothing_is_cached_and_nothing_said(tmp_path, own_cache):
    own_cache.mkdir()
    project = Project.new(tmp_path / "project", QUICK)
    done = project.snakemake("--", f"{BASELINE.format('tiny')}/{TRAINED[0]}")
    assert not list(own_cache.iterdir())
    assert "cach" not in (done.stdout + done.stderr).replace(str(tmp_path), "")


def test_a_damaged_entry_is_named_with_its_link_and_never_used(tmp_path, first, own_cache):
    entry = (first[1].folder / BASELINE.format("tiny") / TRAINED[0]).resolve()
    header, tensors = read_network(entry)
    shutil.copytree(first[0], own_cache)
    entry = own_cache / entry.name
    entry.write_bytes(entry.read_bytes()[:-40])
    project = Project.new(tmp_path / "project", QUICK | {"probe": {"images_per_class": 4}})
    link, target = (f"{BASELINE.format('tiny')}/{name}" for name in (TRAINED[0], EXTRACTED[0]))
    done = project.snakemake("--cache", "--", target, check=False)
    output = done.stdout + done.stderr
    said = [line for line in output.splitlines() if line.startswith("error: ")]
    assert done.returncode and "Traceback" not in output
    assert said and all(line.startswith(f"error: {link}: ") for line in said)
    assert all(f"delete {entry} too" in line for line in said)
    assert not (project.folder / target).exists()

    # the remedy, as it is said
    (project.folder / link).unlink()
    entry.unlink()
    project.snakemake("--cache", "--", target)
    assert (project.folder / target).exists()
    assert (project.folder / link).resolve() == entry
    again, new = read_network(entry)
    assert again == header and all((new[name] == value).all() for name, value in tensors.items())


@pytest.mark.long
def test_two_folders_that_fill_a_cache_at_once_have_whole_files_and_the_same(tmp_path, own_cache):
    own_cache.mkdir()
    projects = [Project.new(tmp_path / name, QUICK) for name in ("first", "second")]
    target = f"{BASELINE.format('tiny')}/{EXTRACTED[0]}"
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "--configfile", "mine.yaml"]
    running = []
    for project in projects:
        project.write_configuration()
        running.append(
            subprocess.Popen(
                [*command, "--cache", "--", target],
                cwd=project.folder,
                env=project.environment(),
                stderr=(project.folder / "said.txt").open("w"),
            )
        )
    for project, process in zip(projects, running, strict=True):
        assert process.wait() == 0, (project.folder / "said.txt").read_text()
    entries = [path for path in own_cache.iterdir() if path.is_file()]
    assert len(entries) == len(TRAINED + EXTRACTED)
    for name in TRAINED + EXTRACTED:
        one, other = (p.folder / BASELINE.format("tiny") / name for p in projects)
        assert one.is_symlink() and one.resolve() == other.resolve() in entries
    read_network(one.parents[1] / TRAINED[0])
    read_activations(one.parents[1] / EXTRACTED[0])
