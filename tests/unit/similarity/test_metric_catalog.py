"""The catalog describes exactly the metrics that there are, and is free to import."""

import math
import subprocess
import sys

import numpy as np
import pytest

from layer_pruning import similarity
from layer_pruning.similarity.catalog import CATALOG, PAPER_METRICS, VARIANT_METRICS


def test_the_paper_has_eight_metrics_in_this_order():
    assert PAPER_METRICS == (
        "cka",
        "procrustes",
        "cca",
        "permutation",
        "wasserstein",
        "stochastic_means",
        "stochastic",
        "stochastic_covariances",
    )


def test_what_is_catalogued_is_what_can_be_computed():
    assert tuple(similarity.METRICS) == PAPER_METRICS
    assert tuple(similarity.VARIANTS) == VARIANT_METRICS
    assert sorted(CATALOG) == sorted(PAPER_METRICS + VARIANT_METRICS)


def test_parsing_the_workflow_imports_nothing_heavy():
    code = (
        "import sys; from layer_pruning.similarity import REVISION, catalog; "
        "print(sorted({'numpy', 'scipy', 'torch', 'pandas'} & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_a_metric_without_an_assignment_problem_imports_no_scipy():
    code = (
        "import sys; from layer_pruning.similarity import distances; "
        "distances('cka', [[0.], [1.], [3.]], [[[0.], [2.], [3.]]], [0, 0, 0]); "
        "print('scipy' in sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "False"


@pytest.mark.parametrize("name", CATALOG)
def test_descriptions_are_one_sentence_and_name_a_source(name):
    information = CATALOG[name]
    assert information.description.count(".") == 1
    assert information.description.endswith(".")
    assert "arXiv" in information.source
    assert information.upper_bound > 0


@pytest.mark.parametrize("name", CATALOG)
@pytest.mark.parametrize("features", [1, 3, 5])
def test_the_number_of_images_needed_is_enough_and_one_fewer_is_not(name, features):
    information = CATALOG[name]
    images = max(information.minimum_images(features), information.minimum_images_per_class)
    generator = np.random.default_rng(features)
    reference = generator.normal(size=(images, features))
    candidates = generator.normal(size=(2, images, features))
    values = similarity.distances(name, reference, candidates, np.zeros(images))
    assert np.all((values >= 0) & (values <= information.upper_bound))
    if images > 1:
        with pytest.raises(ValueError, match=f"at least {images} images"):
            similarity.distances(name, reference[1:], candidates[:, 1:], np.zeros(images - 1))


@pytest.mark.parametrize("name", ["cka", "procrustes", "cca"])
def test_one_image_fewer_would_make_the_metric_a_constant(name):
    # the reason for the number in the catalog: computed all the same, everything is at distance 0
    from layer_pruning.similarity import cka, procrustes

    images = CATALOG[name].minimum_images(4) - 1
    generator = np.random.default_rng(0)
    reference = generator.normal(size=(images, 4))
    candidates = generator.normal(size=(3, images, 4))
    module = cka if name == "cka" else procrustes
    values = getattr(module, name)(reference, candidates, np.zeros(images))
    np.testing.assert_allclose(values, 0, atol=1e-7)


def test_a_class_with_one_image_is_named():
    features = np.random.default_rng(0).normal(size=(5, 2))
    for name in ("stochastic", "stochastic_covariances"):
        with pytest.raises(ValueError, match="at least 2 images of every class, got 1 of class 7"):
            similarity.METRICS[name](features, features, [3, 3, 7, 9, 9])


def test_only_distances_to_infinity_are_unbounded():
    bounds = {name: information.upper_bound for name, information in CATALOG.items()}
    assert bounds["cka"] == 1
    assert bounds["cka_debiased"] == 2
    assert bounds["procrustes"] == bounds["cca"] == math.pi / 2
    assert bounds["permutation"] == math.pi
