import dataclasses
import itertools
import logging
import multiprocessing
import os
import random
import signal
import time

import pytest
import torch
import torch.nn.utils.prune
from torch.nn import functional

from layer_pruning.data.loading import Split
from layer_pruning.training.loop import Trainer, accuracy, batches, derived_seed, train
from layer_pruning.training.optimizer import NesterovSGD
from layer_pruning.training.precision import has_bfloat16
from layer_pruning.training.recipe import Recipe
from layer_pruning.training.resume import read_state, write_state
from layer_pruning.training.teacher import Teacher
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

SCHEDULES = ("one_cycle", "cosine", "multi_step", "constant")


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
    assert 0 < history[-1].learning_rate < 0.001 * recipe.learning_rate


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


STRONG = dataclasses.replace(
    RECIPE,
    ema_decay=0.9,
    distillation_weight=0.5,
    precision="bfloat16" if has_bfloat16(torch.device("cpu")) else "float32",
    keep="best_validation",
)


TRANSFORMER = dataclasses.replace(
    STRONG,
    optimizer="adamw",
    learning_rate=0.01,
    schedule="cosine",
    warmup_ratio=0.3,
    gradient_clipping=1.0,
    layer_decay=0.8,
    rand_augment=9,
    mixup_alpha=0.8,
    cutmix_alpha=1.0,
)


@pytest.mark.parametrize("recipe", [STRONG, TRANSFORMER], ids=["sgd", "adamw"])
def test_all_options_together_resume_exactly(recipe, tmp_path, monkeypatch):
    teacher = {"teacher": random_network("tiny", depth=8, widths=(6, 8, 12), classes=4, seed=9)}
    expected, _ = run(tmp_path / "undisturbed", recipe, **teacher)
    interrupted(tmp_path / "state", 2, monkeypatch, recipe=recipe, **teacher)
    resumed, _ = run(tmp_path / "state", recipe, **teacher)
    assert same(expected.state_dict(), resumed.state_dict())


