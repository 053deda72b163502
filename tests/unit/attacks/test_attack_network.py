import sys
from itertools import pairwise

import pytest
import torch
from linear_network import Linear, epsilons_between, grey_images
from torch import nn

from layer_pruning.attacks.evaluation import attack_network
from layer_pruning.attacks.fgsm import cross_entropy_direction, fgsm
from layer_pruning.attacks.guards import perturbation_sizes
from layer_pruning.attacks.result import join_results

LARGE = {"Linf": 0.3, "L2": 2.0}


def run(network, images, labels, attack, norm, epsilons, *, seed=0, **options):
    return attack_network(
        network, images, labels, attack=attack, norm=norm, epsilons=epsilons, seed=seed, **options
    )


def small_network(seed: int = 0) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(256, 5)
        )
    return network.eval()


@pytest.mark.parametrize("norm", ["Linf", "L2"])
@pytest.mark.parametrize("attack", ["fgsm", "pgd"])
def test_two_linear_classes_are_broken_exactly_beyond_their_distance(attack, norm):
    network, images = Linear(2).eval(), grey_images(40)
    labels = network(images).argmax(1)
    distances = network.distances(images, labels, norm)
    epsilons = epsilons_between(distances, 4)
    result = run(network, images, labels, attack, norm, epsilons)
    for entry in result["epsilons"]:
        expected = (distances > entry["epsilon"]).int().tolist()
        assert entry["correct"] == expected
        assert entry["robust_accuracy"] == sum(expected) / 40


@pytest.mark.parametrize("norm", ["Linf", "L2"])
@pytest.mark.parametrize("classes", [2, 3, 4, 10])
def test_autoattack_finds_the_nearest_of_all_classes(classes, norm):
    network, images = Linear(classes).eval(), grey_images(12)
    labels = network(images).argmax(1)
    distances = network.distances(images, labels, norm)
    epsilons = epsilons_between(distances, 2 if norm == "Linf" else 1)
    result = run(network, images, labels, "autoattack", norm, epsilons)
    for entry in result["epsilons"]:
        assert entry["correct"] == (distances > entry["epsilon"]).int().tolist()
    said = [text for text in result["warnings"] if text.startswith(f"autoattack with {classes}")]
    assert len(said) == (1 if classes < 4 else 0)


@pytest.mark.parametrize(
    ("shape", "norm"),
    [((3, 8, 8), "L2"), ((1, 28, 28), "Linf"), ((3, 32, 32), "Linf"), ((3, 6, 10), "Linf")],
)
def test_autoattack_knows_colour_and_any_size(shape, norm):
    network, images = Linear(3, shape=shape).eval(), grey_images(6, shape=shape)
    labels = network(images).argmax(1)
    distances = network.distances(images, labels, norm)
    (entry,) = run(network, images, labels, "autoattack", norm, epsilons_between(distances, 1))[
        "epsilons"
    ]
    assert entry["correct"] == (distances > entry["epsilon"]).int().tolist()
    assert 0 < entry["robust_accuracy"] < 1


@pytest.mark.long
def test_autoattack_equals_the_standard_version_of_the_package():
    from pyautoattack import AutoAttack

    network, images = Linear(10).eval(), grey_images(12)
    # a kink, so that the attacks differ in what they find
    network = nn.Sequential(network, nn.LeakyReLU(0.3)).eval()
    labels = network(images).argmax(1)
    epsilons = [0.005, 0.01]
    ours = run(network, images, labels, "autoattack", "Linf", epsilons, seed=5)
    for entry in ours["epsilons"]:
        with torch.random.fork_rng(devices=[]):
            package = AutoAttack(network, norm="Linf", eps=entry["epsilon"], seed=5)
            adversarial, _ = package.run_standard_evaluation(images, labels, batch_size=12)
        expected = (network(adversarial).argmax(1) == labels).int().tolist()
        assert entry["correct"] == expected
    counts = [sum(entry["correct"]) for entry in ours["epsilons"]]
    assert 0 < counts[1] < counts[0]


