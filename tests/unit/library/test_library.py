import inspect
import math
import threading

import numpy as np
import pandas as pd
import pytest
import torch
from torch.utils.data import DataLoader

import layer_pruning
from layer_pruning.configuration import complete
from layer_pruning.models.network_file import read_header
from layer_pruning.scoring.catalog import CRITERIA
from layer_pruning.scoring.scores import score as score_by_name
from small_networks import random_network
from unit.models import own_networks

SHAPE = (3, 8, 8)


def own(seed=0):
    torch.manual_seed(seed)
    return own_networks.build(10, SHAPE)


def wrapped(module=None, **options):
    return layer_pruning.wrap(module or own(), input_shape=SHAPE, **options)


@pytest.fixture
def network():
    return layer_pruning.wrap(own(), input_shape=SHAPE, mean=[0.5] * 3, std=[0.2] * 3)


@pytest.fixture
def probe():
    generator = torch.Generator().manual_seed(1)
    return torch.rand(40, *SHAPE, generator=generator), torch.arange(40) % 4


def test_all_public_names_are_there_typed_and_documented():
    assert set(layer_pruning.__all__) <= set(dir(layer_pruning))
    for name in layer_pruning.__all__:
        public = getattr(layer_pruning, name)
        assert len(inspect.getdoc(public)) > 40
        if inspect.isfunction(public):
            signature = inspect.signature(public)
            assert signature.return_annotation is not inspect.Signature.empty
            for parameter in signature.parameters.values():
                assert parameter.annotation is not inspect.Parameter.empty, (name, parameter)
    with pytest.raises(AttributeError, match="no attribute 'scroe'"):
        layer_pruning.scroe  # noqa: B018


def test_a_wrapped_module_computes_what_it_did_on_normalised_images(network, probe):
    images, _ = probe
    with torch.no_grad():
        assert torch.equal(network(images), own().eval()((images - 0.5) / 0.2))
    plain = layer_pruning.wrap(own(), input_shape=SHAPE, class_names=list("abcdefghij"))
    with torch.no_grad():
        assert torch.equal(plain(images), own().eval()(images))
    assert plain.header.class_names[3] == "d" and network.header.class_names[3] == "3"
    names = [*(f"early.blocks.{place}" for place in range(3)), "late.0", "late.1"]
    assert plain.block_names == names


def test_wrapping_shares_the_weights(probe):
    module = own()
    network = layer_pruning.wrap(module, input_shape=SHAPE)
    module.head.linear.bias.data += 1
    with torch.no_grad():
        assert torch.equal(network(probe[0]), module(probe[0]))


def test_pruning_is_bypassing_and_leaves_the_network_alone(network, probe):
    images, _ = probe
    removed = []
    with torch.no_grad():
        for block in ("early.blocks.1", "late.0", "early.blocks.0"):
            before = network(images)
            without = layer_pruning.bypass(network, block)(images)
            smaller = layer_pruning.prune(network, block)
            assert torch.equal(smaller(images), without)
            assert torch.equal(network(images), before) and not torch.equal(before, without)
            network, removed = smaller, [*removed, block]
            assert list(network.header.removed_blocks) == removed


def test_what_is_gone_stays_gone_in_a_copy_with_less(network, probe):
    smaller = layer_pruning.prune(network, "late.1")
    expected = layer_pruning.prune(smaller, "early.blocks.0")
    for less in (["early.blocks.0"], ["early.blocks.0", "late.1"]):
        again = smaller.less(less)
        assert again.header.removed_blocks == ("late.1", "early.blocks.0")
        assert again.block_names == ["early.blocks.1", "early.blocks.2", "late.0"]
        with torch.no_grad():
            assert torch.equal(again(probe[0]), expected(probe[0]))


def test_a_pruned_network_trains_without_touching_the_one_it_came_from(network):
    smaller = layer_pruning.prune(network.train(), "late.1")
    assert smaller.training
    before = [parameter.clone() for parameter in network.parameters()]
    for parameter in smaller.parameters():
        parameter.data.add_(1)
    after = network.parameters()
    assert all(torch.equal(*pair) for pair in zip(before, after, strict=True))


