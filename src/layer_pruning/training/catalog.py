"""The recipes that a configuration may name. No torch."""

from collections.abc import Mapping
from typing import Any

AUTO = "auto"

OPTIMIZERS: dict[str, dict[str, Any]] = {
    "sgd": {"momentum": 0.9},
    "adamw": {"betas": [0.9, 0.999]},
}
"""Optimizers by name, with the settings that are theirs alone."""

# what goes beyond a plain run of stochastic gradient descent, switched off
_PLAIN: dict[str, Any] = {
    "optimizer": "sgd",
    "gradient_clipping": 0.0,
    "warmup_ratio": 0.0,
    "layer_decay": 1.0,
    "rand_augment": 0,
    "mixup_alpha": 0.0,
    "cutmix_alpha": 0.0,
}
# what all recipes begin with; None for what follows from the data
_COMMON: dict[str, Any] = _PLAIN | {
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
# chosen on validation accuracy (docs/benchmarks.md#distillation)
_TEACHER = {"distillation_weight": 0.7, "distillation_temperature": 4.0}

RECIPES: dict[str, dict[str, dict[str, Any]]] = {
    # minutes on a processor, for a first look
    "quick": {
        "training": _COMMON
        | {
            "epochs": 15,
            "batch_size": 64,
            "learning_rate": 0.1,
            "schedule": "one_cycle",
            "weight_decay": 5e-4,
        },
        "finetuning": _COMMON
        | _TEACHER
        | {
            "epochs": 2,
            "batch_size": 64,
            "learning_rate": 0.03,
            "schedule": "one_cycle",
            "weight_decay": 5e-4,
        },
    },
    # He et al. 2016 (arXiv 1512.03385) for the baseline; for the rest what the released code of
    # arXiv 2411.14345 does, ten epochs at 0.01 after every removal, in batches of 128, from the
    # labels alone
    "paper": {
        "training": _COMMON
        | {
            "epochs": 200,
            "batch_size": 128,
            "learning_rate": 0.1,
            "schedule": "multi_step",
            "weight_decay": 1e-4,
        },
        "finetuning": _COMMON
        | _TEACHER
        | {
            "epochs": 10,
            "batch_size": 128,
            "learning_rate": 0.01,
            "schedule": "constant",
            "weight_decay": 1e-4,
            "distillation_weight": 0.0,
        },
    },
    # what has become usual since
    "strong": {
        "training": _COMMON
        | {
            "epochs": 200,
            "batch_size": 128,
            "learning_rate": 0.2,
            "schedule": "one_cycle",
            "weight_decay": 5e-4,
            "label_smoothing": 0.1,
            "ema_decay": 0.999,
        },
        "finetuning": _COMMON
        | _TEACHER
        | {
            "epochs": 20,
            "batch_size": 128,
            "learning_rate": 0.05,
            "schedule": "one_cycle",
            "weight_decay": 5e-4,
            "ema_decay": 0.999,
        },
    },
    # as transformers and what was built after them are trained (DeiT, arXiv 2012.12877; ConvNeXt,
    # arXiv 2201.03545), for fewer epochs; fine-tuning with slower layers near the images, as in
    # BEiT (arXiv 2106.08254)
    "transformer": {
        "training": _COMMON
        | {
            "optimizer": "adamw",
            "epochs": 100,
            "batch_size": 128,
            "learning_rate": 5e-4,
            "schedule": "cosine",
            "warmup_ratio": 0.05,
            "weight_decay": 0.05,
            "gradient_clipping": 1.0,
            "label_smoothing": 0.1,
            "rand_augment": 9,
            "mixup_alpha": 0.8,
            "cutmix_alpha": 1.0,
        },
        "finetuning": _COMMON
        | _TEACHER
        | {
            "optimizer": "adamw",
            "epochs": 5,
            "batch_size": 128,
            "learning_rate": 2e-4,
            "schedule": "cosine",
            "warmup_ratio": 0.1,
            "weight_decay": 0.05,
            "gradient_clipping": 1.0,
            "layer_decay": 0.9,
        },
    },
}
"""By name and phase: every key of :class:`layer_pruning.training.recipe.Recipe`.

``shift_pixels`` and ``flip`` are None where the data decide.
"""


def recipe_settings(
    phase: str, given: Mapping[str, Any], *, batch_norm: bool = True
) -> dict[str, Any]:
    """The settings of ``phase`` (training or finetuning): the recipe named, and what overrides it.

    ``auto`` is ``quick`` for networks with batch norm, and ``transformer`` for those without.
    Neither the name nor settings of another optimizer are among them: who writes a recipe out by
    hand trains the same networks. What names no recipe is complete already.
    """
    settings = dict(given)
    name = settings.pop("recipe", None)
    if name == AUTO:
        name = "quick" if batch_norm else "transformer"
    settings = (RECIPES[name][phase] if name else {}) | settings
    own = OPTIMIZERS[settings["optimizer"]]
    others = {key for keys in OPTIMIZERS.values() for key in keys} - set(own)
    return {key: value for key, value in (own | settings).items() if key not in others}


def as_params(settings: Mapping[str, Any]) -> dict[str, Any]:
    """A recipe as params of a rule, read again by :meth:`training.recipe.Recipe.of`.

    The params of a plain run of SGD are those that they were before there was anything else, so
    that no such network is trained again. What goes beyond it is a mapping in the place of the
    momentum: the names of params are the same for all networks of a rule.
    """
    beyond = {key: settings[key] for key in _PLAIN if settings[key] != _PLAIN[key]}
    moving = {key: settings[key] for key in OPTIMIZERS[settings["optimizer"]]}
    of_optimizers = {key for keys in OPTIMIZERS.values() for key in keys}
    kept = {k: value for k, value in settings.items() if k not in {*_PLAIN, *of_optimizers}}
    return kept | {"momentum": beyond | moving if beyond else moving["momentum"]}