@pytest.mark.parametrize("classes", [2, 3, 4, 10])
def test_the_settings_are_those_of_the_standard_version(classes, monkeypatch):
    from pyautoattack import AutoAttack

    from layer_pruning.attacks import autoattack

    used, targets = {}, []

    def keep(self, x, y, *, batch_size):
        used[self.attacks_to_run[0]] = (self, batch_size)
        return x, y

    def keep_target(self, x, y, *, is_targeted):
        targets.append(self.target_class)
        assert (self.n_iter, self.norm) == (standard.fab.n_iter, "L2")
        return x

    monkeypatch.setattr(AutoAttack, "run_standard_evaluation", keep)
    monkeypatch.setattr(autoattack.FABAttack_PT, "attack_single_run", keep_target)
    standard = AutoAttack(nn.Identity(), norm="L2", eps=0.5, seed=7, version="standard")
    network, images = Linear(classes).eval(), grey_images(6)
    labels = network(images).argmax(1)
    run(network, images, labels, "autoattack", "L2", [0.5], seed=7)

    expected = set(standard.attacks_to_run) - {"fab-t"}
    if classes < 4:
        expected -= {"apgd-t"}
    if classes == 3:
        expected |= {"apgd-dlr"}
    assert set(used) == expected
    for attack, batch_size in used.values():
        assert batch_size <= 6
        assert (attack.epsilon, attack.seed, attack.norm) == (0.5, 7, "L2")
        assert attack.apgd_targeted.n_target_classes == min(9, classes - 1)
        for part in ("apgd", "apgd_targeted", "square"):
            ours, theirs = getattr(attack, part), getattr(standard, part)
            assert (ours.n_restarts, ours.eps) == (theirs.n_restarts, theirs.eps)
        assert attack.apgd.n_iter == standard.apgd.n_iter
        assert attack.apgd_targeted.n_iter == standard.apgd_targeted.n_iter
        assert attack.square.n_queries == standard.square.n_queries
    # target 1 would be the class of the image itself
    assert targets == list(range(2, min(9, classes - 1) + 2))


@pytest.mark.parametrize("norm", ["Linf", "L2"])
def test_fab_searches_once_and_answers_for_every_epsilon(norm, monkeypatch):
    from layer_pruning.attacks import autoattack

    searched = []
    original = autoattack.FABAttack_PT.attack_single_run

    def counting(self, x, y, **options):
        searched.append(len(x))
        return original(self, x, y, **options)

    monkeypatch.setattr(autoattack.FABAttack_PT, "attack_single_run", counting)
    network, images = Linear(10).eval(), grey_images(12)
    labels = network(images).argmax(1)
    distances = network.distances(images, labels, norm)
    fab = autoattack.Ensemble(
        network,
        images,
        labels,
        norm=norm,
        attacks=("fab-t",),
        classes=10,
        seed=0,
    )
    for epsilon in epsilons_between(distances, 4):
        found = fab.perturb(torch.arange(12), epsilon)
        assert (perturbation_sizes(images, found, norm) <= epsilon + 1e-6).all()
        assert torch.equal(network(found).argmax(1) == labels, distances > epsilon)
    assert searched == [12] * 9


def test_the_seed_decides_the_adversarial_images():
    from layer_pruning.attacks.autoattack import Ensemble

    network, images = small_network(), grey_images(6)
    labels = network(images).argmax(1)

    def adversarial(seed):
        options = {"norm": "L2", "attacks": ("square",), "classes": 5}
        ensemble = Ensemble(network, images, labels, seed=seed, **options)
        return ensemble.perturb(torch.arange(6), 2.0)

    assert torch.equal(adversarial(0), adversarial(0))
    assert not torch.equal(adversarial(0), adversarial(1))