def test_images_are_in_the_unit_range_where_the_network_normalises_and_the_modules_own_where_not():
    images, labels = torch.rand(20, *SHAPE), torch.arange(20) % 5
    mean, std = [0.5] * SHAPE[0], [0.25] * SHAPE[0]
    normalised = (images - 0.5) / 0.25
    module = own()
    network = layer_pruning.wrap(module, input_shape=SHAPE, mean=mean, std=std)
    bare = layer_pruning.wrap(module, input_shape=SHAPE)
    with pytest.raises(ValueError, match=r"images reach from -.* takes images in \[0, 1\]"):
        layer_pruning.score(network, normalised, labels, metrics=["kl"])
    inside = layer_pruning.score(network, images, labels, metrics=["kl"])
    outside = layer_pruning.score(bare, normalised, labels, metrics=["kl"])
    np.testing.assert_allclose(outside, inside, rtol=1e-4)


PICTURES = r"\(n, 3, height, width\) would be right"


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (torch.rand(20, 1, 8, 8), rf"images have shape \(20, 1, 8, 8\); {PICTURES}"),
        (torch.rand(20, 8, 8, 3), rf"images have shape \(20, 8, 8, 3\); {PICTURES}"),
        (torch.rand(3, 8, 8), rf"images have shape \(3, 8, 8\); {PICTURES}"),
        (torch.rand(0, 3, 8, 8), "there are no images"),
        (torch.full((20, 3, 8, 8), math.nan), "images hold numbers that are not finite"),
        (torch.full((20, 3, 8, 8), math.inf), "images hold numbers that are not finite"),
        (None, rf"array {PICTURES}, not a NoneType"),
        ([torch.rand(3, 8, 8)] * 20, rf"array {PICTURES}, not a list"),
        (DataLoader(torch.rand(20, 3, 8, 8)), rf"array {PICTURES}, not a DataLoader"),
    ],
)
def test_images_of_another_kind_are_refused_everywhere(images, message, tmp_path):
    labels = torch.arange(20) % 5
    for network in (
        layer_pruning.wrap(own(), input_shape=SHAPE),
        layer_pruning.wrap(own(), input_shape=SHAPE, mean=[0.5] * 3, std=[0.25] * 3),
    ):
        for call in (
            lambda n=network: layer_pruning.score(n, images, labels, metrics="disagreement"),
            lambda n=network: layer_pruning.search(n, images, labels, removals=1),
            lambda n=network: layer_pruning.iterate(n, images, labels, metrics=["random"]),
        ):
            with pytest.raises(ValueError, match=message) as caught:
                call()
            assert "\n" not in str(caught.value)
    if images is not None:
        with pytest.raises(ValueError, match=message):
            layer_pruning.export_network(network, tmp_path, images)
        assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (None, "labels are None, and there are 20 images"),
        ([[0], [1, 2]], "the number of a class for each image, .* not a list"),
        (torch.nn.functional.one_hot(torch.arange(20) % 5), r"labels have shape \(20, 5\)"),
        (["cat"] * 20, "numbers of classes"),
        (torch.arange(20), "labels reach to 19, and the network has 10 classes, 0 to 9"),
    ],
)
def test_labels_of_another_kind_are_refused(network, labels, message):
    with pytest.raises(ValueError, match=message) as caught:
        layer_pruning.score(network, torch.rand(20, *SHAPE), labels, metrics="functional")
    assert "\n" not in str(caught.value)


def test_images_with_gradients_and_labels_of_any_kind_are_taken(network, probe):
    images, labels = probe
    expected = layer_pruning.score(network, images, labels, metrics="functional")
    for other in (labels.byte(), labels.numpy(), [*labels], pd.Series(labels, range(9, 49))):
        pd.testing.assert_frame_equal(
            layer_pruning.score(network, images.requires_grad_(), other, metrics="functional"),
            expected,
        )


def test_labels_are_those_of_the_logits_where_the_head_was_replaced(network, probe):
    network.body.head.linear = torch.nn.Linear(6, 30)
    labels = torch.arange(len(probe[0])) % 30
    assert (
        layer_pruning.score(network, probe[0], labels, metrics="functional").notna().all(axis=None)
    )


