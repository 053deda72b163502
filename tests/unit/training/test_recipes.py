"""Which recipe each network is trained by."""

import pytest

from layer_pruning.configuration import complete, epochs_of, recipe_of
from layer_pruning.training.catalog import RECIPES, as_params, recipe_settings
from layer_pruning.training.recipe import Recipe

GIVEN = {"energy": {"carbon_intensity_g_per_kwh": 475}, "datasets": ["cifar10"]}
GIVEN |= {"criteria": ["shallowest"]}


def completed(**given):
    return complete(GIVEN | given)


@pytest.fixture(scope="module")
def both():
    """A configuration with a network of each kind."""
    return completed(architectures=["resnet20", "vit_b_16"], training={"batch_size": 32})


def test_auto_chooses_by_batch_norm(both):
    convolutional = recipe_of(both, "training", "resnet20")
    transformer = recipe_of(both, "training", "vit_b_16")
    assert (convolutional["optimizer"], convolutional["epochs"]) == ("sgd", 15)
    assert (transformer["optimizer"], transformer["epochs"]) == ("adamw", 100)
    assert convolutional["batch_size"] == transformer["batch_size"] == 32
    assert epochs_of(both, "training") == [15, 100]
    assert recipe_of(both, "finetuning", "vit_b_16")["layer_decay"] < 1


def test_one_kind_of_network_has_its_recipe_written_out():
    config = completed(training={"epochs": 3}, finetuning={"final": {"epochs": 4}})
    expected = recipe_settings("training", {"recipe": "quick", "epochs": 3})
    # what all phases share is of no recipe
    assert config["training"] == expected | {"processes": 1, "sync_batch_norm": True}
    assert recipe_of(config, "training", "resnet20") == expected
    assert config["finetuning"]["final"] == {"epochs": 4}
    last = recipe_of(config, "final", "resnet20")
    assert last == recipe_of(config, "finetuning", "resnet20") | {"epochs": 4}


def test_what_was_written_out_is_read_again_as_it_is(both):
    for config in (both, completed(training={"recipe": "transformer"})):
        again = complete(config)
        assert (again["training"], again["finetuning"]) == (
            config["training"],
            config["finetuning"],
        )


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("phase", ["training", "finetuning"])
def test_params_of_a_rule_are_read_as_the_recipe_they_were_written_from(name, phase):
    settings = recipe_settings(phase, {"recipe": name}) | {"shift_pixels": 1, "flip": True}
    params = as_params(settings)
    assert Recipe.of(params) == Recipe.of(settings)
    assert set(params) == set(as_params(recipe_settings(phase, {"recipe": "quick"})))


def test_params_of_plain_descent_are_those_that_they_always_were():
    """Other params would train every network anew that lies on users' disks."""
    params = as_params(recipe_settings("training", {"recipe": "quick"}))
    assert params == {
        "epochs": 15,
        "batch_size": 64,
        "learning_rate": 0.1,
        "schedule": "one_cycle",
        "momentum": 0.9,
        "weight_decay": 5e-4,
        "label_smoothing": 0.0,
        "shift_pixels": None,
        "flip": None,
        "cutout_pixels": 0,
        "keep": "last",
        "ema_decay": 0.0,
        "precision": "auto",
        "channels_last": True,
        "compile": False,
    }