def test_logits_that_are_not_finite_never_count_as_robust():
    class Breaks(Linear):
        def forward(self, images):
            logits = super().forward(images)
            # class 0 stays on top while class 1 is lost
            far = (images - 0.5).abs().amax((1, 2, 3)) > 0.25
            return torch.where(far[:, None], torch.tensor([1.0, -float("inf")]), logits)

    network, images = Breaks(2).eval(), grey_images(30)
    labels = network(images).argmax(1)
    entry, *_ = run(network, images, labels, "fgsm", "Linf", [0.3])["epsilons"]
    assert entry["correct"] == [0] * 30


@pytest.mark.parametrize("attack", ["fgsm", "pgd", "autoattack"])
def test_wrongly_classified_images_are_not_robust_and_not_attacked(attack):
    network, images = Linear(3).eval(), grey_images(8)
    labels = network(images).argmax(1)
    labels[:3] = (labels[:3] + 1) % 3
    # so small that it changes no prediction
    entry, *_ = run(network, images, labels, attack, "Linf", [1e-7])["epsilons"]
    assert entry["correct"] == [0, 0, 0, 1, 1, 1, 1, 1]
    assert entry["interval_low"] < entry["robust_accuracy"] == 5 / 8 < entry["interval_high"]


def test_all_images_wrong_gives_zero_without_an_attack(monkeypatch):
    network, images = Linear(3).eval(), grey_images(4)
    labels = (network(images).argmax(1) + 1) % 3

    def perturbs(*arguments, **options):
        raise AssertionError("an image was attacked")

    monkeypatch.setattr("layer_pruning.attacks.evaluation.check_perturbation", perturbs)
    result = run(network, images, labels, "autoattack", "L2", [0.5])
    assert result["epsilons"][0]["robust_accuracy"] == 0


@pytest.mark.parametrize(
    ("attack", "norm"), [("pgd", "Linf"), ("pgd", "L2"), ("autoattack", "Linf")]
)
def test_robust_images_only_ever_drop_out_and_epsilons_are_sorted(attack, norm):
    network, images = small_network(), grey_images(16)
    labels = network(images).argmax(1)
    epsilons = [LARGE[norm] * factor for factor in (1.0, 0.01, 0.1)]
    result = run(network, images, labels, attack, norm, epsilons)
    assert [entry["epsilon"] for entry in result["epsilons"]] == sorted(epsilons)
    correct = [entry["correct"] for entry in result["epsilons"]]
    for smaller, larger in pairwise(correct):
        assert all(a >= b for a, b in zip(smaller, larger, strict=True))


def test_an_image_broken_at_a_smaller_epsilon_is_not_attacked_again(monkeypatch):
    from layer_pruning.attacks import autoattack

    seen = []
    original = autoattack.Ensemble.perturb

    def counting(self, rows, epsilon):
        seen.append(len(rows))
        return original(self, rows, epsilon)

    monkeypatch.setattr(autoattack.Ensemble, "perturb", counting)
    network, images = Linear(2).eval(), grey_images(20)
    labels = network(images).argmax(1)
    epsilons = epsilons_between(network.distances(images, labels, "Linf"), 3)
    # three are wrong from the start, so they are never attacked
    labels[:3] = 1 - labels[:3]
    result = run(network, images, labels, "pgd", "Linf", epsilons)
    left = [sum(entry["correct"]) for entry in result["epsilons"]]
    assert seen == [17, *left[:2]]


def test_fgsm_evaluates_every_epsilon_afresh():
    # the correct class comes back at a larger step: logit of class 1 rises, then falls
    class Bump(nn.Module):
        def forward(self, images):
            x = images.flatten(1).mean(1)
            return torch.stack([torch.zeros_like(x), 0.05 - (x - 0.7).abs()], 1)

    images = torch.full((1, 1, 8, 8), 0.5)
    labels = torch.zeros(1, dtype=torch.int64)
    result = run(Bump().eval(), images, labels, "fgsm", "Linf", [0.1, 0.2, 0.4])
    assert [entry["correct"] for entry in result["epsilons"]] == [[1], [0], [1]]