@pytest.mark.parametrize("metrics", ["disagreement", ["cka"], ["random"]])
def test_a_network_that_gives_numbers_that_are_not_finite_is_not_scored(network, probe, metrics):
    with torch.no_grad():
        network.body.head.linear.bias[:] = math.nan
        with pytest.raises(ValueError, match="the network gives logits that are not finite"):
            layer_pruning.score(network, *probe, metrics=metrics)
        next(network.body.get_submodule("early.blocks.0").parameters())[:] = math.nan
        with pytest.raises(ValueError, match="the network gives features that are not finite"):
            layer_pruning.score(network, *probe, metrics=metrics)


@pytest.mark.filterwarnings("error")
def test_a_class_that_is_masked_changes_no_score(network, probe):
    images, labels = probe
    with torch.no_grad():
        network.body.head.linear.weight[9], network.body.head.linear.bias[9] = 0, -1e30
        hidden = layer_pruning.score(network, images, labels, metrics="functional")
        network.body.head.linear.bias[9] = -math.inf
    masked = layer_pruning.score(network, images, labels, metrics="functional")
    pd.testing.assert_frame_equal(masked, hidden, rtol=1e-4, atol=1e-6)


def test_scores_are_those_of_the_workflow(network, probe):
    images, labels = probe
    metrics = ["kl", "cka", "shallowest", "magnitude"]
    table = layer_pruning.score(network, images, labels.tolist(), metrics=metrics)
    assert list(table.columns) == metrics and list(table.index) == network.block_names
    from layer_pruning.activations.sweep import activations_of

    activations = activations_of(
        network, images.numpy(), labels.numpy(), np.arange(40), network.block_names
    )
    tensors = {name: value.numpy() for name, value in network.body.state_dict().items()}
    given = {"header": network.header, "tensors": tensors, "draw": ""}
    for metric, values in score_by_name(metrics, activations, **given).items():
        assert table[metric].to_dict() == values


def test_a_planted_identity_block_is_ranked_first_and_the_limits_hold(network, probe):
    planted = "early.blocks.2"
    network.body.get_submodule(planted).conv2.weight.data.zero_()
    metrics = ["cka", "procrustes", "kl", "permutation"]
    ranking = layer_pruning.rank(layer_pruning.score(network, *probe, metrics=metrics))
    assert ranking.index[0] == planted
    assert ranking["rank_sum"].iloc[0] == len(metrics) and (ranking["cka_rank"] >= 1).all()
    protected = layer_pruning.score(network, *probe, metrics=["kl"], protect=[planted])
    assert planted not in protected.index
    kept = layer_pruning.score(network, *probe, metrics=["kl"], min_blocks_per_stage=2)
    assert list(kept.index) == [f"early.blocks.{place}" for place in range(3)]


def test_ranks_are_joined_by_hand_and_by_name():
    scores = pd.DataFrame({"a": [3.0, 1.0, 2.0], "b": [1.0, 2.0, 3.0]}, index=["x", "y", "z"])
    assert layer_pruning.rank(scores).index.tolist() == ["y", "x", "z"]
    assert layer_pruning.rank(scores)["rank_sum"].tolist() == [3, 4, 5]
    heavy = layer_pruning.rank(scores, aggregation="weighted", weights={"a": 1, "b": 5})
    assert heavy.index.tolist() == ["x", "y", "z"]
    assert heavy["aggregate"].tolist() == [3 + 5, 1 + 10, 2 + 15]
    shuffled = scores.iloc[[2, 0, 1]]
    assert layer_pruning.rank(shuffled).index.tolist() == ["y", "x", "z"]
    with pytest.raises(ValueError, match="must be finite"):
        layer_pruning.rank(scores.replace(2.0, math.nan))


def test_a_table_of_scores_that_was_in_a_file_is_ranked(network, probe, tmp_path):
    scores = layer_pruning.score(network, *probe, metrics=["kl", "cka"])
    scores.to_csv(tmp_path / "scores.csv")
    read = pd.read_csv(tmp_path / "scores.csv")
    pd.testing.assert_frame_equal(layer_pruning.rank(read), layer_pruning.rank(scores))
    with pytest.raises(ValueError, match="'checksum' holds what is no number; leave out all but"):
        layer_pruning.rank(read.assign(checksum="ab12"))
    read["kl"] = [None, *scores["kl"].iloc[1:]]
    with pytest.raises(ValueError, match=r"kl of early\.blocks\.0 is nan; a score must be finite"):
        layer_pruning.rank(read.astype(object))


