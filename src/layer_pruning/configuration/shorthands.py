"""Shorthands of a configuration, written out: lists of names become mappings to settings."""

import copy
import re

from layer_pruning.configuration.contents import Config
from layer_pruning.configuration.errors import ConfigError, suggestion
from layer_pruning.configuration.keys.values import LONGEST_NAME
from layer_pruning.data.catalog import KINDS, complete_settings, streams_by_size
from layer_pruning.scoring.catalog import CRITERIA, LISTED
from layer_pruning.searching.catalog import BEAM, GREEDY, USUAL_BEAM

# comparisons known by name, and the key that says which criterion they are beside
COMPARISONS = {"scratch": "architecture_of", "continued": "epochs_of"}
# what a plain name can stand for: a folder needs its path
DATASET_NAMES = [kind for kind in KINDS if kind != "image_folder"]


def write_out_shorthands(config: Config) -> None:
    """Lists of names become mappings of names to settings, each complete."""
    if isinstance(config["datasets"], list):
        for name in config["datasets"]:
            if name not in DATASET_NAMES:
                known = suggestion(name, DATASET_NAMES)
                raise ConfigError(f"datasets: '{name}' is unknown; {known}")
        config["datasets"] = {name: {} for name in config["datasets"]}
    for name, settings in config["datasets"].items():
        settings = complete_settings(name, settings)
        if settings["stream"] is None:
            settings["stream"] = streams_by_size(settings)
        config["datasets"][name] = settings
    if isinstance(config["architectures"], list):
        config["architectures"] = _named_architectures(config["architectures"])
    if isinstance(config["criteria"], list):
        config["criteria"] = _named_criteria(config["criteria"])
    for name, criterion in config["criteria"].items():
        settings = dict(criterion) if isinstance(criterion, dict) else {"metrics": criterion}
        for key in ("blocks", *COMPARISONS.values()):
            if settings.get(key) is None:
                settings.pop(key, None)
        if not set(COMPARISONS.values()) & set(settings):
            settings = _removing(name, settings)
        config["criteria"][name] = settings
    for name, attack in config["attacks"].items():
        attack["attack"] = attack["attack"] or name
        attack["epsilons"] = attack["epsilons"] and list(map(_number, attack["epsilons"]))


def _number(value: float | str) -> float:
    """A number, or one written as so many 255ths."""
    return float(value.partition("/")[0]) / 255 if isinstance(value, str) else float(value)


def _named_criteria(given: list[str]) -> Config:
    """Criteria known by name, and metrics of the user's own, each alone."""
    named: Config = {}
    names = _path_names(given, "criteria")
    pruning = [name for name in names if name not in COMPARISONS]
    for entry, name in zip(given, names, strict=True):
        named[name] = {"metrics": [entry]} if ":" in entry else _known_criterion(entry, pruning)
    return named


def _path_names(given: list[str], key: str) -> list[str]:
    """The entries of a list; the user's own, ``module:function``, as they can be part of a path."""
    names: list[str] = []
    for entry in given:
        own = bool({":", "/"} & set(entry))
        name = re.sub(r"[^a-z0-9]+", "_", entry.lower()).strip("_") if own else entry
        if len(name) > LONGEST_NAME:
            raise ConfigError(
                f"{key}: '{name}' is longer than {LONGEST_NAME} characters; give it a shorter name "
                "in a mapping"
            )
        if name in names:
            raise ConfigError(f"{key}: two would be called '{name}'; use a mapping")
        names.append(name)
    return names


def _known_criterion(name: str, pruning: list[str]) -> Config:
    """What the name of a criterion stands for, beside those that remove blocks."""
    if name in COMPARISONS:
        if not pruning:
            raise ConfigError(f"criteria: {name} needs a criterion beside it that removes blocks")
        return {COMPARISONS[name]: pruning[0]}
    known = [*CRITERIA, *COMPARISONS]
    if name not in known:
        raise ConfigError(f"criteria: '{name}' is unknown; {suggestion(name, known)}")
    return CRITERIA[name]


def _removing(name: str, settings: Config) -> Config:
    """A criterion that removes blocks: those it lists, or those that its metrics rank first."""
    if "blocks" not in settings:
        return _with_search(name, _with_savings(name, settings))
    whole: Config = {"metrics": [LISTED], "aggregation": "borda", "weights": None, "families": None}
    whole["blocks"] = list(settings["blocks"])
    # a completed configuration, as the report keeps it, has these keys, and is one to run again
    if more := [key for key, value in settings.items() if value != whole.get(key, ...)]:
        raise ConfigError(f"criteria.{name}: 'blocks' leaves nothing to {more[0]}")
    return whole


def _with_savings(name: str, settings: Config) -> Config:
    """A criterion with the vote for savings written out as one more metric and its weight."""
    if "metrics" not in settings:
        raise ConfigError(f"criteria.{name}: 'metrics' is missing")
    defaults: Config = {"aggregation": "borda", "weights": None, "families": None}
    criterion = defaults | copy.deepcopy(settings)
    saves, weight = criterion.pop("saves", None), criterion.pop("saves_weight", 1)
    if saves is None:
        if weight != 1:
            raise ConfigError(f"criteria.{name}.saves_weight: it weighs nothing without 'saves'")
        return criterion
    metric = f"saves_{saves}"
    if criterion["aggregation"] == "lexicographic":
        raise ConfigError(
            f"criteria.{name}.saves: lexicographic has no votes; name '{metric}' among 'metrics', "
            "where it should decide"
        )
    if criterion["aggregation"] == "weighted":
        criterion["weights"] = (criterion["weights"] or {}) | {metric: weight}
    elif weight != 1 and criterion["aggregation"] == "borda":
        criterion["aggregation"] = "weighted"
        criterion["weights"] = dict.fromkeys(criterion["metrics"], 1) | {metric: weight}
    elif weight != 1:
        raise ConfigError(
            f"criteria.{name}.saves_weight: aggregation {criterion['aggregation']} has no weights; "
            "borda and weighted have"
        )
    criterion["metrics"] = [*criterion["metrics"], metric]
    return criterion


def _with_search(name: str, criterion: Config) -> Config:
    """A criterion with the size of its beam written out; without both keys where it is greedy."""
    search, beam = criterion.pop("search", GREEDY), criterion.pop("beam", None)
    if beam is not None and search != BEAM:
        raise ConfigError(f"criteria.{name}.beam: it is for 'search: beam', not for '{search}'")
    if search == BEAM:
        criterion["beam"] = beam or USUAL_BEAM
    return criterion if search == GREEDY else criterion | {"search": search}


def _named_architectures(given: list[str]) -> Config:
    """Networks of the user's own get a name that can be part of a path."""
    names = _path_names(given, "architectures")
    return {
        name: {"build": entry} if ":" in entry else {"network": entry} if "/" in entry else {}
        for name, entry in zip(names, given, strict=True)
    }
