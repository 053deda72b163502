import dataclasses
import multiprocessing
import os
import signal
import time

import pytest
import torch

from layer_pruning.training.loop import Split, accuracy, batches, derived_seed, train
from layer_pruning.training.recipe import SCHEDULES, Recipe
from layer_pruning.training.resume import read_state, write_state
from small_networks import random_network

RECIPE = Recipe(
    epochs=4,
    batch_size=16,
    learning_rate=0.05,
    schedule="one_cycle",
    momentum=0.9,
    weight_decay=5e-4,
    label_smoothing=0.1,
    shift_pixels=1,
    flip=True,
    keep="last",
)


def splits(seed=0):
    """Images whose class is written in one bright quarter, so that a small network learns it."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, 4, (96,), generator=generator)
    images = torch.rand(96, 1, 8, 8, generator=generator) * 0.3
    for image, label in zip(images, labels, strict=True):
        row, column = divmod(int(label), 2)
        image[0, row * 4 : row * 4 + 4, column * 4 : column * 4 + 4] += 0.6
    return Split(images[:64], labels[:64]), Split(images[64:], labels[64:])


def small_network():
    return random_network("tiny", depth=8, widths=(6, 8, 12), classes=4)


def run(state_path, recipe=RECIPE, network=None, data=None, **options):
    torch.set_num_threads(1)
    network = network or small_network()
    result = train(network, *(data or splits()), recipe, seed=3, state_path=state_path, **options)
    return network, result.history


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(one.values(), other.values(), strict=True))


def test_training_learns_and_says_how_it_went(tmp_path):
    recipe = dataclasses.replace(RECIPE, epochs=20, flip=False, label_smoothing=0.0)
    network, history = run(tmp_path / "state", recipe)
    assert [epoch.epoch for epoch in history] == list(range(1, 21))
    assert history[-1].validation_accuracy == accuracy(network, splits()[1], 7) > 0.9
    assert history[-1].train_loss < history[0].train_loss
    assert history[-1].learning_rate == pytest.approx(0.0, abs=1e-12)


def test_the_same_seed_gives_the_same_network_bit_for_bit(tmp_path):
    one, _ = run(tmp_path / "one")
    two, _ = run(tmp_path / "two")
    assert same(one.state_dict(), two.state_dict())


def _run_in_child(state, result):
    network, _ = run(state)
    torch.save(network.state_dict(), result)


def test_a_run_killed_at_any_moment_ends_as_one_that_never_was(tmp_path):
    expected, history = run(tmp_path / "undisturbed")
    state, result = tmp_path / "state", tmp_path / "result"
    context = multiprocessing.get_context("fork")
    kills = 0
    for wait in (0.02, 0.06, 0.11, 0.17):
        child = context.Process(target=_run_in_child, args=(state, result))
        child.start()
        time.sleep(wait)
        if child.is_alive():
            os.kill(child.pid, signal.SIGKILL)
            kills += 1
        child.join()
    resumed, resumed_history = run(state)
    assert kills > 0
    assert same(expected.state_dict(), resumed.state_dict())
    assert [e.train_loss for e in resumed_history] == [e.train_loss for e in history]


class Killed(Exception):
    pass


@pytest.mark.parametrize("epochs_done", [1, 2, 3])
def test_going_on_after_an_epoch_is_exact_and_does_not_repeat_it(
    epochs_done, tmp_path, monkeypatch
):
    expected, _ = run(tmp_path / "undisturbed")
    written = []

    def write_and_die(*arguments, **options):
        write_state(*arguments, **options)
        written.append(len(options["history"]))
        if len(written) == epochs_done:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("layer_pruning.training.loop.write_state", write_and_die)
        with pytest.raises(Killed):
            run(tmp_path / "state")
    monkeypatch.setattr(
        "layer_pruning.training.loop.write_state",
        lambda *a, **o: (write_state(*a, **o), written.append(len(o["history"]))),
    )
    resumed, history = run(tmp_path / "state")
    assert same(expected.state_dict(), resumed.state_dict())
    assert written == [1, 2, 3, 4] and len(history) == 4


class WithDropout(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.dropout = small_network(), torch.nn.Dropout(0.3)

    def forward(self, images):
        return self.body(self.dropout(images))


def interrupted(state_path, after, monkeypatch, **options):
    """A run that dies once it has written its state after so many epochs."""

    def write_and_die(*arguments, **state):
        write_state(*arguments, **state)
        if len(state["history"]) == after:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("layer_pruning.training.loop.write_state", write_and_die)
        with pytest.raises(Killed):
            run(state_path, **options)


def test_masks_of_dropout_are_those_of_an_undisturbed_run(tmp_path, monkeypatch):
    expected, _ = run(tmp_path / "undisturbed", network=WithDropout())
    interrupted(tmp_path / "state", 2, monkeypatch, network=WithDropout())
    torch.manual_seed(99)
    before = torch.get_rng_state()
    resumed, _ = run(tmp_path / "state", network=WithDropout())
    assert same(expected.state_dict(), resumed.state_dict())
    assert torch.equal(torch.get_rng_state(), before)
    other, _ = run(tmp_path / "other", network=WithDropout(), context="unused")
    assert same(expected.state_dict(), other.state_dict())


def test_a_state_of_other_data_is_never_gone_on_from(tmp_path, monkeypatch):
    expected, _ = run(tmp_path / "fresh", data=splits(1), context="b")
    interrupted(tmp_path / "state", 2, monkeypatch, context="a")
    resumed, history = run(tmp_path / "state", data=splits(1), context="b")
    assert same(expected.state_dict(), resumed.state_dict()) and len(history) == 4


def test_a_run_says_after_which_epoch_it_went_on(tmp_path, monkeypatch):
    interrupted(tmp_path / "state", 3, monkeypatch)
    options = {"seed": 3, "state_path": tmp_path / "state"}
    assert train(small_network(), *splits(), RECIPE, **options).resumed_after == 3
    options["state_path"] = tmp_path / "new"
    assert train(small_network(), *splits(), RECIPE, **options).resumed_after == 0


def test_the_state_of_another_run_or_a_damaged_one_is_not_used(tmp_path, caplog):
    path = tmp_path / "state"
    write_state(path, run="mine", history=[], tensors={"a": torch.ones(2)})
    assert read_state(path, run="mine") is not None
    assert read_state(path, run="another") is None
    path.write_bytes(path.read_bytes()[:-3])
    assert read_state(path, run="mine") is None
    assert "cannot be read" in caplog.text


def test_best_on_validation_is_kept_where_asked_for(tmp_path, monkeypatch):
    scores = iter([0.2, 0.9, 0.5, 0.4])
    snapshots = []

    def scripted(network, split, batch_size):
        snapshots.append({k: v.clone() for k, v in network.state_dict().items()})
        return next(scores)

    monkeypatch.setattr("layer_pruning.training.loop.accuracy", scripted)
    recipe = dataclasses.replace(RECIPE, keep="best_validation")
    network, _ = run(tmp_path / "state", recipe)
    assert same(network.state_dict(), snapshots[1])


def test_a_loss_that_is_not_finite_stops_the_run_and_keeps_the_last_good_state(tmp_path):
    recipe = dataclasses.replace(RECIPE, learning_rate=1e30, schedule="multi_step", epochs=3)
    with pytest.raises(FloatingPointError, match=r"loss is (nan|inf) at epoch 1, step \d+"):
        run(tmp_path / "state", recipe)
    assert not (tmp_path / "state").exists()


def test_norms_and_biases_do_not_decay(tmp_path):
    """With gradients of zero, only weight decay moves a parameter."""
    from layer_pruning.training.loop import NesterovSGD

    network = small_network()
    before = {name: value.clone() for name, value in network.named_parameters()}
    for parameter in network.parameters():
        parameter.grad = torch.zeros_like(parameter)
    NesterovSGD(network, RECIPE).step(0.1)
    for name, parameter in network.named_parameters():
        moved = not torch.equal(parameter, before[name])
        assert moved == (parameter.ndim > 1), name


def test_steps_equal_those_of_the_optimizer_class():
    from layer_pruning.training.loop import NesterovSGD

    ours, theirs = small_network(), small_network()
    optimizer = NesterovSGD(ours, dataclasses.replace(RECIPE, weight_decay=0.0))
    reference = torch.optim.SGD(theirs.parameters(), lr=0.1, momentum=0.9, nesterov=True)
    split = splits()[0]
    for _ in range(3):
        for network in (ours, theirs):
            network.zero_grad()
            torch.nn.functional.cross_entropy(network(split.images), split.labels).backward()
        optimizer.step(0.1)
        reference.step()
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.allclose(a, b, atol=1e-6)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_schedules_stay_between_nothing_and_their_peak(schedule):
    recipe = dataclasses.replace(RECIPE, schedule=schedule)
    rates = [recipe.learning_rate_at(step / 100) for step in range(101)]
    assert min(rates) >= 0 and max(rates) == pytest.approx(0.05)
    if schedule != "one_cycle":
        assert rates == sorted(rates, reverse=True)


def test_multi_step_divides_by_ten_at_one_half_and_three_quarters():
    recipe = dataclasses.replace(RECIPE, schedule="multi_step", learning_rate=1.0)
    rates = [recipe.learning_rate_at(progress) for progress in (0.49, 0.5, 0.74, 0.75)]
    assert rates == pytest.approx([1.0, 0.1, 0.1, 0.01])


@pytest.mark.parametrize(("count", "size"), [(64, 16), (65, 16), (3, 16), (33, 32)])
def test_batches_hold_every_image_once_and_never_a_single_one(count, size):
    parts = list(batches(count, size, torch.Generator().manual_seed(0)))
    assert sorted(torch.cat(parts).tolist()) == list(range(count))
    assert min(map(len, parts)) > 1


def test_derived_seeds_differ_by_purpose():
    seeds = {derived_seed(0, "a"), derived_seed(0, "b"), derived_seed(1, "a"), derived_seed(0)}
    assert len(seeds) == 4 and all(0 <= seed < 2**63 for seed in seeds)
