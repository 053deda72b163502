"""Metrics of the user's own, named in a criterion as my_module:my_metric."""

import numpy as np
import pytest

from layer_pruning.models.header import NetworkHeader
from layer_pruning.scoring.bootstrap import resample, stratified_samples
from layer_pruning.scoring.scores import score
from planted_probe import planted_probe
from small_networks import header
from unit.scoring import own_metrics

NAME = "unit.scoring.own_metrics"


def scored(*metrics, probe=None):
    given: NetworkHeader = header()
    probe = probe or planted_probe()
    return score(metrics, probe, header=given, tensors={}, draw="here")


def test_every_block_has_what_the_function_gives_in_float64():
    probe = planted_probe()
    metric = f"{NAME}:largest_difference"
    for place, block in enumerate(probe.blocks):
        expected = own_metrics.largest_difference(
            probe.features.astype(np.float64),
            probe.features_bypassed[place].astype(np.float64),
            probe.labels,
        )
        assert scored(metric)[metric][block] == expected


def test_it_stands_beside_others_in_the_order_of_the_criterion():
    metrics = ["cka", f"{NAME}:of_first_class", "kl"]
    scores = scored(*metrics)
    assert list(scores) == metrics
    values = scores[metrics[1]]
    # the planted noise grows from block to block
    assert values["b0"] < values["b1"] < values["b2"]


def test_resampling_gives_it_both_features_of_the_same_images():
    probe, metric = planted_probe(), f"{NAME}:of_first_class"
    samples = stratified_samples(probe.labels, resamples=3, seed=4)
    result = resample(scored(metric), probe, resamples=3, seed=4)
    assert result.scores.shape == (3, 1, 3)
    for sample, values in zip(samples, result.scores[:, 0], strict=True):
        expected = [
            own_metrics.of_first_class(
                probe.features[sample].astype(float), bypassed[sample], probe.labels[sample]
            )
            for bypassed in probe.features_bypassed.astype(float)
        ]
        assert values == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("two_arguments", "should take features, features with a block bypassed, labels"),
        ("divides", "failed on b0: ZeroDivisionError: division by zero"),
        ("undefined", "gave nan for b0; it should give a finite number"),
        ("many", "failed on b0: TypeError"),
        ("centres_in_place", "failed on b0: ValueError: output array is read-only"),
        ("missing", "has no function 'missing'"),
    ],
)
def test_what_is_wrong_with_it_is_one_line_that_names_it(function, message):
    with pytest.raises(ValueError, match=message) as caught:
        scored(f"{NAME}:{function}")
    text = str(caught.value)
    assert text.startswith(f"{NAME}:{function}") and "\n" not in text