def test_metrics_may_come_one_by_one_and_weights_be_of_numpy(network, probe):
    names = ["kl", "cka"]
    scores = layer_pruning.score(network, *probe, metrics=(name for name in names))
    assert list(scores) == names
    weights = {"kl": np.float32(1), "cka": np.int64(5)}
    given = {"aggregation": "weighted", "weights": weights}
    expected = layer_pruning.rank(scores, aggregation="weighted", weights={"kl": 1, "cka": 5})
    pd.testing.assert_frame_equal(layer_pruning.rank(scores, **given), expected)
    (step,) = layer_pruning.iterate(
        network, *probe, removals=np.int64(1), metrics=(name for name in names), **given
    )
    pd.testing.assert_frame_equal(step.ranking, expected)


def test_a_criterion_by_name_joins_ranks_as_the_workflow_does(network, probe):
    scores = layer_pruning.score(network, *probe, metrics="recommended")
    assert list(scores) == ["fewest_weights", "kl"]
    by_name = layer_pruning.rank(scores)
    pd.testing.assert_frame_equal(by_name, layer_pruning.rank(scores, aggregation="lexicographic"))
    # the early stage is the narrower one
    assert by_name.index[0].startswith("early")
    (step,) = layer_pruning.iterate(network, *probe, removals=1, metrics="recommended")
    pd.testing.assert_frame_equal(step.ranking, by_name)
    # metrics in a list are joined as in the paper, and what is said wins
    listed = layer_pruning.score(network, *probe, metrics=["fewest_weights", "kl"])
    summed = layer_pruning.rank(listed)
    assert (summed["aggregate"] == summed["rank_sum"]).all()
    pd.testing.assert_frame_equal(layer_pruning.rank(scores, aggregation="borda"), summed)
    turned = scores[["kl", "fewest_weights"]]
    with pytest.raises(ValueError, match="'recommended' have other columns now: say how"):
        layer_pruning.rank(turned)
    assert layer_pruning.rank(turned, aggregation="lexicographic").index[0] == turned["kl"].idxmin()


@pytest.mark.parametrize("name", CRITERIA)
def test_a_known_criterion_is_the_same_in_a_configuration_and_in_the_library(name):
    given = {"criteria": [name], "energy": {"carbon_intensity_g_per_kwh": 100}}
    criterion = complete(given)["criteria"][name]
    metrics, aggregation = layer_pruning.library.scores._criterion(name)
    assert (metrics, aggregation) == (criterion["metrics"], criterion["aggregation"])


def test_a_function_is_a_metric(network, probe):
    def largest_difference(features, bypassed, labels):
        assert features.shape == bypassed.shape == (40, 6) and labels.shape == (40,)
        return np.abs(features - bypassed).max()

    table = layer_pruning.score(network, *probe, metrics=["kl", largest_difference, "random"])
    assert list(table.columns) == ["kl", "largest_difference", "random"]
    features, bypassed = (network.features(probe[0], skip).detach() for skip in (None, "late.0"))
    expected = float((features - bypassed).abs().max())
    assert table.loc["late.0", "largest_difference"] == pytest.approx(expected, rel=1e-4)


def test_savings_are_counted_and_timed(network, probe):
    table = layer_pruning.score(network, *probe, metrics=["saves_macs", "saves_latency"])
    assert table.loc["late.0", "saves_macs"] == -2 * 4 * 4 * 6 * 6 * 9
    assert (table["saves_latency"] < 0).all()
    with pytest.raises(ValueError, match="nothing says how much energy"):
        layer_pruning.score(network, *probe, metrics=["saves_energy"])


