"""From what the user wrote to a complete, checked configuration.

Defaults are filled in here rather than by Snakemake, so that remote jobs see them.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from layer_pruning.configuration.contents import Config, target
from layer_pruning.configuration.criteria_checks import check_criteria, check_probe
from layer_pruning.configuration.data_checks import check_datasets
from layer_pruning.configuration.evaluation_checks import (
    check_attacks,
    check_corruptions,
    check_energy,
    check_latency,
)
from layer_pruning.configuration.keys import Configuration
from layer_pruning.configuration.messages import validated
from layer_pruning.configuration.network_checks import (
    check_architectures,
    check_schedule,
    check_start_weights,
    check_target,
)
from layer_pruning.configuration.shorthands import write_out_shorthands

QUICK = Path(__file__).parents[3] / "config" / "quick.yaml"
"""The defaults of a quick look."""

# what no key can say for itself; a check may rely on those before it
CHECKS: tuple[Callable[[Config], None], ...] = (
    check_datasets,
    check_architectures,
    check_start_weights,
    check_target,
    check_schedule,
    check_criteria,
    check_probe,
    check_attacks,
    check_corruptions,
    check_energy,
    check_latency,
)


def over_quick(given: Config) -> Config:
    """What the user wrote, with the values of ``QUICK`` for what is not named.

    Attacks that the user names replace those of the file; all other groups of keys are joined.
    """
    defaults: Config = yaml.safe_load(QUICK.read_text(encoding="utf-8"))
    if "country_iso_code" in (given.get("energy") or {}):
        del defaults["energy"]["carbon_intensity_g_per_kwh"]
    joined = {
        key: {**value, **given[key]}
        for key, value in defaults.items()
        if key != "attacks" and isinstance(value, dict) and isinstance(given.get(key), dict)
    }
    return {**defaults, **given, **joined}


def complete(given: Config) -> Config:
    """The configuration with every default filled in and every shorthand written out.

    Raises ConfigError for the first thing that is wrong, before any job starts.
    """
    # a number may be written as a whole one, of which pydantic would warn
    config: Config = validated(given).model_dump(warnings=False)
    if config["quick"]:
        given = over_quick(given)
        config = validated(given).model_dump(warnings=False)
    for key in ("architectures", "criteria"):
        config[key] = _as_written(config[key], given.get(key))
    write_out_shorthands(config)
    if not target(config):
        config["removals"] = config["removals"] or Configuration.model_fields["removals"].default
    elif "removals" not in given:
        config["removals"] = None
    for check in CHECKS:
        check(config)
    return config


def _as_written(named: Any, given: Any) -> Any:
    """Without the defaults of keys that mean something by being given, in the order given."""
    if not isinstance(named, dict) or not isinstance(given, dict):
        return named
    return {
        name: {key: settings[key] for key in given[name]}
        if isinstance(settings, dict)
        else settings
        for name, settings in named.items()
    }


def as_yaml(config: Config) -> str:
    """A completed configuration as YAML text, without what changes no result."""
    kept = {key: value for key, value in config.items() if key not in ("device", "threads")}
    # a copy in which no two keys share a list, for which YAML would write an anchor
    text: str = yaml.safe_dump(json.loads(json.dumps(kept)), sort_keys=False, allow_unicode=True)
    return text
