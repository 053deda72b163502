"""A training that is killed at any moment ends as one that never was."""

import json
import multiprocessing
import random
import time

import pytest
from killed_training import outputs, run

from layer_pruning.models.network_file import read_network
from layer_pruning.training.history import Epoch
from layer_pruning.training.scratch import STATE, forget_training

KILLS = 24


def trained(context, folder, epochs: int | None = None, seconds: float = 0.0) -> bool:
    """Train in a process of its own; whether it ended.

    It is killed ``seconds`` after it has written its state for the ``epochs``-th time.
    """
    state = folder / STATE
    process = context.Process(target=run, args=(str(folder),))
    last = written(state)
    process.start()
    while epochs and process.is_alive():
        if written(state) != last:
            last, epochs = written(state), epochs - 1
        time.sleep(0.002)
    process.join(None if epochs is None else seconds)
    if process.is_alive():
        # SIGKILL: nothing can be tidied up
        process.kill()
        process.join()
        return False
    assert process.exitcode == 0
    return True


def written(state) -> int | None:
    """When a state was written: a renamed file is another one."""
    try:
        return state.stat().st_mtime_ns
    except FileNotFoundError:
        return None


@pytest.mark.long
def test_weights_after_two_dozen_kills_are_bit_for_bit_those_of_an_undisturbed_run(tmp_path):
    # a server that has imported torch forks each process, which then starts in no time
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["killed_training", "sklearn.datasets", "codecarbon"])
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    for folder in (whole, killed):
        folder.mkdir()
    # the first starts the server
    assert trained(context, whole)
    started = time.perf_counter()
    forget(whole)
    assert trained(context, whole)
    duration = time.perf_counter() - started
    _, expected = read_network(outputs(whole)["network"])

    generator = random.Random(0)
    kills, resumed = 0, 0
    while kills < KILLS:
        # after none to two epochs, and anywhere in the next
        if trained(context, killed, kills % 3, generator.uniform(0, 1.5 * duration / 30)):
            check(killed, expected)
            forget(killed)
        else:
            kills += 1
            resumed += (killed / STATE).exists()
            # what is there is whole, or is not there
            if outputs(killed)["network"].exists():
                read_network(outputs(killed)["network"])
    assert resumed > KILLS / 2
    assert trained(context, killed)
    check(killed, expected)
    emissions = json.loads(outputs(killed)["emissions"].read_text())
    # the sum over the parts, or none where CodeCarbon does not measure here
    assert "interrupted" in emissions["reason"]
    assert not emissions["measured"] or emissions["energy_kwh"] > 0
    forget_training(outputs(killed)["network"])
    assert not list(killed.glob("scratch/*"))


def forget(folder) -> None:
    """Leave nothing of a training."""
    forget_training(outputs(folder)["network"])
    for path in outputs(folder).values():
        path.unlink()


def check(folder, expected) -> None:
    _, tensors = read_network(outputs(folder)["network"])
    assert set(tensors) == set(expected)
    assert all(tensors[name].tobytes() == value.tobytes() for name, value in expected.items())
    rows = outputs(folder)["history"].read_text().splitlines()
    assert len(rows) == 31 and rows[0].split(",")[0] == next(iter(Epoch.__dataclass_fields__))