def test_measuring_counts_what_a_removal_saves(network):
    costs = [
        layer_pruning.measure(n, batch_size=2, repeats=2)
        for n in (network, layer_pruning.prune(network, "early.blocks.0"))
    ]
    assert costs[0]["macs"] - costs[1]["macs"] == 2 * 8 * 8 * 6 * 6 * 9
    assert costs[0]["parameters"] - costs[1]["parameters"] == 2 * (6 * 6 * 9 + 2 * 6)
    assert min(cost["latency_seconds"] for cost in costs) > 0


def test_a_wrapped_network_is_saved_and_loaded_into_a_module_like_it(network, probe, tmp_path):
    smaller = layer_pruning.prune(network, "early.blocks.1")
    path = tmp_path / "own.safetensors"
    layer_pruning.save(smaller, path)
    again = layer_pruning.load(path, module=own(seed=5))
    with torch.no_grad():
        assert torch.equal(again(probe[0]), smaller(probe[0]))
    assert read_header(path).arguments == {"family": "wrapped", "module": "Own"}
    with pytest.raises(ValueError, match=r"own\.safetensors: nothing says how to build a Own"):
        layer_pruning.load(path)


def test_networks_of_the_workflow_load_with_nothing_else(tmp_path, images):
    network = random_network("resnet14")
    layer_pruning.save(network, tmp_path / "network.safetensors")
    with torch.no_grad():
        again = layer_pruning.load(tmp_path / "network.safetensors")
        assert torch.equal(again(images), network(images))


def test_numbers_of_numpy_and_names_that_are_numbers_are_kept_as_a_file_holds_them(tmp_path):
    numbers = np.full(3, 0.5, dtype=np.float32)
    network = layer_pruning.wrap(
        own(), input_shape=SHAPE, mean=numbers, std=torch.ones(3), class_names=np.arange(10)
    )
    layer_pruning.save(network, tmp_path / "network.safetensors")
    header = read_header(tmp_path / "network.safetensors")
    assert (header.mean, header.std) == ((0.5,) * 3, (1.0,) * 3)
    assert header.class_names == tuple("0123456789")