@pytest.mark.parametrize(
    "change",
    [
        {"gradient_clipping": 0.1},
        {"warmup_ratio": 0.5},
        {"layer_decay": 0.5},
        {"rand_augment": 15},
        {"mixup_alpha": 1.0},
        {"cutmix_alpha": 1.0},
        {"betas": (0.5, 0.9)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_each_setting_of_the_optimizer_and_the_images_changes_the_network(change, tmp_path):
    recipe = dataclasses.replace(
        RECIPE, optimizer="adamw", learning_rate=0.01, schedule="cosine", epochs=1
    )
    plain, _ = run(tmp_path / "one", recipe)
    changed, _ = run(tmp_path / "two", dataclasses.replace(recipe, **change))
    assert not same(plain.state_dict(), changed.state_dict())


def test_adamw_learns(tmp_path):
    recipe = dataclasses.replace(
        RECIPE, epochs=20, flip=False, optimizer="adamw", learning_rate=0.01, schedule="cosine"
    )
    network, _ = run(tmp_path / "state", recipe)
    assert accuracy(network, splits()[1], 32) > 0.9


@pytest.mark.parametrize("change", [{"ema_decay": 0.0}, {"distillation_weight": 0.0}])
def test_averaging_and_distillation_change_what_is_kept(change, tmp_path):
    teacher = small_network()
    recipe = dataclasses.replace(STRONG, precision="float32", keep="last")
    with_all, _ = run(tmp_path / "one", recipe, teacher=teacher)
    less, _ = run(tmp_path / "two", dataclasses.replace(recipe, **change), teacher=teacher)
    assert not same(with_all.state_dict(), less.state_dict())


def test_a_distilled_network_follows_its_teacher(tmp_path):
    """The teacher calls every class by the next one's name; the labels have no say."""
    teacher, _ = run(tmp_path / "teacher", dataclasses.replace(RECIPE, epochs=20, flip=False))
    with torch.no_grad():
        teacher.body.classifier.weight.copy_(teacher.body.classifier.weight.roll(1, 0))
        teacher.body.classifier.bias.copy_(teacher.body.classifier.bias.roll(1, 0))
    recipe = dataclasses.replace(RECIPE, epochs=20, flip=False, distillation_weight=1.0)
    student, _ = run(tmp_path / "student", recipe, teacher=teacher)
    images, labels = splits()[1].images, splits()[1].labels
    assert (student(images).argmax(1) == (labels + 1) % 4).float().mean() > 0.9


@pytest.mark.parametrize("flip", [True, False])
def test_a_teacher_is_asked_once_about_images_that_never_change(flip, tmp_path, monkeypatch):
    """What it remembers is what it would say again."""
    recipe = dataclasses.replace(RECIPE, flip=flip, shift_pixels=0, distillation_weight=0.7)
    asked, teacher = [], small_network()
    predict = Teacher.predict
    monkeypatch.setattr(
        Teacher, "predict", lambda self, images: asked.append(len(images)) or predict(self, images)
    )
    with_memory, _ = run(tmp_path / "one", recipe, teacher=teacher)
    images = len(splits()[0].labels)
    assert sum(asked) == images * (recipe.epochs if flip else 1)
    monkeypatch.setattr(Teacher, "remember", lambda self, split: None)
    without, _ = run(tmp_path / "two", recipe, teacher=teacher)
    for name, value in with_memory.state_dict().items():
        assert torch.allclose(value.float(), without.state_dict()[name].float(), atol=1e-4), name


def test_another_teacher_is_another_run(tmp_path, monkeypatch):
    recipe = dataclasses.replace(RECIPE, distillation_weight=0.5)
    other = random_network("tiny", depth=8, widths=(6, 8, 12), classes=4, seed=9)
    interrupted(tmp_path / "state", 2, monkeypatch, recipe=recipe, teacher=small_network())
    expected, _ = run(tmp_path / "fresh", recipe, teacher=other)
    resumed, _ = run(tmp_path / "state", recipe, teacher=other)
    assert same(expected.state_dict(), resumed.state_dict())


def test_distillation_without_a_teacher_is_refused(tmp_path):
    with pytest.raises(ValueError, match="distillation_weight: there is no network"):
        run(tmp_path / "state", dataclasses.replace(RECIPE, distillation_weight=0.5))


def test_the_layout_in_memory_changes_nothing_but_rounding(tmp_path):
    one, _ = run(tmp_path / "one", dataclasses.replace(RECIPE, channels_last=True))
    two, _ = run(tmp_path / "two", dataclasses.replace(RECIPE, channels_last=False))
    for name, value in one.state_dict().items():
        assert torch.allclose(value.double(), two.state_dict()[name].double(), atol=1e-4), name
        assert value.is_contiguous()


def test_the_network_that_is_trained_is_the_one_that_was_compiled(tmp_path, monkeypatch):
    calls = []

    def compiled(network):
        def forward(images):
            calls.append(len(images))
            return network(images)

        return forward

    monkeypatch.setattr("layer_pruning.training.loop.compiled", compiled)
    one, _ = run(tmp_path / "one")
    assert not calls
    two, _ = run(tmp_path / "two", dataclasses.replace(RECIPE, compile=True))
    assert calls == [16] * 4 * RECIPE.epochs
    assert same(one.state_dict(), two.state_dict())


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

    def scripted(network, split, batch_size, ranks):
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
    network = small_network()
    before = {name: value.clone() for name, value in network.named_parameters()}
    for parameter in network.parameters():
        parameter.grad = torch.zeros_like(parameter)
    NesterovSGD(network, RECIPE).step(0.1)
    for name, parameter in network.named_parameters():
        moved = not torch.equal(parameter, before[name])
        assert moved == (parameter.ndim > 1), name


def test_steps_equal_those_of_the_optimizer_class():
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


@pytest.mark.parametrize("schedule", ["cosine", "multi_step", "constant"])
def test_a_warm_up_rises_in_a_line_to_the_peak(schedule):
    recipe = dataclasses.replace(RECIPE, schedule=schedule, learning_rate=1.0, warmup_ratio=0.2)
    rates = [recipe.learning_rate_at(progress) for progress in (0.0, 0.05, 0.1, 0.2)]
    assert rates == pytest.approx([0.0, 0.25, 0.5, 1.0])
    last = {"cosine": 0.0, "multi_step": 0.01, "constant": 1.0}[schedule]
    assert recipe.learning_rate_at(1.0) == pytest.approx(last)
    if schedule == "cosine":
        assert recipe.learning_rate_at(0.6) == pytest.approx(0.5)


class Recorder(torch.nn.Module):
    """A network that remembers its weight at every step, and a last time when asked."""

    def __init__(self):
        super().__init__()
        self.classifier, self.seen = torch.nn.Linear(64, 4), []

    def forward(self, images):
        if self.training:
            self.seen.append(self.classifier.weight.detach().clone())
        return self.classifier(images.flatten(1))


@pytest.mark.parametrize("warmup_ratio", [0.0, 0.4])
@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize(("epochs", "batch_size"), [(1, 64), (1, 32), (2, 16)])
def test_every_step_moves_the_weights_and_so_does_a_training_of_one(
    epochs, batch_size, schedule, warmup_ratio, tmp_path
):
    plain = {"weight_decay": 0.0, "momentum": 0.0}
    recipe = dataclasses.replace(RECIPE, epochs=epochs, batch_size=batch_size, **plain)
    recipe = dataclasses.replace(recipe, schedule=schedule, warmup_ratio=warmup_ratio)
    network = Recorder()
    _, history = run(tmp_path / "state", recipe, network)
    weights = [*network.seen, network.classifier.weight.detach()]
    assert len(weights) == epochs * 64 // batch_size + 1
    for before, after in itertools.pairwise(weights):
        assert (after - before).abs().max() > 1e-6
    assert all(epoch.learning_rate > 0 for epoch in history)


def test_the_rates_of_steps_are_those_at_their_middles(tmp_path, monkeypatch):
    """A line is then followed exactly, and a division at one half has half of the steps before."""
    rates = []
    step = NesterovSGD.step
    monkeypatch.setattr(NesterovSGD, "step", lambda s, rate: rates.append(rate) or step(s, rate))
    halves = dataclasses.replace(RECIPE, schedule="multi_step", epochs=2)
    run(tmp_path / "one", halves)
    assert [rate / 0.05 for rate in rates] == pytest.approx([1] * 4 + [0.1] * 2 + [0.01] * 2)
    rates.clear()
    run(tmp_path / "two", dataclasses.replace(halves, schedule="constant", warmup_ratio=0.5))
    line = [0.125, 0.375, 0.625, 0.875]
    assert [rate / 0.05 for rate in rates] == pytest.approx([*line, *[1] * 4])
    rates.clear()
    run(tmp_path / "three", dataclasses.replace(halves, schedule="cosine"))
    # from the peak down to zero alike
    assert [a + b for a, b in zip(rates, rates[::-1], strict=True)] == pytest.approx([0.05] * 8)


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


@pytest.mark.parametrize("ema_decay", [0.0, 0.9])
def test_what_is_frozen_stays_bit_for_bit(tmp_path, ema_decay):
    network = small_network()
    network.body.stem.requires_grad_(False)
    network.body.stage2.block1.bn1.weight.requires_grad_(False)
    before = {n: p.clone() for n, p in network.named_parameters()}
    recipe = dataclasses.replace(RECIPE, weight_decay=0.1, ema_decay=ema_decay)
    run(tmp_path / "state", recipe, network)
    for name, parameter in network.named_parameters():
        assert torch.equal(parameter, before[name]) == (not parameter.requires_grad), name


def test_a_parameter_that_takes_no_part_in_the_loss_is_left_alone(tmp_path):
    network = small_network()
    network.body.spare = torch.nn.Linear(3, 3)
    before = network.body.spare.weight.clone()
    run(tmp_path / "state", dataclasses.replace(RECIPE, weight_decay=0.1), network)
    assert torch.equal(network.body.spare.weight, before)


def test_a_network_frozen_whole_cannot_be_trained_and_says_so(tmp_path):
    network = small_network().requires_grad_(False)
    with pytest.raises(ValueError, match="every parameter of the network is frozen"):
        run(tmp_path / "state", network=network)
    run(tmp_path / "state", dataclasses.replace(RECIPE, epochs=0), network)


def test_masked_weights_stay_masked_in_training_with_an_average(tmp_path):
    network = small_network()
    layer = network.body.stem.conv
    torch.nn.utils.prune.l1_unstructured(layer, "weight", amount=0.5)
    network(torch.rand(1, 1, 8, 8))
    run(tmp_path / "state", dataclasses.replace(RECIPE, ema_decay=0.9), network)
    network(torch.rand(1, 1, 8, 8))
    assert torch.equal(layer.weight == 0, layer.weight_mask == 0)


def test_a_state_of_another_number_of_threads_is_passed_over(tmp_path):
    recipe, split = RECIPE, splits()[0]
    before = torch.get_num_threads()
    found = {}
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            trainer = Trainer(small_network(), recipe, None, pixels=split.pixels(), classes=4)
            found[threads] = trainer.fingerprint(3, "")
    finally:
        torch.set_num_threads(before)
    assert len(set(found.values())) == 3


class Converting(torch.nn.Linear):
    """A layer whose state dict of an older version would be converted, as MNASNet's is."""

    _version = 2

    def _load_from_state_dict(self, state, prefix, metadata, *rest):
        if metadata.get("version") != 2:
            raise ValueError("not of this version")
        super()._load_from_state_dict(state, prefix, metadata, *rest)


class OfOnesOwn(torch.nn.Module):
    """A network with a layer that says its version, and one that it holds under two names."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.layers = torch.nn.Sequential(torch.nn.Linear(64, 8), torch.nn.ReLU())
        self.first = self.layers[0]
        self.classifier = Converting(8, 4)

    def forward(self, images):
        return self.classifier(self.layers(images.flatten(1)))


@pytest.mark.parametrize("options", [{}, {"keep": "best_validation"}, {"ema_decay": 0.5}])
def test_a_network_of_ones_own_goes_on_and_ends_as_one_that_never_stopped(
    options, tmp_path, monkeypatch
):
    recipe = dataclasses.replace(RECIPE, **options)
    whole, _ = run(tmp_path / "whole", recipe, OfOnesOwn())
    interrupted(tmp_path / "state", 2, monkeypatch, recipe=recipe, network=OfOnesOwn())
    again, history = run(tmp_path / "state", recipe, OfOnesOwn())
    assert len(history) == 4 and same(whole.state_dict(), again.state_dict())


class Editable(torch.nn.Module):
    """A network whose code a user edits between two processes; no tensor tells of it."""

    def __init__(self, activation=torch.relu, dropped=0.0, hidden=1.0, chance=False):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.classifier = torch.nn.Linear(64, 8), torch.nn.Linear(8, 4)
        self.scale = torch.nn.Parameter(torch.full((8,), hidden))
        self.activation, self.dropped, self.chance = activation, dropped, chance

    def forward(self, images):
        x = self.scale * self.activation(self.first(images.flatten(1)))
        x = torch.nn.functional.dropout(x, self.dropped, self.training)
        if self.chance and self.training and random.random() < 0.5:
            x = x + 1
        return self.classifier(x)


def tanh_gelu(x):
    return functional.gelu(x, approximate="tanh")


EDITS = {
    "what it computes": ({}, {"activation": torch.sin}),
    "by a little": ({"activation": functional.gelu}, {"activation": tanh_gelu}),
    "in training alone": ({"dropped": 0.1}, {"dropped": 0.2}),
    "behind a scale of zero": ({"hidden": 0.0}, {"hidden": 0.0, "activation": torch.sin}),
}


@pytest.mark.parametrize(("before", "after"), EDITS.values(), ids=EDITS)
def test_a_state_of_a_network_whose_code_was_edited_is_passed_over(
    before, after, tmp_path, monkeypatch, caplog
):
    interrupted(tmp_path / "state", 2, monkeypatch, network=Editable(**before))
    expected, _ = run(tmp_path / "fresh", network=Editable(**after))
    with caplog.at_level(logging.INFO):
        resumed, history = run(tmp_path / "state", network=Editable(**after))
    assert same(expected.state_dict(), resumed.state_dict()) and len(history) == 4
    assert "network that computed something else from the same weights" in caplog.text
    assert "going on after" not in caplog.text


def test_a_finished_training_of_other_code_is_none(tmp_path):
    expected, _ = run(tmp_path / "fresh", network=Editable(torch.sin))
    run(tmp_path / "state", network=Editable())
    again, _ = run(tmp_path / "state", network=Editable(torch.sin))
    assert same(expected.state_dict(), again.state_dict())


def test_a_state_of_a_teacher_whose_code_was_edited_is_passed_over(tmp_path, monkeypatch, caplog):
    options = {"recipe": dataclasses.replace(RECIPE, distillation_weight=0.5)}
    interrupted(tmp_path / "state", 2, monkeypatch, teacher=Editable(), **options)
    expected, _ = run(tmp_path / "fresh", teacher=Editable(torch.sin), **options)
    with caplog.at_level(logging.INFO):
        resumed, _ = run(tmp_path / "state", teacher=Editable(torch.sin), **options)
    assert same(expected.state_dict(), resumed.state_dict())
    assert "is that of a teacher that computed something else" in caplog.text
    # in training it is never asked
    interrupted(tmp_path / "other", 2, monkeypatch, teacher=Editable(), **options)
    with caplog.at_level(logging.INFO):
        run(tmp_path / "other", teacher=Editable(dropped=0.5), **options)
    assert "going on after epoch 2" in caplog.text


@pytest.mark.parametrize("options", [{}, {"chance": True}, {"dropped": 0.1}])
def test_a_state_of_the_same_code_is_gone_on_from_whatever_was_drawn(
    options, tmp_path, monkeypatch
):
    """Also where a network draws from what no seed of PyTorch governs, or rounding is another."""
    random.seed(1)
    interrupted(tmp_path / "state", 2, monkeypatch, network=Editable(**options))
    torch.manual_seed(99)
    before = torch.get_rng_state()

    behaviour = Trainer.behaviour
    monkeypatch.setattr(
        Trainer,
        "behaviour",
        lambda self, shape: {
            name: {mode: logits * (1 + 1e-6) for mode, logits in modes.items()}
            for name, modes in behaviour(self, shape).items()
        },
    )
    network, state = Editable(**options), {"seed": 3, "state_path": tmp_path / "state"}
    random.seed(2)
    torch.manual_seed(99)
    assert train(network, *splits(), RECIPE, **state).resumed_after == 2
    assert torch.equal(torch.get_rng_state(), before)