def test_fgsm_follows_the_gradient_of_the_cross_entropy():
    network, images = small_network().double(), grey_images(6).double()
    labels = torch.tensor([0, 1, 2, 3, 4, 0])
    clone = images.clone().requires_grad_()
    nn.functional.cross_entropy(network(clone), labels, reduction="sum").backward()
    direction = cross_entropy_direction(network, images, labels)
    cosine = nn.functional.cosine_similarity(direction.flatten(1), clone.grad.flatten(1))
    assert torch.allclose(cosine, torch.ones_like(cosine))


def test_fgsm_is_not_fooled_by_the_scale_of_the_logits():
    # margins of thousands: the softmax is 1 and the plain gradient exactly zero in float32
    network, images = Linear(2, scale=1e4).eval(), grey_images(30)
    labels = network(images).argmax(1)
    distances = network.distances(images, labels, "Linf")
    (epsilon,) = epsilons_between(distances, 1)
    entry, *_ = run(network, images, labels, "fgsm", "Linf", [epsilon])["epsilons"]
    assert entry["correct"] == (distances > epsilon).int().tolist()


def test_pgd_warns_where_the_cross_entropy_saturates():
    network, images = Linear(2, scale=1e4).eval(), grey_images(10)
    labels = network(images).argmax(1)
    result = run(network, images, labels, "pgd", "Linf", [0.01])
    assert any("softmax of 1" in text for text in result["warnings"])


@pytest.mark.parametrize("norm", ["Linf", "L2"])
def test_fgsm_takes_the_whole_step_and_stays_in_the_unit_box(norm):
    network, images = small_network(), grey_images(6)
    labels = network(images).argmax(1)
    small = fgsm(network, images, labels, epsilon=0.1, norm=norm)
    sizes = perturbation_sizes(images, small, norm)
    assert torch.allclose(sizes, torch.full_like(sizes, 0.1), atol=1e-6)
    large = fgsm(network, images, labels, epsilon=5.0, norm=norm)
    assert large.min() >= 0
    assert large.max() <= 1


@pytest.mark.parametrize("attack", ["fgsm", "pgd", "autoattack"])
@pytest.mark.parametrize("norm", ["Linf", "L2"])
def test_every_perturbation_given_to_the_network_respects_epsilon(attack, norm, monkeypatch):
    from layer_pruning.attacks import evaluation

    sizes = []
    original = evaluation.check_perturbation

    def keeping(images, adversarial, *, epsilon, norm):
        sizes.append((perturbation_sizes(images, adversarial, norm).max().item(), epsilon))
        original(images, adversarial, epsilon=epsilon, norm=norm)

    monkeypatch.setattr(evaluation, "check_perturbation", keeping)
    network, images = (
        small_network(),
        torch.rand(10, 1, 8, 8, generator=torch.Generator().manual_seed(0)),
    )
    labels = network(images).argmax(1)
    run(network, images, labels, attack, norm, [LARGE[norm] / 10, LARGE[norm]])
    assert sizes
    assert all(size <= epsilon + 1e-6 for size, epsilon in sizes)
    assert max(size for size, _ in sizes) > 0


def test_a_broken_attack_is_refused(monkeypatch):
    from layer_pruning.attacks import fgsm as fgsm_module

    def too_far(network, images, labels, *, epsilon, norm):
        return (images + 2 * epsilon).clamp(0, 1)

    monkeypatch.setattr(fgsm_module, "fgsm", too_far)
    network, images = Linear(2).eval(), grey_images(4)
    labels = network(images).argmax(1)
    with pytest.raises(ValueError, match=r"0\.02.* above epsilon 0\.01"):
        run(network, images, labels, "fgsm", "Linf", [0.01])


