import csv

import numpy as np
import pytest
from scipy.special import log_softmax, rel_entr, softmax

from layer_pruning.activations.sweep import activations_of
from layer_pruning.consensus.catalog import Aggregation
from layer_pruning.consensus.ranking import rank_blocks
from layer_pruning.models.candidates import Limits, candidates
from layer_pruning.scoring.catalog import CRITERIA, METRIC_NAMES
from layer_pruning.scoring.controls import depth_scores, listed_scores, random_score
from layer_pruning.scoring.functional import disagreement, kl, loss_increase
from layer_pruning.scoring.scores import score, write_scores
from layer_pruning.scoring.weights import mean_absolute_weights, weight_counts
from layer_pruning.similarity.catalog import CATALOG
from small_networks import random_network


def logits(generator, scale=3.0):
    intact = generator.normal(size=(30, 5)) * scale
    bypassed = generator.normal(size=(4, 30, 5)) * scale
    return intact, bypassed, generator.integers(0, 5, 30)


def test_functional_distances_of_a_network_to_itself_are_zero(generator):
    intact, _, labels = logits(generator)
    for distance in (loss_increase, disagreement, kl):
        assert distance(intact, intact[None], labels) == pytest.approx([0.0])


def test_functional_distances_against_scipy(generator):
    intact, bypassed, labels = logits(generator)
    rows = np.arange(30)
    for index, other in enumerate(bypassed):
        losses = [-log_softmax(z, axis=1)[rows, labels].mean() for z in (other, intact)]
        assert loss_increase(intact, bypassed, labels)[index] == pytest.approx(
            losses[0] - losses[1]
        )
        divergence = rel_entr(softmax(intact, axis=1), softmax(other, axis=1)).sum(axis=1).mean()
        assert kl(intact, bypassed, labels)[index] == pytest.approx(divergence)
        changed = np.mean(intact.argmax(axis=1) != other.argmax(axis=1))
        assert disagreement(intact, bypassed, labels)[index] == changed


def test_functional_distances_do_not_see_a_shift_of_the_logits(generator):
    intact, bypassed, labels = logits(generator)
    for distance in (loss_increase, disagreement, kl):
        moved = distance(intact + 1e4, bypassed - 1e4, labels)
        assert moved == pytest.approx(distance(intact, bypassed, labels), rel=1e-6, abs=1e-9)


@pytest.mark.filterwarnings("error")
def test_a_class_that_is_masked_counts_nothing(generator):
    intact, bypassed, labels = logits(generator)
    masked = [np.insert(values, 2, -np.inf, axis=-1) for values in (intact, bypassed)]
    labels = labels + (labels >= 2)
    for distance in (loss_increase, disagreement, kl):
        expected = distance(intact, bypassed, labels - (labels > 2))
        assert distance(*masked, labels) == pytest.approx(expected)
    # what the intact network thinks possible and another does not is far away
    assert np.isinf(kl(np.insert(intact, 2, 0.0, axis=-1), masked[1], labels)).all()


@pytest.mark.parametrize("masked", [(0,), (1,), (0, 1)])
def test_a_loss_that_is_infinite_is_named(masked, generator):
    *values, labels = logits(generator)
    for place in masked:
        values[place][..., 2] = -np.inf
    with pytest.raises(ValueError, match="class 2 has labels and a logit of −∞"):
        loss_increase(*values, labels)


def test_huge_logits_give_no_overflow(generator):
    intact, bypassed, labels = logits(generator, scale=1e5)
    assert np.isfinite(kl(intact, bypassed, labels)).all()
    assert np.isfinite(loss_increase(intact, bypassed, labels)).all()


def test_magnitude_is_the_mean_over_weights_of_both_convolutions():
    tensors = {
        "stage1.block1.conv1.weight": np.full((2, 2, 3, 3), -2.0, np.float32),
        "stage1.block1.conv2.weight": np.full((2, 2, 1, 1), 7.0, np.float32),
        "stage1.block1.bn1.weight": np.full(2, 1e6, np.float32),
        "stage1.block10.conv1.weight": np.full((2, 2, 3, 3), 1e6, np.float32),
    }
    expected = (36 * 2 + 4 * 7) / 40
    assert mean_absolute_weights(tensors, ["stage1.block1"]) == {
        "stage1.block1": pytest.approx(expected)
    }


