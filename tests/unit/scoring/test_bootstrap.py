import numpy as np
import pytest

from layer_pruning.activations.features import Activations
from layer_pruning.scoring.bootstrap import resample, stratified_samples
from layer_pruning.scoring.savings import read_savings, saving_scores
from layer_pruning.similarity import distances
from layer_pruning.similarity.catalog import CATALOG
from layer_pruning.similarity.resampling import resampled_distances
from planted_probe import planted_probe

METRICS = ["cka", "stochastic", "kl", "random"]


def scores_of(probe, metrics):
    """Scores of the metrics on the probe set; what looks at no image has any number."""
    found = {}
    for metric in metrics:
        if metric in CATALOG:
            values = distances(metric, probe.features, probe.features_bypassed, probe.labels)
        else:
            values = np.arange(len(probe.blocks), dtype=float)
        found[metric] = dict(zip(probe.blocks.tolist(), values.tolist(), strict=True))
    return found


def test_every_resample_has_as_many_images_of_each_class():
    labels = np.repeat([0, 1, 2], [5, 9, 4])
    np.random.default_rng(3).shuffle(labels)
    samples = stratified_samples(labels, resamples=50, seed=0)
    assert samples.shape == (50, 18)
    assert all(np.array_equal(labels[sample], labels) for sample in samples)
    # with replacement: hardly any resample holds every image once
    assert np.mean([len(set(sample.tolist())) == 18 for sample in samples]) < 0.1
    assert np.array_equal(samples, stratified_samples(labels, resamples=50, seed=0))
    assert not np.array_equal(samples, stratified_samples(labels, resamples=50, seed=1))


def test_metrics_on_images_vary_and_the_others_stay():
    probe = planted_probe()
    scores = scores_of(probe, METRICS)
    tables = list(resample(scores, probe, resamples=6, seed=0).tables())
    assert len(tables) == 6
    for metric in ("cka", "stochastic", "kl"):
        assert len({tuple(table[metric].values()) for table in tables}) == 6
    assert all(table["random"] == scores["random"] for table in tables)


def test_a_resample_equals_scoring_its_images():
    probe = planted_probe()
    metrics = ["cka", "procrustes", "wasserstein", "stochastic", "stochastic_covariances"]
    scores = scores_of(probe, metrics)
    result = resample(scores, probe, resamples=3, seed=5)
    samples = stratified_samples(probe.labels, resamples=3, seed=5)
    for sample, table in zip(samples, result.tables(), strict=True):
        for metric in metrics:
            expected = distances(
                metric,
                probe.features[sample],
                probe.features_bypassed[:, sample],
                probe.labels[sample],
            )
            # the alternating metrics start elsewhere, and stop at a relative change of 1e-4
            assert list(table[metric].values()) == pytest.approx(expected.tolist(), rel=2e-3)


def test_a_block_far_closer_than_the_others_is_the_smallest_in_every_resample():
    probe = planted_probe(noise=(0.5, 0.01, 0.5))
    scores = scores_of(probe, ["cka", "procrustes", "stochastic"])
    for table in resample(scores, probe, resamples=20, seed=0).tables():
        assert all(min(values, key=values.get) == "b1" for values in table.values())


def test_a_criterion_that_looks_at_no_image_has_no_resamples():
    probe = planted_probe()
    result = resample(scores_of(probe, ["random"]), probe, resamples=9, seed=0)
    assert not list(result.tables())


def test_the_block_that_saves_most_has_the_smallest_score():
    savings = {"a": {"latency": 2.0}, "b": {"latency": 5.0}}
    assert saving_scores("saves_latency", savings, ["a", "b"]) == {"a": -2.0, "b": -5.0}
    with pytest.raises(ValueError, match="nothing says how much energy a saves"):
        saving_scores("saves_energy", savings, ["a", "b"])


def test_savings_are_joined_by_block_and_a_damaged_file_is_named(tmp_path):
    one, other = tmp_path / "latency.json", tmp_path / "energy.json"
    one.write_text('{"blocks": {"a": {"macs": 1.0}}}')
    other.write_text('{"blocks": {"a": {"energy": 2.0}}}')
    assert read_savings([one, other]) == {"a": {"macs": 1.0, "energy": 2.0}}
    assert read_savings([]) == {}
    for damaged in ('{"blocks"', '{"blocks": [1]}', "[]"):
        other.write_text(damaged)
        with pytest.raises(ValueError, match=r"energy\.json: .*delete it and run"):
            read_savings([one, other])


def few_images(per_class=11, features=64, blocks=4):
    """A probe set of hardly as many different images in a resample as ``cca`` needs."""
    generator = np.random.default_rng(0)
    labels = np.repeat(np.arange(10), per_class)
    images = (len(labels), features)
    intact = generator.standard_normal(images)
    # the last block changes least by far
    noise = [2.0, 1.5, 1.0, 0.05]
    bypassed = np.stack([intact + one * generator.standard_normal(images) for one in noise])
    logits = generator.standard_normal((len(labels), 10))
    return Activations(
        intact.astype(np.float32),
        bypassed.astype(np.float32),
        logits,
        np.stack([logits] * blocks),
        labels,
        np.array([f"b{place}" for place in range(blocks)]),
        np.arange(len(labels)),
    )


def test_no_resample_is_of_fewer_different_images_than_a_metric_needs():
    probe = few_images()
    needed = CATALOG["cca"].minimum_images(64)
    plain = stratified_samples(probe.labels, resamples=200, seed=0)
    short = [len(set(sample.tolist())) < needed for sample in plain]
    # not what is repeated, but how much differs is what a metric needs
    assert 0.01 < np.mean(short) < 0.5
    samples = stratified_samples(probe.labels, resamples=200, seed=0, different=needed)
    assert min(len(set(sample.tolist())) for sample in samples) == needed
    # all others stay as they were
    kept = ~np.array(short)
    assert np.array_equal(samples[kept], plain[kept])
    assert all(np.array_equal(probe.labels[sample], probe.labels) for sample in samples)
    distances_of = {"cca": dict.fromkeys(probe.blocks.tolist(), 0.0)}
    result = resample(distances_of, probe, resamples=100, seed=0).scores[:, 0]
    # far above rounding, and so is the order
    assert result.max(axis=1).min() > 1e-3
    assert (result.argmin(axis=1) == 3).all()


def test_a_resample_of_too_few_different_images_is_refused_as_so_few_images_are():
    probe = few_images()
    given = (probe.features, probe.features_bypassed, probe.labels)
    sample = np.tile(np.arange(0, 110, 2), 2)[None]
    message = "cca of 64 features needs at least 66 different images in a resample, got 55"
    with pytest.raises(ValueError, match=message):
        resampled_distances("cca", *given, sample)
    # of one class at least two: the covariances of all others are zero
    one_each = np.repeat(np.arange(10) * 11, 11)[None]
    with pytest.raises(ValueError, match="at least 11 different images in a resample, got 10"):
        resampled_distances("stochastic_covariances", *given, one_each)
    one_each[0, 0] = 1
    assert resampled_distances("stochastic_covariances", *given, one_each).min() > 0


def test_too_few_images_for_resamples_are_named_with_what_would_do():
    probe = few_images(per_class=7)
    scores = {"cca": dict.fromkeys(probe.blocks.tolist(), 0.0)}
    with pytest.raises(ValueError, match=r"of 70 probe images holds the 66 .* 110 probe images"):
        resample(scores, probe, resamples=10, seed=0)
    assert resample(scores, probe, resamples=0, seed=0).scores.shape == (0, 1, 4)