def test_the_count_of_the_package_is_not_trusted(monkeypatch):
    from layer_pruning.attacks import autoattack

    # claims to have broken everything, but returns the clean images
    monkeypatch.setattr(
        autoattack.Ensemble, "perturb", lambda self, rows, epsilon: self._images[rows]
    )
    network, images = Linear(2).eval(), grey_images(4)
    labels = network(images).argmax(1)
    entry, *_ = run(network, images, labels, "pgd", "Linf", [0.3])["epsilons"]
    assert entry["correct"] == [1, 1, 1, 1]


@pytest.mark.parametrize("attack", ["pgd", "autoattack"])
def test_same_seed_same_outcome_and_nothing_is_disturbed(attack):
    network, images = small_network(), grey_images(8)
    labels = network(images).argmax(1)
    state = torch.get_rng_state()

    def trace(*_):
        return None

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        first = run(network, images, labels, attack, "Linf", [0.02], seed=3)
        kept = sys.gettrace()
    finally:
        sys.settrace(before)
    assert kept is trace
    assert torch.equal(torch.get_rng_state(), state)
    assert all(p.requires_grad and p.grad is None for p in network.parameters())
    torch.manual_seed(99)
    second = run(network, images, labels, attack, "Linf", [0.02], seed=3)
    torch.set_rng_state(state)
    for one, two in zip(first["epsilons"], second["epsilons"], strict=True):
        assert one["correct"] == two["correct"]


def test_warnings_of_the_package_are_collected_and_not_printed(caplog):
    import logging

    from layer_pruning.attacks.autoattack import _collected

    warnings, started = [], []
    with _collected(warnings, started.append):
        logger = logging.getLogger("auto-attack")
        logger.warning("there are 3 points\nwith zero gradient!")
        logger.warning("there are 3 points\nwith zero gradient!")
        logger.debug("running square")
    assert warnings == ["pyautoattack: there are 3 points with zero gradient!"]
    assert started == ["square"]
    assert not caplog.records
    assert logger.propagate
    assert not logger.handlers


def test_zero_gradients_reach_the_warnings():
    class Flat(Linear):
        def forward(self, images):
            return super().forward(images.round(decimals=1))

    network, images = Flat(4).eval(), grey_images(4)
    labels = network(images).argmax(1)
    result = run(network, images, labels, "autoattack", "Linf", [0.001])
    assert any("zero gradient" in text for text in result["warnings"])


def test_a_rest_batch_and_a_batch_of_one_work():
    network, images = Linear(4).eval(), grey_images(5)
    labels = network(images).argmax(1)
    distances = network.distances(images, labels, "Linf")
    (epsilon,) = epsilons_between(distances, 1)
    result = run(network, images, labels, "autoattack", "Linf", [epsilon], batch_size=2)
    assert result["epsilons"][0]["correct"] == (distances > epsilon).int().tolist()


def test_progress_counts_epsilons_and_names_the_attacks():
    calls = []
    network, images = Linear(4).eval(), grey_images(4)
    labels = network(images).argmax(1)
    run(
        network,
        images,
        labels,
        "autoattack",
        "Linf",
        [1e-6, 0.3],
        progress=lambda *c: calls.append(c),
    )
    assert {total for _, total, _ in calls} == {2}
    assert [done for done, _, _ in calls] == sorted(done for done, _, _ in calls)
    assert calls[-1][0] == 2
    texts = [text for _, _, text in calls]
    for name in ("apgd-ce", "apgd-t", "fab-t", "square"):
        assert f"epsilon 1e-06: {name}" in texts


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"attack": "cw"}, "unknown attack"),
        ({"norm": "L1"}, "norms Linf, L2"),
        ({"epsilons": []}, "at least one epsilon"),
        ({"epsilons": [0.0]}, "positive"),
        ({"epsilons": [1.5]}, "at most 1"),
        ({"epsilons": [0.1, 0.1]}, "differ"),
        ({"batch_size": 0}, "batch_size"),
    ],
)
def test_bad_requests_are_refused(change, message):
    network, images = Linear(2).eval(), grey_images(2)
    options = {"attack": "fgsm", "norm": "Linf", "epsilons": [0.1], "seed": 0, **change}
    with pytest.raises(ValueError, match=message):
        attack_network(network, images, network(images).argmax(1), **options)