def test_weights_are_counted_without_norms_and_without_longer_names():
    tensors = {
        "stage1.block1.conv1.weight": np.zeros((2, 2, 3, 3), np.float32),
        "stage1.block1.bn1.weight": np.ones(2, np.float32),
        "stage1.block10.conv1.weight": np.zeros((4, 2, 3, 3), np.float32),
        "stage1.block2.scale": np.ones(4, np.float32),
    }
    blocks = ["stage1.block1", "stage1.block10", "stage1.block2"]
    assert list(weight_counts(tensors, blocks).values()) == [36, 72, 0]


def test_what_is_recommended_empties_narrow_stages_first_and_asks_kl_within_each():
    criterion = CRITERIA["recommended"]
    weights = {"a1": 10.0, "a2": 10.0, "b1": 40.0, "b2": 40.0, "c1": 160.0}
    divergence = {"a1": 0.9, "a2": 0.8, "b1": 0.01, "b2": 0.02, "c1": 0.0}
    scores = dict(zip(criterion["metrics"], (weights, divergence), strict=True))
    ranking = rank_blocks(scores, list(weights), Aggregation(criterion["aggregation"]))
    assert ranking.order == ("a2", "a1", "b1", "b2", "c1")


def test_random_scores_depend_on_draw_and_block_alone_and_are_uniform():
    assert random_score("a", "x") == random_score("a", "x")
    assert random_score("a", "x") != random_score("a", "y") != random_score("b", "y")
    values = [random_score(f"block{i}", "draw") for i in range(4000)]
    assert min(values) >= 0 and max(values) < 1
    assert np.histogram(values, 8, (0, 1))[0] == pytest.approx(500, abs=100)


def test_the_shallowest_block_has_the_smallest_depth_score():
    assert depth_scores(["a", "b", "c", "d"], ["d", "b"]) == {"d": 3.0, "b": 1.0}


def test_listed_blocks_go_in_their_order_and_before_all_others():
    assert listed_scores(["a", "b", "c"], ["c", "gone", "a"]) == {"a": 2.0, "b": 3.0, "c": 0.0}


def everything(network, images):
    blocks = candidates(network.header.blocks, limits=Limits(1))
    labels = np.repeat([0, 1, 2], 4)
    activations = activations_of(network, images.numpy(), labels, np.arange(12), blocks)
    tensors = {name: value.numpy() for name, value in network.body.state_dict().items()}
    savings = {
        block: dict.fromkeys(("macs", "parameters", "latency", "energy"), float(place))
        for place, block in enumerate(blocks)
    }
    return {
        "probe": activations,
        "header": network.header,
        "tensors": tensors,
        "draw": "here",
        "savings": savings,
    }


def test_a_planted_identity_block_goes_first_by_every_metric(images):
    """A block whose residual branch gives zero changes nothing when it is bypassed."""
    planted = "stage2.block2"
    network = random_network("narrow", depth=20, widths=(4, 4, 6))
    norm = network.blocks()[planted].bn2
    norm.weight.data.zero_()
    norm.bias.data.zero_()
    metrics = [*CATALOG, "loss_increase", "disagreement", "kl"]
    scores = score(metrics, **everything(network, images))
    for metric, values in scores.items():
        if metric == "loss_increase":
            # the one distance that can fall below that of a block that does nothing
            assert values[planted] == pytest.approx(0.0, abs=1e-6)
        else:
            assert values[planted] == min(values.values()), metric


def test_every_metric_scores_every_block_with_a_finite_number(images, tmp_path):
    network = random_network("narrow", depth=14, widths=(4, 4, 6))
    given = everything(network, images)
    scores = score(METRIC_NAMES, **given)
    write_scores(tmp_path / "scores.csv", scores)
    rows = list(csv.DictReader((tmp_path / "scores.csv").open()))
    assert [row["block"] for row in rows] == given["probe"].blocks.tolist()
    assert list(rows[0]) == ["block", *METRIC_NAMES, "checksum"]
    for row in rows:
        for metric in METRIC_NAMES:
            assert float(row[metric]) == scores[metric][row["block"]]
            assert np.isfinite(float(row[metric]))


def test_an_unknown_metric_is_named(images):
    with pytest.raises(ValueError, match="'cak' is no metric: known are cka"):
        score(["cak"], **everything(random_network(), images))
