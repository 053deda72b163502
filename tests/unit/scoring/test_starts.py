from importlib import import_module
from inspect import signature
from types import SimpleNamespace

import numpy as np
import pytest

from layer_pruning.scoring.catalog import SEARCHING_METRICS
from layer_pruning.scoring.starts import read_starts, spread_over_starts, write_starts
from layer_pruning.similarity import distances
from layer_pruning.similarity.catalog import CATALOG


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


def test_only_metrics_that_take_a_start_are_listed():
    for name in CATALOG:
        module = import_module(f"layer_pruning.similarity.{CATALOG[name].module}")
        takes = "init" in signature(getattr(module, name)).parameters
        assert takes == (name in SEARCHING_METRICS), name


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


def test_a_record_that_contradicts_itself_is_named(tmp_path):
    record = spread_over_starts(probe(), ["stochastic"])
    path = tmp_path / "stochastic_starts.json"
    write_starts(path, record)
    assert read_starts(path) == record
    record["stochastic"]["removed_blocks"]["means"] = "stage1.block2"
    write_starts(path, record)
    with pytest.raises(ValueError, match=r"stochastic_starts\.json: stochastic\.removed_blocks"):
        read_starts(path)
