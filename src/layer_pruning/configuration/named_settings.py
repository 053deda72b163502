"""Settings with their names, for params of rules that Snakemake would not tell apart.

Snakemake 9 compares the values that the params of a job have, each once and without their names: a
``flip: true`` beside a ``channels_last: true`` changes nothing for it. What is not as by default is
therefore among the params a second time, as text with its name. As defaults have none, the texts
and what stays without one say together what each setting is; and whoever left all as by default has
the params that there were before.
"""

from typing import Any

from layer_pruning.configuration.contents import Config
from layer_pruning.configuration.keys import Configuration
from layer_pruning.configuration.recipes import recipe_on
from layer_pruning.training.catalog import AUTO


def named(config: Config, *keys: str) -> tuple[str, ...]:
    """The settings among ``keys``, such as ``split.seed``, that are not as by default."""
    defaults = Configuration().model_dump()
    return _texts({key: (_at(config, key), _at(defaults, key)) for key in keys})


def named_recipe(
    config: Config, phase: str, dataset: str, architecture: str, params: Config
) -> tuple[str, ...]:
    """The ``params`` of a training that are not what a configuration without recipes makes them.

    ``phase`` is training, finetuning or final.
    """
    usual = config | {"training": {"recipe": AUTO}, "finetuning": {"recipe": AUTO, "final": None}}
    phase = "finetuning" if phase == "final" else phase
    defaults = recipe_on(usual, phase, dataset, architecture)
    return _texts({key: (value, defaults.get(key)) for key, value in params.items()})


def named_data(config: Config, dataset: str, revision: int) -> int | tuple[int | str, ...]:
    """The revision of prepared images, alone or with the names of what is not as by default.

    ``channels`` and ``image_size`` are named where they have the value of something else: nothing
    but a number is one of the others.
    """
    keys = ("validation_fraction", "test_fraction", "seed")
    told = list(named(config, *(f"split.{key}" for key in keys)))
    settings = config["datasets"][dataset]
    shape = {key: settings[key] for key in ("channels", "image_size") if settings[key]}
    others = [config["split"]["seed"], revision, *shape.values()]
    told += [f"{key}: {value}" for key, value in shape.items() if others.count(value) > 1]
    return (revision, *told) if told else revision


def _texts(settings: dict[str, tuple[Any, Any]]) -> tuple[str, ...]:
    # as Snakemake writes them: 1, 1.0 and True are three values
    return tuple(
        f"{key}: {value!r}"
        for key, (value, default) in settings.items()
        if repr(value) != repr(default)
    )


def _at(settings: Config, key: str) -> Any:
    found: Any = settings
    for part in key.split("."):
        found = found[part]
    return found