def varied_images(n: int) -> torch.Tensor:
    """Images of all brightnesses: small_network loses some at 0.2 of LARGE and more later."""
    return torch.rand(n, 1, 8, 8, generator=torch.Generator().manual_seed(0))


def in_parts(network, images, labels, attack, norm, epsilons, cuts, **options):
    """The result of shards that end at ``cuts``, joined."""
    starts, ends = [0, *cuts], [*cuts, len(images)]
    return join_results(
        [
            run(network, images[a:b], labels[a:b], attack, norm, epsilons, **options)
            for a, b in zip(starts, ends, strict=True)
        ]
    )


def without_times(result):
    entries = [{**entry, "seconds": 0} for entry in result["epsilons"]]
    return {**result, "epsilons": entries}


@pytest.mark.parametrize("norm", ["Linf", "L2"])
@pytest.mark.parametrize("cuts", [[1], [5, 6, 13]])
def test_fgsm_finds_the_same_however_images_are_cut(norm, cuts):
    network, images = small_network(), varied_images(16)
    labels = network(images).argmax(1)
    epsilons = [LARGE[norm] * factor for factor in (0.2, 0.3, 1.0)]
    whole = run(network, images, labels, "fgsm", norm, epsilons)
    parts = in_parts(network, images, labels, "fgsm", norm, epsilons, cuts, batch_size=3)
    assert without_times(parts) == without_times(whole)
    assert 0 < sum(whole["epsilons"][1]["correct"]) < 16


@pytest.mark.parametrize(
    ("attack", "norm", "factors"),
    [("pgd", "Linf", (0.15, 0.3)), ("pgd", "L2", (0.15, 0.3)), ("autoattack", "Linf", (0.33,))],
)
def test_attacks_that_draw_find_the_same_where_shards_end_with_a_batch(attack, norm, factors):
    network, images = small_network(), varied_images(8)
    labels = network(images).argmax(1)
    epsilons = [LARGE[norm] * factor for factor in factors]
    options = {"batch_size": 2, "seed": 2}
    whole = run(network, images, labels, attack, norm, epsilons, **options)
    parts = in_parts(network, images, labels, attack, norm, epsilons, [2, 6], **options)
    assert without_times(parts) == without_times(whole)
    assert 0 < sum(whole["epsilons"][-1]["correct"]) < 8


def test_what_an_attack_draws_depends_on_its_batch_and_on_nothing_else():
    # why shards have to end with a batch: the start of an image depends on its place in it
    from layer_pruning.attacks.autoattack import Ensemble

    network, images = small_network(), grey_images(6)
    labels = network(images).argmax(1)

    def adversarial(chosen):
        options = {"norm": "Linf", "attacks": ("square",), "classes": 5, "seed": 0}
        ensemble = Ensemble(network, images[chosen], labels[chosen], **options)
        return ensemble.perturb(torch.arange(len(chosen)), 0.3)

    torch.manual_seed(7)
    whole = adversarial([0, 1, 2, 3, 4, 5])
    torch.manual_seed(8)
    assert torch.equal(adversarial([0, 1, 2, 3, 4, 5]), whole)
    assert not torch.equal(adversarial([3, 4, 5]), whole[3:])


def test_what_each_part_of_an_ensemble_broke_adds_up():
    network, images = small_network(), varied_images(8)
    labels = network(images).argmax(1)
    labels[:2] = (labels[:2] + 1) % 5
    epsilons = [LARGE["Linf"] * factor for factor in (0.33, 0.4)]
    for attack in ("fgsm", "autoattack"):
        result = run(network, images, labels, attack, "Linf", epsilons, batch_size=3)
        standing = sum(result["clean_correct"])
        for entry in result["epsilons"]:
            before = standing if attack == "autoattack" else sum(result["clean_correct"])
            assert sum(entry["broken_by"].values()) == before - sum(entry["correct"])
            standing = sum(entry["correct"])


