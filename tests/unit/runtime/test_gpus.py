import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import time

import pytest
import torch

from layer_pruning.runtime import devices, gpus
from layer_pruning.runtime.devices import own_gpus, select_device

# a job: takes a card, says which, and holds it until it is killed or its input ends
HOLDER = """
import sys
from pathlib import Path
from layer_pruning.runtime import gpus
gpus.LOCKS = Path(sys.argv[1])
gpus.DEVICES, gpus.DRIVER = Path(sys.argv[3]), gpus.LOCKS / "driver"
if len(sys.argv) > 4:
    real = gpus.LOCKED
    class Told:
        "What the kernel tells of locks: nothing, or of others' files too."
        def read_text(self):
            if sys.argv[4] == "nothing":
                return ""
            lines = real.read_text().splitlines()
            others = [" ".join([*line.split()[:4], "1", *line.split()[5:]]) for line in lines]
            return "\\n".join(others + lines)
    gpus.LOCKED = Told()
try:
    print(gpus.take_gpu(sys.argv[2].split(","), poll_seconds=0.02), flush=True)
except ValueError as error:
    print(error, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A function that gives this machine so many cards, and no other process holds one."""

    def with_cards(count, visible=None):
        for index in range(count):
            (tmp_path / f"nvidia{index}").touch()
        for other in ("nvidiactl", "nvidia-uvm", "nvidia-caps"):
            (tmp_path / other).touch()
        monkeypatch.setattr(gpus, "DEVICES", tmp_path)
        monkeypatch.setattr(gpus, "DRIVER", tmp_path / "driver")
        monkeypatch.setattr(gpus, "LOCKS", tmp_path)
        monkeypatch.setattr(gpus, "_held", {})
        monkeypatch.setattr(devices, "_kind", None)
        monkeypatch.setattr(devices, "_own", None)
        monkeypatch.setenv("CUDA_DEVICE_ORDER", "PCI_BUS_ID")
        if visible is None:
            monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        else:
            monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
        return tmp_path

    return with_cards


@pytest.fixture
def start():
    """A function that starts a job on the locks in a folder; all are killed in the end."""
    jobs = []

    def job(folder, cards="0,1", devices="nowhere", locks=None, **environment):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        command = [sys.executable, "-c", HOLDER, str(folder), cards, str(folder / devices)]
        command += [locks] if locks else []
        jobs.append(subprocess.Popen(command, env=os.environ | environment, **pipes))
        return jobs[-1]

    yield job
    for one in jobs:
        with one:
            one.kill()


@pytest.fixture
def node(tmp_path):
    """A machine of two cards whose driver tells them apart; and a process may be shown only one.

    The first card by its bus has the second device file, as on some machines.
    """
    for minor, bus in ((1, "0000:18:00.0"), (0, "0000:3a:00.0")):
        (tmp_path / "driver" / bus).mkdir(parents=True)
        (tmp_path / "driver" / bus / "information").write_text(
            f"Model: \t\t Fake\nGPU UUID: \t GPU-{minor}c0ffee-12\nBus Location: \t {bus}\n"
            f"Device Minor: \t {minor}\nGPU Firmware: \t N/A\n"
        )
    for name, shown in {"both": [0, 1], "only-0": [0], "only-1": [1]}.items():
        (tmp_path / name).mkdir()
        for minor in (0, 1):
            # a folder cannot be opened for writing, as a device that a control group denies
            device = tmp_path / name / f"nvidia{minor}"
            device.touch() if minor in shown else device.mkdir()
    return tmp_path


@pytest.fixture
def rank(node, start):
    """A function that starts one of the processes of a training on that machine."""

    def process(launcher, number, cards="0,1", count=2, locks=None):
        told = {"LAYER_PRUNING_LAUNCHER": launcher, "LAYER_PRUNING_PROCESSES": str(count)}
        return start(node, cards, "both", locks, RANK=number, LOCAL_RANK=number, **told)

    return process