def test_a_module_that_a_file_does_not_fit_stays_as_it_was(network, tmp_path):
    layer_pruning.save(layer_pruning.prune(network, "late.1"), tmp_path / "network.safetensors")
    other = own_networks.build(7, SHAPE)
    before = str(other)
    with pytest.raises(ValueError, match=r"network\.safetensors"):
        layer_pruning.load(tmp_path / "network.safetensors", module=other)
    assert str(other) == before


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda n, p: layer_pruning.prune(n, "late.9"), "'late.9' is no block of"),
        (lambda n, p: layer_pruning.score(n, *p, metrics=[]), "metrics: at least one would be"),
        (lambda n, p: layer_pruning.score(n, *p, metrics=None), "metrics: a criterion, or a list"),
        (lambda n, p: layer_pruning.score(n, *p, metrics=[3]), "3 is neither a name nor a funct"),
        (
            lambda n, p: layer_pruning.score(n, *p, protect="late.1"),
            r"protect: a list of blocks would be right, \['late\.1'\]",
        ),
        (
            lambda n, p: layer_pruning.score(n, *p, min_blocks_per_stage=1.5),
            r"min_blocks_per_stage is 1\.5; a whole number",
        ),
        (lambda n, p: layer_pruning.measure(n, batch_size=0), "batch_size is 0; 1 or more"),
        (lambda n, p: layer_pruning.measure(n, batch_size=2.5), r"batch_size is 2\.5; a whole num"),
        (lambda n, p: layer_pruning.measure(n, repeats=-1), "repeats is -1; 1 or more would be"),
        (
            lambda n, p: layer_pruning.rank({"kl": {"late.0": 1}}),
            "score would be right, not a dict",
        ),
        (lambda n, p: layer_pruning.bypass(n, "late.9"), "'late.9' is no block of"),
        (lambda n, p: layer_pruning.score(n, *p, metrics=["cak"]), "'cak' is no metric"),
        (lambda n, p: layer_pruning.score(n, *p, metrics="consenus"), "'consenus' is no criterion"),
        (lambda n, p: layer_pruning.score(n, *p, protect=["late.9"]), "'late.9' is no block"),
        (lambda n, p: layer_pruning.score(n, *p, metrics=["kl", max, max]), "two are called 'max'"),
        (
            lambda n, p: layer_pruning.search(n, *p, removals=1, metrics=["kl", "kl"]),
            "two are called 'kl'",
        ),
        (
            lambda n, p: layer_pruning.score(n, p[0], p[1][:9]),
            r"labels have shape \(9,\), and there",
        ),
        (lambda n, p: layer_pruning.score(n, p[0], p[1] / 2), "labels should be the numbers of"),
        (lambda n, p: n.less(["late.9"]), "'late.9' is no block of"),
        (lambda n, p: n.less(["late.0"] * 2), "a block is named twice: late.0, late.0"),
        (lambda n, p: n.bypassing("late.9", p[0]), "'late.9' is no block of"),
        (lambda n, p: n.features(p[0], "late.9"), "'late.9' is no block of"),
        (
            lambda n, p: layer_pruning.prune(n, "late.0").features(p[0], "late.0"),
            "'late.0' was removed before",
        ),
        # before the loop is entered
        (lambda n, p: layer_pruning.iterate(n, *p, metrics="consenus"), "'consenus' is no crit"),
        (lambda n, p: layer_pruning.iterate(n, *p, metrics=["cak"]), "'cak' is no metric"),
        (
            lambda n, p: layer_pruning.iterate(n, *p, metrics="recommended", weights={"kl": 1}),
            "lexicographic takes no weights",
        ),
        (
            lambda n, p: layer_pruning.score(n, *p, min_blocks_per_stage=9),
            "no block that may go under these limits",
        ),
        (
            lambda n, p: layer_pruning.wrap(torch.nn.Linear(2, 3), input_shape=SHAPE),
            "Linear: it cannot take images of 3 × 8 × 8",
        ),
        (
            lambda n, p: layer_pruning.wrap(own(), input_shape=SHAPE, mean=[0.5] * 3),
            "give both mean and std",
        ),
        (
            lambda n, p: layer_pruning.wrap(own(), input_shape=SHAPE, class_names=["a", "b"]),
            "class_names: 2 names, and the network has 10 classes",
        ),
        (
            lambda n, p: layer_pruning.wrap(own(), input_shape=SHAPE, mean=[0, 0], std=[1, 1]),
            "mean: 2 numbers, and images have 3 channels",
        ),
        *(
            (lambda n, p, s=shape: layer_pruning.wrap(own(), input_shape=s), message)
            for shape, message in {
                (8, 8): r"input_shape: \(channels, height, width\) of one image .* not \(8, 8\)",
                (1, 3, 8, 8): r"input_shape: .*, not \(1, 3, 8, 8\)",
                (3, 8.5, 8): r"input_shape: .*, not \(3, 8\.5, 8\)",
                (3, 0, 8): "input_shape should be three whole numbers in 1 …",
                8: "input_shape: .*, not 8",
            }.items()
        ),
        *(
            (lambda n, p, m=mean, s=std: wrapped(mean=m, std=s), message)
            for mean, std, message in [
                ([0.5] * 3, [0] * 3, "std should lie above 0"),
                ([0.5] * 3, [-0.25] * 3, "std should lie above 0"),
                ([0.5] * 3, [math.nan] * 3, "std should be one finite number a channel"),
                ([math.inf] * 3, [1] * 3, "mean should be one finite number a channel"),
                ([0.5], [0.25] * 3, "mean and std should have as many numbers"),
                (0.5, 0.25, "mean: a number for each channel would be right"),
            ]
        ),
        (lambda n, p: wrapped(class_names=["", *"abcdefghi"]), "class_names should be names"),
        (lambda n, p: layer_pruning.wrap(None, input_shape=SHAPE), "NoneType: a torch.nn.Module"),
        (lambda n, p: layer_pruning.score(None, *p), "NoneType: a network that layer_pruning.wrap"),
    ],
)
def test_what_is_wrong_is_one_line(network, probe, call, message):
    with pytest.raises(ValueError, match=message) as caught:
        call(network, probe)
    assert "\n" not in str(caught.value)


