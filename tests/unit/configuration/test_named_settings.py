"""No two configurations have params of a training that Snakemake takes for the same."""

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layer_pruning.configuration import complete, named, named_recipe, recipe_on

BASE = {"energy": {"carbon_intensity_g_per_kwh": 475}}
# values that are those of other settings
NUMBERS = st.sampled_from([0.0, 0.05, 0.1, 0.5, 0.9])
WHOLE = st.sampled_from([1, 2, 3, 4, 64])
PIXELS = st.sampled_from([1, 2, 3, 4])
RECIPES = st.fixed_dictionaries(
    {},
    optional={
        "recipe": st.sampled_from(["auto", "quick", "paper", "strong"]),
        "epochs": WHOLE,
        "batch_size": st.sampled_from([2, 4, 64]),
        "learning_rate": st.sampled_from([0.05, 0.1, 0.9]),
        "label_smoothing": NUMBERS,
        "ema_decay": NUMBERS,
        "momentum": NUMBERS,
        "weight_decay": NUMBERS,
        "mixup_alpha": NUMBERS,
        "cutout_pixels": PIXELS,
        "shift_pixels": PIXELS,
        "flip": st.booleans(),
        "compile": st.booleans(),
        "channels_last": st.booleans(),
    },
)


def compared(phase, recipe, dataset, seed):
    """The recipe, and what Snakemake compares of it."""
    config = complete(copy.deepcopy(BASE | {"datasets": [dataset], phase: recipe}))
    params = recipe_on(config, phase, dataset, "resnet20")
    told = named_recipe(config, phase, dataset, "resnet20", params)
    return params, {*map(repr, params.values()), repr(seed), repr((2, 3, *told))}


@given(
    st.sampled_from(["training", "finetuning"]),
    RECIPES,
    RECIPES,
    st.sampled_from(["digits", "fashion_mnist"]),
    st.integers(0, 3),
)
@settings(max_examples=150, deadline=None)
def test_other_recipes_are_other_params(phase, first, second, dataset, seed):
    one, two = (compared(phase, recipe, dataset, seed) for recipe in (first, second))
    assert (repr(one[0]) == repr(two[0])) == (one[1] == two[1])


@pytest.mark.parametrize("phase", ["training", "finetuning"])
def test_what_is_as_by_default_is_not_named(phase):
    config = complete(copy.deepcopy(BASE))
    params = recipe_on(config, phase, "digits", "resnet20")
    assert named_recipe(config, phase, "digits", "resnet20", params) == ()
    assert named(config, "split.seed", "probe.images_per_class", "min_blocks_per_stage") == ()


def test_the_last_phase_is_named_beside_what_fine_tuning_is_by_default():
    tuned = {"finetuning": {"epochs": 1, "final": {"epochs": 2, "label_smoothing": 0.1}}}
    config = complete(copy.deepcopy(BASE | tuned))
    params = recipe_on(config, "final", "digits", "resnet20")
    assert named_recipe(config, "final", "digits", "resnet20", params) == ("label_smoothing: 0.1",)
    assert named_recipe(config, "final", "digits", "resnet20", {"epochs": True}) == (
        "epochs: True",
    )


def test_other_settings_are_named_by_their_keys():
    config = complete(BASE | {"split": {"validation_fraction": 0.25, "test_fraction": 0.1}})
    keys = [f"split.{key}" for key in ("validation_fraction", "test_fraction", "seed")]
    told = ("split.validation_fraction: 0.25", "split.test_fraction: 0.1")
    assert named(config, *keys) == told
