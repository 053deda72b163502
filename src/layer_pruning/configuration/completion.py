"""From what the user wrote to a complete, checked configuration.

Defaults are filled in here rather than by Snakemake, so that remote jobs see them.
"""

import json
from collections.abc import Callable, Iterator

import yaml

from layer_pruning.configuration.contents import Config, target
from layer_pruning.configuration.criteria_checks import check_criteria, check_probe
from layer_pruning.configuration.data_checks import check_datasets
from layer_pruning.configuration.errors import ConfigError
from layer_pruning.configuration.evaluation_checks import (
    check_attacks,
    check_corruptions,
    check_energy,
    check_evaluation,
    check_export,
    check_latency,
    check_tracking,
)
from layer_pruning.configuration.keys import Configuration
from layer_pruning.configuration.messages import validated
from layer_pruning.configuration.network_checks import (
    check_architectures,
    check_report_at,
    check_schedule,
    check_start_weights,
    check_target,
)
from layer_pruning.configuration.recipes import (
    OF_ALL_PHASES,
    check_processes,
    check_recipes,
    write_out_recipes,
)
from layer_pruning.configuration.shorthands import write_out_shorthands
from layer_pruning.installation import workflow_folder

# what no key can say for itself; a check may rely on those before it
CHECKS: tuple[Callable[[Config], None], ...] = (
    check_datasets,
    check_architectures,
    check_start_weights,
    check_report_at,
    check_target,
    check_recipes,
    check_processes,
    check_schedule,
    check_criteria,
    check_probe,
    check_attacks,
    check_corruptions,
    check_energy,
    check_evaluation,
    check_latency,
    check_export,
    check_tracking,
)


def over_quick(given: Config) -> Config:
    """What the user wrote, with the values of ``config/quick.yaml`` for what is not named.

    Attacks that the user names replace those of the file; all other groups of keys are joined.
    """
    quick = workflow_folder() / "config" / "quick.yaml"
    defaults: Config = yaml.safe_load(quick.read_text(encoding="utf-8"))
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

    Raises ConfigError for what is wrong, the first thing first, before any job starts.
    """
    config = with_defaults(given)
    if not target(config):
        config["removals"] = config["removals"] or Configuration.model_fields["removals"].default
    elif "removals" not in given:
        config["removals"] = None
    # several checks ask for the same network or folder
    if lines := list(dict.fromkeys(_wrong(config))):
        raise ConfigError.of(lines)
    write_out_recipes(config)
    return config


def with_defaults(given: Config) -> Config:
    """What the user wrote with defaults and without shorthands; nothing is looked up for it.

    Raises ConfigError for what a key alone can get wrong.
    """
    settings = validated(given)
    if settings.quick:
        given = over_quick(given)
        settings = validated(given)
    config = _dumped(settings, given)
    write_out_shorthands(config)
    return config


def _dumped(settings: Configuration, given: Config) -> Config:
    """As mappings; without the defaults of keys that mean something by being given.

    They are those of architectures, criteria and phases of training, in the order in which they are
    declared: what is written in another order is the same.
    """
    # a number may be written as a whole one, of which pydantic would warn
    config: Config = settings.model_dump(warnings=False)
    for key in ("architectures", "criteria"):
        for name, written in given.get(key, {}).items() if isinstance(config[key], dict) else ():
            if isinstance(written, dict):
                options = config[key][name]
                config[key][name] = {one: value for one, value in options.items() if one in written}
    always_of = {"training": {"recipe", *OF_ALL_PHASES}, "finetuning": {"recipe", "final"}}
    for phase, always in always_of.items():
        kept = always | given.get(phase, {}).keys()
        config[phase] = {key: value for key, value in config[phase].items() if key in kept}
    if final := config["finetuning"]["final"]:
        wanted = given["finetuning"]["final"]
        config["finetuning"]["final"] = {key: final[key] for key in wanted}
    return config


def _wrong(config: Config) -> Iterator[str]:
    """Lines about what no key can say for itself is wrong."""
    found = False
    for check in CHECKS:
        try:
            check(config)
        except ConfigError as error:
            found = True
            yield str(error)
        except Exception:
            # a check may rely on those before it, of which one has failed
            if not found:
                raise
            return


def as_yaml(config: Config) -> str:
    """A completed configuration as YAML text, less what changes no result.

    That is the device, which each job records, and who is told of results.
    """
    kept = {key: value for key, value in config.items() if key not in ("device", "tracking")}
    # a copy in which no two keys share a list, for which YAML would write an anchor
    text: str = yaml.safe_dump(json.loads(json.dumps(kept)), sort_keys=False, allow_unicode=True)
    return text