def test_a_module_that_was_refused_is_in_the_modes_in_which_it_was():
    module = own().train()
    module.late.eval()
    before = {name: part.training for name, part in module.named_modules()}
    for options in (
        {"class_names": ["a", "b"]},
        {"granularity": "none"},
        {"input_shape": (4, 8, 8)},
    ):
        with pytest.raises(ValueError):
            layer_pruning.wrap(module, **{"input_shape": SHAPE, **options})
        assert {name: part.training for name, part in module.named_modules()} == before
    network = wrapped(module)
    assert not any(part.training for part in network.modules())


def test_a_shape_of_numpy_is_kept_as_a_file_holds_it(tmp_path):
    network = layer_pruning.wrap(own(), input_shape=tuple(np.array(SHAPE)))
    layer_pruning.save(network, tmp_path / "network.safetensors")
    assert read_header(tmp_path / "network.safetensors").input_shape == SHAPE


def test_a_network_with_other_classes_than_names_is_not_saved(network, tmp_path):
    network.body.head.linear = torch.nn.Linear(6, 7)
    path = tmp_path / "network.safetensors"
    with pytest.raises(ValueError, match=r"class_names: there are 10, .*; nothing was written"):
        layer_pruning.save(network, path)
    assert not path.exists()


class WithState(torch.nn.Linear):
    """Its state is more than tensors."""

    def get_extra_state(self):
        return {"calls": 3}

    def set_extra_state(self, state):
        pass


def test_state_that_is_no_tensor_is_left_out_of_scores_and_refused_in_files(probe, tmp_path):
    module, other = own(), own()
    other.head.linear = WithState(6, 10)
    other.load_state_dict({**other.state_dict(), **module.state_dict()})
    plain, network = wrapped(module), wrapped(other)
    metrics = ["magnitude", "kl"]
    expected = layer_pruning.score(plain, *probe, metrics=metrics)
    pd.testing.assert_frame_equal(layer_pruning.score(network, *probe, metrics=metrics), expected)
    path = tmp_path / "network.safetensors"
    with pytest.raises(ValueError, match=r"head\.linear\._extra_state is no tensor but a dict"):
        layer_pruning.save(network, path)
    assert not path.exists()


@pytest.mark.parametrize("number", [torch.float16, torch.float64])
def test_a_module_of_another_precision_is_loaded_into_as_float32(network, probe, tmp_path, number):
    layer_pruning.save(layer_pruning.prune(network, "late.1"), tmp_path / "network.safetensors")
    again = layer_pruning.load(tmp_path / "network.safetensors", module=own(seed=5).to(number))
    with torch.no_grad():
        assert torch.equal(again(probe[0]), layer_pruning.prune(network, "late.1")(probe[0]))


@pytest.mark.parametrize("device", ["nonsense", "cuda:97", 3.5])
def test_a_device_that_is_not_there_is_refused(network, tmp_path, device):
    path = tmp_path / "network.safetensors"
    layer_pruning.save(network, path)
    with pytest.raises(ValueError, match=f"device: '{device}' cannot be used here") as caught:
        layer_pruning.load(path, module=own(), device=device)
    assert "\n" not in str(caught.value)
    with pytest.raises(ValueError, match=r"module: a torch\.nn\.Module would be right, not"):
        layer_pruning.load(path, module="own")


def test_an_attribute_that_cannot_be_copied_is_named(network):
    module = own()
    module.late[1].guard = threading.Lock()
    with pytest.raises(ValueError, match=r"Own: its attribute late\.1\.guard cannot be copied"):
        wrapped(module)
    network.body.guard = threading.Lock()
    with pytest.raises(ValueError, match=r"its attribute body\.guard cannot be copied"):
        layer_pruning.prune(network, "late.1")


def test_what_a_module_keeps_of_its_last_call_is_copied(network, probe):
    kept = [network(probe[0])]
    network.body.seen = network.body.late[0].seen = kept
    network.body.by_name = {"logits": (kept[0], 3)}
    smaller = layer_pruning.prune(network, "late.1")
    assert torch.equal(smaller.body.seen[0], kept[0])
    assert smaller.body.seen is smaller.body.late[0].seen is not kept
    assert torch.equal(smaller.body.by_name["logits"][0], kept[0])
    assert network.body.seen is kept and kept[0].requires_grad
