"""Agreement with the paper's own code, on the features of its released ResNet-56.

The reference works in float32, hence 1e-5. Two of its defects stand in the way of a direct
comparison. Its linear metrics index images by class number, and so fit on eight images and score
on two: the values here are its metric code on 800 images and 200 others. Its stochastic metrics
raise on class covariances without full rank: these features have 100 images a class and 64
features, and both implementations are defined.
"""

import numpy as np
import pytest
from held_out import held_out

from layer_pruning.similarity import distances
from layer_pruning.similarity.stochastic import align
from shared_files import shared_file

CLOSE = 1e-5


@pytest.fixture(scope="module")
def oracle():
    path = shared_file("oracle/resnet56_reference.npz")
    with np.load(path, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("cka", "cka"),
        ("permutation", "permutation"),
        ("wasserstein", "wasserstein"),
        ("stochastic_means", "stochastic_means_only"),
        ("stochastic", "stochastic_identity_init"),
        ("stochastic_covariances", "stochastic_covariances_identity_init"),
    ],
)
def test_values_and_ranks(oracle, name, key):
    found = distances(name, oracle["features"], oracle["features_bypassed"], oracle["labels"])
    np.testing.assert_allclose(found, oracle[key], rtol=CLOSE)
    np.testing.assert_array_equal(np.argsort(found), np.argsort(oracle[key]))


@pytest.mark.parametrize(("alpha", "name"), [(1.0, "stochastic"), (0.0, "stochastic_covariances")])
def test_from_the_class_means_no_worse_than_the_reference_and_no_better_than_the_identity(
    oracle, alpha, name
):
    # the reference leaves 54 of 64 directions of this start to rounding, here they stay put
    found = align(
        oracle["features"],
        oracle["features_bypassed"],
        oracle["labels"],
        alpha=alpha,
        init="means",
    ).distances
    assert np.all(found >= oracle[f"{name}_identity_init"] * (1 - CLOSE))
    assert np.all(found <= oracle[f"{name}_means_init"] * 1.02)


@pytest.mark.parametrize(("key", "whiten"), [("procrustes_heldout", False), ("cca_heldout", True)])
def test_linear_metrics_on_held_out_images(oracle, key, whiten):
    fitted, scored = (
        (oracle["features"][rows], oracle["features_bypassed"][:, rows])
        for rows in (oracle["fit_rows"], oracle["score_rows"])
    )
    np.testing.assert_allclose(held_out(fitted, scored, whiten=whiten), oracle[key], rtol=CLOSE)


@pytest.mark.parametrize("name", ["procrustes", "cca"])
def test_linear_metrics_in_sample_are_below_the_held_out_ones(oracle, name):
    # nothing to compare the values with: these candidates are just the same ones, fitted
    found = distances(name, oracle["features"], oracle["features_bypassed"], oracle["labels"])
    assert np.all(found < oracle[f"{name}_heldout"])
    assert np.corrcoef(found, oracle[f"{name}_heldout"])[0, 1] > 0.95