def card_of(job):
    return "none yet" if says_nothing_for(job, 60) else job.stdout.readline().strip()


def until_held(lock):
    """Wait until a process holds a lock."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if lock.exists() and f":{lock.stat().st_ino} 0 EOF" in gpus.LOCKED.read_text():
            return
        time.sleep(0.02)
    pytest.fail(f"nobody holds {lock}")


def says_nothing_for(job, seconds):
    return not select.select([job.stdout], [], [], seconds)[0]


def test_two_jobs_have_a_card_each_and_a_third_waits_for_the_first_that_is_killed(tmp_path, start):
    first, second = start(tmp_path), start(tmp_path)
    cards = [card_of(first), card_of(second)]
    assert sorted(cards) == ["0", "1"]
    third = start(tmp_path)
    assert says_nothing_for(third, 1.0)
    first.send_signal(signal.SIGKILL)
    assert card_of(third) == cards[0]
    second.stdin.close()
    assert card_of(start(tmp_path)) == cards[1]


def test_many_jobs_never_share_a_card(tmp_path, start):
    jobs = [start(tmp_path, "0,1,2,3,4,5") for _ in range(6)]
    assert sorted(card_of(job) for job in jobs) == list("012345")


def test_allocations_of_slurm_have_cards_of_their_own_by_the_same_names(tmp_path, start):
    jobs = [start(tmp_path, "0", SLURM_JOB_ID=number) for number in ("7", "8")]
    assert [card_of(job) for job in jobs] == ["0", "0"]
    assert says_nothing_for(start(tmp_path, "0", SLURM_JOB_ID="7"), 0.5)


def test_a_card_that_each_task_of_a_step_calls_0_is_another_one(node, start):
    step = {"SLURM_JOB_ID": "7", "LAYER_PRUNING_LAUNCHER": "1"}
    tasks = [start(node, "0", f"only-{task}", SLURM_LOCALID=str(task), **step) for task in (0, 1)]
    assert [card_of(task) for task in tasks] == ["0", "0"]
    # and a job of the same allocation that is shown both waits for either of them
    third = start(node, "0,1", "both", SLURM_JOB_ID="7")
    assert says_nothing_for(third, 0.5)
    tasks[0].kill()
    assert card_of(third) == "1"


def test_tasks_with_a_card_each_do_not_wait_where_no_driver_tells_cards_apart(tmp_path, start):
    tasks = [start(tmp_path, "0", SLURM_JOB_ID="7", SLURM_LOCALID=local) for local in "012"]
    assert [card_of(task) for task in tasks] == ["0", "0", "0"]
    assert says_nothing_for(start(tmp_path, "0", SLURM_JOB_ID="7"), 0.5)


@pytest.mark.parametrize("same", ["GPU-0c0ffee-12", "GPU-0c0", "1"])
def test_a_card_has_one_lock_whatever_it_is_called(node, start, same):
    assert card_of(start(node, "0", "only-0", SLURM_JOB_ID="7")) == "0"
    assert says_nothing_for(start(node, same, "both", SLURM_JOB_ID="7", SLURM_LOCALID="1"), 0.5)


def test_processes_of_a_training_on_one_machine_have_a_card_each(node, start):
    ranks = [start(node, "0,1", "both", LAYER_PRUNING_LAUNCHER="12") for _ in range(2)]
    assert sorted(card_of(rank) for rank in ranks) == ["0", "1"]


@pytest.mark.parametrize("cards", ["0", "0,1"])
def test_a_process_without_a_card_says_so_instead_of_waiting_for_its_fellows(node, start, cards):
    ranks = [start(node, cards, "both", LAYER_PRUNING_LAUNCHER="12") for _ in cards.split(",")]
    assert sorted(card_of(rank) for rank in ranks) == cards.split(",")
    one_more = start(node, cards, "both", LAYER_PRUNING_LAUNCHER="12", SLURM_LOCALID="1")
    assert "as many processes as GPUs" in card_of(one_more)
    # another training waits for them
    assert says_nothing_for(start(node, cards, "both", LAYER_PRUNING_LAUNCHER="13"), 0.5)


def test_two_trainings_that_begin_together_have_all_their_cards_one_after_the_other(node, rank):
    first = [rank("12", "0")]
    until_held(node / "layer-pruning-gpu--0000_18_00_0.lock")
    # without a turn of its own it would take the card that the second of the others needs
    second = [rank("13", "0"), rank("13", "1")]
    assert all(says_nothing_for(job, 0.5) for job in second)
    first.append(rank("12", "1"))
    assert sorted(map(card_of, first)) == ["0", "1"]
    for job in first:
        job.kill()
    assert sorted(map(card_of, second)) == ["0", "1"]


@pytest.mark.parametrize("told", ["nothing", "another disk's file of the same number"])
def test_a_training_has_its_cards_where_the_kernel_tells_little_of_locks(rank, told):
    ranks = [rank("12", number, locks=told) for number in "01"]
    assert sorted(map(card_of, ranks)) == ["0", "1"]


def test_no_process_goes_on_before_all_of_its_training_have_a_card(node, start, rank):
    holder = start(node, "0,1", "both")
    assert card_of(holder) == "0"
    ranks = [rank("12", "0"), rank("12", "1")]
    until_held(node / "layer-pruning-gpu--0000_3a_00_0.lock")
    # one of them has a card by now, and would wait for the other where it cannot be told
    assert all(says_nothing_for(job, 0.5) for job in ranks)
    holder.kill()
    assert sorted(map(card_of, ranks)) == ["0", "1"]


def test_trainings_on_other_cards_have_turns_of_their_own(node, start, rank):
    holder = start(node, "0", "both")
    assert card_of(holder) == "0"
    waiting = rank("12", "0", cards="0", count=1)
    assert says_nothing_for(waiting, 0.5)
    assert card_of(rank("13", "0", cards="1", count=1)) == "1"


@pytest.mark.parametrize(
    ("name", "index"), [("1", 1), ("GPU-0c0ffee", 1), ("GPU-1c0ffee-12", 0), ("MIG-1c0ffee", None)]
)
def test_a_card_is_metered_by_its_place_on_the_bus(node, monkeypatch, name, index):
    monkeypatch.setattr(gpus, "DEVICES", node / "both")
    monkeypatch.setattr(gpus, "DRIVER", node / "driver")
    assert gpus.bus_index(name) == index


def test_a_training_that_is_killed_while_it_waits_leaves_its_turn_to_the_next(node, start, rank):
    holder = start(node, "0,1", "both")
    assert card_of(holder) == "0"
    first = [rank("12", "0"), rank("12", "1")]
    until_held(node / "layer-pruning-gpu--0000_3a_00_0.lock")
    for job in first:
        job.kill()
    second = [rank("13", "0"), rank("13", "1")]
    holder.kill()
    assert sorted(map(card_of, second)) == ["0", "1"]


def test_waiting_is_said_once(machine, start, caplog, monkeypatch):
    folder = machine(1)
    holder = start(folder, "0")
    assert card_of(holder) == "0"
    waits = iter([None, None, holder.kill])

    def a_while(seconds):
        if end := next(waits, None):
            end()
            holder.wait()

    monkeypatch.setattr(gpus.time, "sleep", a_while)
    assert gpus.take_gpu(["0"]) == "0"
    assert [record.message for record in caplog.records if record.levelname == "WARNING"] == [
        "other jobs hold GPU 0: waiting until one ends"
    ]


def test_a_process_has_one_card(machine):
    machine(2)
    assert [gpus.take_gpu(["0", "1"]) for _ in range(2)] == ["0", "0"]
    assert gpus.take_gpu(["1", "0"]) == "0"


@pytest.mark.parametrize(
    ("visible", "expected"),
    [
        (None, ["0", "1", "2"]),
        ("", []),
        ("-1", []),
        ("2,0", ["2", "0"]),
        ("1,-1,0", ["1"]),
        ("0,3,1", ["0"]),
        ("1,1", ["1"]),
        ("GPU-8932f937,MIG-1a", ["GPU-8932f937", "MIG-1a"]),
        ("NoDevFiles", []),
    ],
)
def test_the_cards_are_those_that_cuda_would_show(machine, visible, expected):
    machine(3, visible)
    assert gpus.visible_gpus() == expected


def test_a_card_that_a_process_may_not_open_is_none_of_its_cards(node, monkeypatch):
    monkeypatch.setattr(gpus, "DRIVER", node / "driver")
    monkeypatch.setattr(gpus, "DEVICES", node / "only-1")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert gpus.visible_gpus() == ["0"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1,0")
    assert gpus.visible_gpus() == []


def test_a_variable_without_a_card_is_no_card(machine):
    machine(0, "0,1")
    assert gpus.visible_gpus() == []
    assert gpus.gpu_jobs_at_a_time("auto") is None


def test_as_many_jobs_at_a_time_as_cards_that_are_theirs(machine):
    machine(3, "0,2")
    at_a_time = {device: gpus.gpu_jobs_at_a_time(device) for device in ("auto", "cuda", "cuda:1")}
    assert at_a_time == {"auto": 2, "cuda": 2, "cuda:1": 1}
    assert gpus.gpu_jobs_at_a_time("cpu") is None


def test_a_device_is_a_card_that_no_other_job_holds(machine, start, monkeypatch):
    folder = machine(3, "2,1")
    assert card_of(start(folder, "2")) == "2"
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert select_device("auto", 1) == torch.device("cuda")
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "1"
    # a second network in the same process
    assert select_device("cuda", 1) == torch.device("cuda")
    assert own_gpus() == [1]


@pytest.mark.parametrize("device", ["cpu", "cuda:0"])
def test_the_cpu_and_a_named_card_are_not_waited_for(machine, start, monkeypatch, device):
    folder = machine(1)
    assert card_of(start(folder, "0")) == "0"
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert select_device(device, 1) == torch.device(device)
    assert "CUDA_VISIBLE_DEVICES" not in os.environ


@pytest.mark.parametrize(
    ("device", "cuda", "own"),
    [
        ("cuda:1", "13.0", [1]),
        ("cuda:0", "13.0", [2]),
        ("cpu", "13.0", []),
        ("cpu", None, []),
        ("cuda:1", None, None),
    ],
)
def test_whose_energy_is_counted_is_the_card_that_is_computed_on(
    machine, monkeypatch, device, cuda, own
):
    machine(3, "2,1")
    monkeypatch.setattr(torch.version, "cuda", cuda)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    select_device(device, 1)
    assert own_gpus() == own


def test_where_slurm_names_a_card_that_is_not_there_auto_is_the_cpu(machine, monkeypatch):
    machine(0, "0")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert select_device("auto", 1) == torch.device("cpu")


@pytest.mark.parametrize("kind", ["fifo", "folder", "link", "socket"])
def test_what_is_no_plain_file_in_place_of_a_lock_is_named_and_hangs_no_job(
    tmp_path, monkeypatch, kind
):
    monkeypatch.setattr(gpus, "LOCKS", tmp_path)
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    path = tmp_path / "layer-pruning-gpu--0.lock"
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as bound:
        {
            "fifo": lambda: os.mkfifo(path),
            "folder": path.mkdir,
            "link": lambda: path.symlink_to(os.devnull),
            "socket": lambda: bound.bind(str(path)),
        }[kind]()
        with pytest.raises(OSError, match="cannot be locked") as caught:
            gpus.take_gpu(["0"])
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)
    # it is still there: it may be somebody's
    assert path.is_symlink() or path.exists()
