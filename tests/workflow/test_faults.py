"""What goes wrong while the workflow runs: it is killed, interrupted, or finds no space."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from layer_pruning.activations.features import read_activations
from layer_pruning.data.image_file import read_data
from layer_pruning.models.network_file import read_network
from projects import TINY, Project
from shared_files import ROOT

SUMMARY = "results/summary.csv"
KILLS = 30
SHORT = TINY | {
    "criteria": {"votes": ["cka", "procrustes"]},
    "bootstrap": {"resamples": 0},
    "removals": 1,
}


RULES = tuple(path.stem for path in (ROOT / "workflow" / "scripts").glob("*.py"))


class Started:
    """Snakemake in a session of its own, as in a terminal of its own."""

    def __init__(self, project: Project, *arguments: str, cores: int = 2) -> None:
        project.write_configuration()
        self.output = (project.folder / "output.txt").open("w+")
        command = [sys.executable, "-m", "snakemake", "--cores", str(cores)]
        self.process = subprocess.Popen(
            [*command, "--configfile", "mine.yaml", *arguments, "--", SUMMARY],
            cwd=project.folder,
            env=project.environment(),
            stdout=self.output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            # a test run in the background has its children ignore Ctrl-C
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def members(self) -> dict[int, str]:
        """Processes of the session that are alive, orphans included, with their command lines."""
        found = {}
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                if os.getsid(int(entry.name)) == self.process.pid:
                    words = (entry / "cmdline").read_bytes().split(b"\0")
                    found[int(entry.name)] = b" ".join(words).decode(errors="replace")
            except (ProcessLookupError, FileNotFoundError):
                continue
        return {pid: line for pid, line in found.items() if line}

    def job(self, *rules: str) -> int | None:
        """A process that runs the script of one of ``rules``."""
        for pid, line in self.members().items():
            if line.endswith(tuple(f".{rule}.py " for rule in rules)) and "bash" not in line:
                return pid
        return None

    def wait_for(self, *rules: str) -> int | None:
        """As :meth:`job`, once there is one; None where Snakemake ends before."""
        while self.process.poll() is None:
            if (pid := self.job(*rules)) is not None:
                return pid
            time.sleep(0.02)
        return None

    def wait(self) -> int:
        return self.process.wait(timeout=900)

    def said(self) -> str:
        self.output.flush()
        return Path(self.output.name).read_text(errors="replace")

    def end(self) -> None:
        """Kill what is left of the session."""
        for pid in self.members():
            kill(pid)
        self.process.wait()
        self.output.close()


def kill(pid: int) -> bool:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def whole(folder: Path) -> None:
    """Every file below results that has a reader is whole; no temporary one counts as a result."""
    readers = {"network.safetensors": read_network, "pruned.safetensors": read_network}
    readers |= {"activations.npz": read_activations, "data.npz": read_data}
    for path in folder.glob("results/**/*"):
        if path.name in readers:
            readers[path.name](path)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    project = Project.new(tmp_path_factory.mktemp("undisturbed") / "project", SHORT)
    project.snakemake("--", SUMMARY)
    return project.values()


def disturb(run: Started, victim: str, generator: random.Random) -> bool:
    """Kill something of a run at a random moment; whether it came to that."""
    rules = {"training": ("train_baseline", "finetune"), "attack": ("attack",)}
    if victim in rules:
        pid = run.wait_for(*rules[victim])
        time.sleep(generator.uniform(0, 2.5))
        return pid is not None and kill(pid)
    # anywhere between the first job and a few jobs later
    if run.wait_for(*RULES) is None:
        return False
    time.sleep(generator.uniform(0, 4))
    if run.process.poll() is not None:
        return False
    if victim == "snakemake":
        return kill(run.process.pid)
    os.killpg(run.process.pid, signal.SIGKILL)
    return True


@pytest.mark.long
def test_thirty_kills_change_no_value_and_the_same_command_goes_on(tmp_path, undisturbed):
    generator = random.Random(0)
    kills = dict.fromkeys(("training", "attack", "snakemake", "group"), 0)
    chains, told = 0, set()
    runs: list[Started] = []
    project = Project.new(tmp_path / "chain-0", SHORT)
    try:
        while sum(kills.values()) < KILLS:
            run = Started(project)
            runs.append(run)
            victim = min(kills, key=lambda name: (kills[name], name))
            killed = disturb(run, victim, generator)
            kills[victim] += killed
            status = run.wait()
            assert status == 0 or killed, run.said()
            assert "Traceback" not in run.said()
            whole(project.folder)
            if killed and victim in ("snakemake", "group"):
                # orphans may go on beside the next run, which does their work again
                if victim not in told:
                    told.add(victim)
                    again = project.snakemake("--", SUMMARY, check=False)
                    assert again.returncode and "--unlock" in again.stderr + again.stdout
                assert project.snakemake_alone("--unlock").returncode == 0
            elif status == 0:
                assert project.values() == undisturbed
                chains += 1
                project = Project.new(tmp_path / f"chain-{chains}", SHORT)
        project.snakemake("--", SUMMARY)
        assert project.values() == undisturbed
        assert min(kills.values()) >= KILLS // 5 and len(told) == 2
    finally:
        for run in runs:
            run.end()


def importing_torch(pid: int) -> bool:
    """Whether a process has loaded the library of PyTorch, early in the seconds of importing it."""
    try:
        return "libtorch" in Path(f"/proc/{pid}/maps").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.long
def test_ctrl_c_is_said_once_and_the_same_command_goes_on(tmp_path, undisturbed):
    project = Project.new(tmp_path / "project", SHORT)
    log = project.path("baseline/logs/train_baseline.log")
    for moment in (importing_torch, lambda pid: log.exists()):
        run = Started(project)
        try:
            pid = run.wait_for("train_baseline")
            assert pid is not None, run.said()
            # the first that is seen may be a child of the job, which has its name until it runs
            while not moment(run.job("train_baseline") or pid):
                assert run.process.poll() is None, run.said()
                time.sleep(0.01)
            # what a terminal sends: to all processes of the foreground group
            os.killpg(run.process.pid, signal.SIGINT)
            status, said = run.wait(), run.said()
        finally:
            run.end()
        assert status != 0
        assert "Traceback" not in said and "KeyboardInterrupt" not in said, said
        assert said.count("Terminating processes on user request") == 1
        assert "Run the same command again to go on" in said
        whole(project.folder)
    project.snakemake("--", SUMMARY)
    assert project.values() == undisturbed


@pytest.fixture
def small_disk(tmp_path):
    """A function that mounts a file system of so many bytes."""
    place = tmp_path / "disk"
    place.mkdir()

    def mount(size: int) -> Path:
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"mount is not permitted here: {done.stderr.strip()}")
        return place

    yield mount
    subprocess.run(["umount", str(place)], capture_output=True)


@pytest.mark.long
def test_a_full_disk_is_one_line_and_with_space_the_same_command_goes_on(
    tmp_path, small_disk, undisturbed
):
    disk = small_disk(40_000_000)
    project = Project.new(tmp_path / "project", SHORT)
    project.snakemake("--directory", str(disk), "--", "results/digits/data.npz")
    ballast = disk / "ballast"
    # the baseline fits, the activations do not: 240 images, with four blocks bypassed
    for left in (40_000, 110_000):
        free = os.statvfs(disk)
        ballast.write_bytes(b"\0" * (free.f_bavail * free.f_frsize - left))
        done = project.snakemake("--directory", str(disk), "--", SUMMARY, check=False)
        output = done.stdout + done.stderr
        assert done.returncode != 0
        said = [line for line in output.splitlines() if line.startswith("error: ")]
        full = [line for line in said if "make space" in line]
        assert full, output
        assert any("results/digits" in line and " MB " in line for line in full)
        whole(disk)
        ballast.unlink()
    project.snakemake("--directory", str(disk), "--", SUMMARY)
    assert Project(disk, SHORT).values() == undisturbed


@pytest.mark.long
def test_a_second_run_in_one_folder_is_told_and_one_in_another_folder_is_not_disturbed(
    tmp_path, undisturbed
):
    project = Project.new(tmp_path / "project", SHORT)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    first = Started(project)
    other = Started(project, "--directory", str(elsewhere), cores=1)
    try:
        assert first.wait_for("train_baseline", "extract_activations") is not None
        second = project.snakemake("--", SUMMARY, check=False)
        output = second.stdout + second.stderr
        assert second.returncode != 0 and "Traceback" not in output
        assert "Directory cannot be locked" in output
        assert first.wait() == 0, first.said()
        assert other.wait() == 0, other.said()
    finally:
        first.end()
        other.end()
    assert project.values() == undisturbed
    assert Project(elsewhere, SHORT).values() == undisturbed


def odd_locales() -> dict[str, str]:
    """A time zone half an hour off, and a locale of seven bits that Python may not mend."""
    return {
        "TZ": "Asia/Kathmandu",
        "LC_ALL": "C",
        "LANG": "tr_TR.ISO-8859-9",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
    }


@pytest.mark.long
def test_odd_surroundings_change_no_value(tmp_path, undisturbed):
    """Spaces and other letters in every path, an odd locale, no network, a read-only checkout."""
    source = Project.new(tmp_path / "Prüfung der Schichten" / "read only", SHORT).folder
    results = tmp_path / "Ergebnisse – 結果; touch PWNED"
    results.mkdir()
    config = results / "meine Wahl.yaml"
    config.write_text(yaml.safe_dump(SHORT))
    wrapper = []
    if subprocess.run(["unshare", "--net", "true"], capture_output=True).returncode == 0:
        wrapper = ["unshare", "--net"]
    mounted = [
        subprocess.run(["mount", *how, str(source)], capture_output=True).returncode == 0
        for how in (["--bind", str(source)], ["-o", "remount,bind,ro"])
    ]
    try:
        snakemake = [*wrapper, sys.executable, "-m", "snakemake", "--cores", "1"]
        where = ["--snakefile", str(source / "Snakefile"), "--directory", str(results)]
        done = subprocess.run(
            [*snakemake, *where, "--configfile", str(config), "--", SUMMARY],
            cwd=results,
            env=os.environ
            | odd_locales()
            | {"PYTHONPATH": str(source / "src"), "OMP_NUM_THREADS": "1"},
            capture_output=True,
        )
        assert done.returncode == 0, (done.stdout + done.stderr).decode(errors="replace")
    finally:
        if mounted[0]:
            subprocess.run(["umount", str(source)], check=True)
    assert Project(results, SHORT).values() == undisturbed
    assert not list(tmp_path.rglob("PWNED"))
    if not wrapper or not all(mounted):
        pytest.skip("everything but: unshare or mount is not permitted here")


@pytest.mark.long
def test_a_command_in_the_name_of_a_folder_is_never_run(tmp_path, write_image):
    """Strings of a configuration that name files may hold anything."""
    config = SHORT | {"probe": {"images_per_class": 7}, "attacks": {}}
    config |= {"corruptions": {"names": []}}
    project = Project.new(tmp_path / "project", config)
    folder = "pictures; touch PWNED $(touch PWNED) 'x' {wildcards} %s"
    for label in ("cat", "dog & touch PWNED"):
        for index in range(20):
            write_image(f"project/{folder}/{label}/{index}.png")
    project.config["datasets"] = {"mine": {"kind": "image_folder", "path": folder}}
    weights = "weights; touch PWNED $(touch PWNED) %s 'x'.safetensors"
    target = "results/mine/tiny/seed-0/baseline/network.safetensors"
    project.snakemake("--", target)
    (project.folder / target).rename(project.folder / weights)
    project.config["architectures"]["tiny"]["weights"] = weights
    project.snakemake("--", target)
    header, _ = read_network(project.folder / target)
    assert header.class_names == ("cat", "dog & touch PWNED")
    assert not list(tmp_path.rglob("PWNED")) and not (ROOT / "PWNED").exists()


def test_a_training_that_ended_after_its_snakemake_was_killed_is_not_repeated(tmp_path):
    project = Project.new(tmp_path / "project", SHORT)
    run = Started(project)
    try:
        training = run.wait_for("train_baseline")
        assert training is not None
        assert kill(run.process.pid)
        run.process.wait()
        while Path("/proc", str(training)).exists():
            time.sleep(0.1)
    finally:
        run.end()
    project.snakemake("--unlock")
    network = project.path("baseline/network.safetensors")
    before = read_network(network)[1]
    project.snakemake("--until", "train_baseline", "--", SUMMARY)
    said = project.path("baseline/logs/train_baseline.log").read_text()
    assert ": train loss" not in said and "epoch 1 of 2" not in said
    assert "going on after epoch 2 of 2" in said
    after = read_network(network)[1]
    assert all(after[name].tobytes() == value.tobytes() for name, value in before.items())
