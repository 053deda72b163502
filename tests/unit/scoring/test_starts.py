from types import SimpleNamespace

import numpy as np
import pytest

from layer_pruning.scoring.starts import searching, spread_over_starts
from layer_pruning.similarity import distances


def probe(width=6):
    generator = np.random.default_rng(0)
    labels = np.repeat(np.arange(3), 12)
    features = generator.standard_normal((36, width)) + labels[:, None]
    bypassed = np.stack(
        [features + strength * generator.standard_normal((36, width)) for strength in (0.3, 2.0)]
    )
    blocks = np.array(["stage1.block1", "stage1.block2"])
    return SimpleNamespace(
        features=features, features_bypassed=bypassed, labels=labels, blocks=blocks
    )


def test_only_metrics_that_search_depend_on_a_start():
    names = ["cka", "stochastic_means", "stochastic", "stochastic_covariances"]
    assert searching(names) == ["stochastic", "stochastic_covariances"]


@pytest.mark.parametrize("metric", ["stochastic", "stochastic_covariances"])
def test_the_start_that_counts_gives_the_distances_that_vote(metric):
    given = probe()
    record = spread_over_starts(given, [metric])[metric]
    voting = distances(metric, given.features, given.features_bypassed, given.labels)
    assert list(record["distances"]["identity"].values()) == pytest.approx(voting.tolist())
    assert set(record["distances"]) == {"identity", "means", "random_1", "random_2"}
    assert set(record["removed_blocks"].values()) == {"stage1.block1"}
    every = np.array([list(of.values()) for of in record["distances"].values()])
    expected = 100 * (every.max(0) / every.min(0) - 1).max()
    assert record["spread_percent"] == pytest.approx(expected) and expected > 0.01


def test_the_record_is_the_same_in_every_run():
    given = probe()
    assert spread_over_starts(given, ["stochastic"]) == spread_over_starts(given, ["stochastic"])