@pytest.mark.parametrize("classes", [2, 3, 4, 10])
def test_the_settings_of_plus_are_those_of_the_package(classes, monkeypatch):
    from pyautoattack import AutoAttack

    used, searched = {}, []

    def keep(self, x, y, *, batch_size):
        used[self.attacks_to_run[0]] = self
        return x, y

    from layer_pruning.attacks import autoattack

    monkeypatch.setattr(AutoAttack, "run_standard_evaluation", keep)
    monkeypatch.setattr(
        autoattack.FABAttack_PT,
        "attack_single_run",
        lambda self, x, y, *, is_targeted: searched.append(self.target_class) or x,
    )
    plus = AutoAttack(nn.Identity(), norm="Linf", eps=0.1, seed=7, version="plus")
    network, images = Linear(classes).eval(), grey_images(4)
    labels = network(images).argmax(1)
    result = run(network, images, labels, "autoattack_plus", "Linf", [0.1], seed=7)
    expected = [name for name in plus.attacks_to_run if name != "fab-t"]
    if classes < 4:
        expected.remove("apgd-t")
    if classes < 3:
        expected.remove("apgd-dlr")
    assert list(used) == expected
    assert any("left out" in text for text in result["warnings"]) == (classes < 4)
    assert searched
    for attack in used.values():
        for part in ("apgd", "apgd_targeted", "square", "fab"):
            ours, theirs = getattr(attack, part), getattr(plus, part)
            assert (ours.n_restarts, ours.eps) == (theirs.n_restarts, theirs.eps)


@pytest.mark.parametrize("classes", [2, 4])
def test_plus_finds_the_nearest_of_all_classes(classes):
    network, images = Linear(classes).eval(), grey_images(6)
    labels = network(images).argmax(1)
    distances = network.distances(images, labels, "Linf")
    (epsilon,) = epsilons_between(distances, 1)
    result = run(network, images, labels, "autoattack_plus", "Linf", [epsilon])
    assert result["epsilons"][0]["correct"] == (distances > epsilon).int().tolist()


def test_square_is_left_out_with_a_warning_exactly_where_its_package_fails_in_l2():
    from pyautoattack.square import SquareAttack

    from layer_pruning.attacks.autoattack import square_fits

    def runs(height, width):
        attack = SquareAttack(never_fooled, norm="L2", n_queries=2, eps=0.5, seed=0, device="cpu")
        images = torch.rand(2, 1, height, width)
        attack.init_hyperparam(images)
        try:
            attack.attack_single_run(images, torch.zeros(2, dtype=torch.int64))
        except Exception:
            return False
        return True

    def never_fooled(images):
        return torch.tensor([[5.0, 0.0]]).repeat(len(images), 1)

    with torch.random.fork_rng(devices=[]):
        sizes = [(h, w) for h in range(1, 17) for w in range(4, 17)]
        sizes += [(28, 28), (28, 20), (24, 6), (32, 24), (64, 48), (48, 64), (64, 64)]
        assert [square_fits(*size) for size in sizes] == [runs(*size) for size in sizes]


@pytest.mark.parametrize("attack", ["autoattack", "autoattack_plus"])
def test_autoattack_runs_in_l2_on_images_that_square_does_not_take(attack):
    network, images = Linear(3, shape=(1, 4, 4)).eval(), grey_images(4, shape=(1, 4, 4))
    labels = network(images).argmax(1)
    distances = network.distances(images, labels, "L2")
    result = run(network, images, labels, attack, "L2", epsilons_between(distances, 1))
    (entry,) = result["epsilons"]
    assert entry["correct"] == (distances > entry["epsilon"]).int().tolist()
    assert "square" not in entry["broken_by"]
    assert any("Square is left out" in text and "4 × 4" in text for text in result["warnings"])
    with_square = run(network, images, labels, "autoattack", "Linf", [0.01])
    assert not any("Square" in text for text in with_square["warnings"])
