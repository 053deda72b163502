"""The recipes that a configuration may name. No torch."""

from typing import Any

# what all recipes begin with; None for what follows from the data
_COMMON: dict[str, Any] = {
    "momentum": 0.9,
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
}
"""By name and phase: every key of :class:`layer_pruning.training.recipe.Recipe`.

``shift_pixels`` and ``flip`` are None where the data decide.
"""
