"""From what the user wrote to a complete, checked configuration. No torch, no numpy.

The schema (``config/config.schema.yaml``) holds every key, its description and its default. The
defaults are filled in here rather than by Snakemake, so that remote jobs see them.
"""

import copy
import difflib
import math
import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator, ValidationError

from layer_pruning.attacks.catalog import ATTACKS, CORRUPTIONS, check_request, get_attack
from layer_pruning.consensus.catalog import check_aggregation
from layer_pruning.data.catalog import (
    IMAGE_FOLDER,
    KINDS,
    DatasetInfo,
    complete_settings,
    dataset_info,
    official_corruptions,
    shifted_files,
    shifted_name,
)
from layer_pruning.energy.catalog import countries
from layer_pruning.models.architectures import (
    Architecture,
    TorchvisionNetwork,
    architecture,
    check_start,
    most_removals,
    published_name,
)
from layer_pruning.named_function import named_function
from layer_pruning.scoring.catalog import CRITERIA, METRIC_NAMES, OWN_METRIC_TAKES
from layer_pruning.similarity.catalog import CATALOG
from layer_pruning.training.catalog import recipe_settings

Config = dict[str, Any]
IMAGENET_CLASSES = 1000
SCRATCH = "scratch"
# what a plain name can stand for: a folder needs its path
DATASET_NAMES = [kind for kind in KINDS if kind != "image_folder"]


class ConfigError(ValueError):
    """One line that names the key, what is wrong and what would be right."""


def check_parses(path: Path) -> Config:
    """The content of a configuration file as it stands.

    Raises ConfigError, naming file and line, unless it is YAML that holds a mapping without a key
    twice. Snakemake's own message names neither, and of two equal keys the last would win unsaid.
    """
    try:
        text = path.read_text(encoding="utf-8")
        content = yaml.safe_load(text)
        _check_keys(path, yaml.compose(text))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; give the path of a configuration") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f", line {mark.line + 1}" if mark else ""
        raise ConfigError(f"{path}{where}: not YAML: {error.problem}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: should be 'key: value' pairs, such as 'removals: 5'")
    return content


def _check_keys(path: Path, node: Any) -> None:
    """Raise ConfigError where a mapping of a parsed file, at any depth, has a key twice."""
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if key.value in seen:
                raise ConfigError(
                    f"{path}, line {line}: '{key.value}' is in line {seen[key.value]} already; "
                    "one of the two should go"
                )
            seen[key.value] = line
            _check_keys(path, value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            _check_keys(path, value)


def complete(given: Config, schema_path: Path) -> Config:
    """The configuration with every default filled in and every shorthand written out.

    Raises ConfigError for the first thing that is wrong, before any job starts.
    """
    schema = _schema(schema_path)
    error = min(
        Draft202012Validator(schema).iter_errors(given),
        key=lambda e: (len(e.absolute_path), str(e.absolute_path)),
        default=None,
    )
    if error is not None:
        raise ConfigError(_schema_message(error))
    _check_numbers(given)
    config = _filled(schema, given)
    _write_out_shorthands(config)
    if not target(config):
        config["removals"] = config["removals"] or schema["properties"]["removals"]["default"]
    elif "removals" not in given:
        config["removals"] = None
    for check in CHECKS:
        check(config)
    return config


@lru_cache
def _schema(path: Path) -> Config:
    parsed: Config = yaml.safe_load(path.read_text(encoding="utf-8"))
    return parsed


def _filled(schema: Config, given: Any) -> Any:
    """A copy of ``given`` with the schema's defaults, at every depth."""
    if not isinstance(given, dict):
        return copy.deepcopy(given)
    filled = {
        key: copy.deepcopy(part["default"])
        for key, part in schema.get("properties", {}).items()
        if "default" in part
    }
    filled |= given
    parts = schema.get("properties", {})
    return {key: _filled(parts.get(key, {}), value) for key, value in filled.items()}


def _write_out_shorthands(config: Config) -> None:
    """Lists of names become mappings of names to settings, each complete."""
    if isinstance(config["datasets"], list):
        for name in config["datasets"]:
            if name not in DATASET_NAMES:
                known = suggestion(name, DATASET_NAMES)
                raise ConfigError(f"datasets: '{name}' is unknown; {known}")
        config["datasets"] = {name: {} for name in config["datasets"]}
    for name, settings in config["datasets"].items():
        config["datasets"][name] = complete_settings(name, settings)
    if isinstance(config["architectures"], list):
        config["architectures"] = _named_architectures(config["architectures"])
    if isinstance(config["criteria"], list):
        config["criteria"] = _named_criteria(config["criteria"])
    for name, criterion in config["criteria"].items():
        settings = dict(criterion) if isinstance(criterion, dict) else {"metrics": criterion}
        if settings.get("architecture_of") is None:
            settings.pop("architecture_of", None)
            settings = _with_savings(name, settings)
        config["criteria"][name] = settings
    for phase in ("training", "finetuning"):
        config[phase] = recipe_settings(phase, config[phase])
    for name, attack in config["attacks"].items():
        settings = {"attack": name, "norm": "Linf", "epsilons": None} | attack
        settings["epsilons"] = settings["epsilons"] and list(map(_number, settings["epsilons"]))
        config["attacks"][name] = settings


def _number(value: float | str) -> float:
    """A number, or one written as so many 255ths."""
    return float(value.partition("/")[0]) / 255 if isinstance(value, str) else float(value)


def _named_criteria(given: list[str]) -> Config:
    """Criteria known by name, and metrics of the user's own, each alone."""
    named: Config = {}
    for entry, name in zip(given, _path_names(given, "criteria"), strict=True):
        named[name] = {"metrics": [entry]} if ":" in entry else _known_criterion(entry, given)
    return named


def _path_names(given: list[str], key: str) -> list[str]:
    """The entries of a list; the user's own, ``module:function``, as they can be part of a path."""
    names: list[str] = []
    for entry in given:
        own = ":" in entry
        name = re.sub(r"[^a-z0-9]+", "_", entry.lower()).strip("_") if own else entry
        if name in names:
            raise ConfigError(f"{key}: two would be called '{name}'; use a mapping")
        names.append(name)
    return names


def _known_criterion(name: str, names: list[str]) -> Config:
    """What the name of a criterion, one of ``names``, stands for."""
    if name == SCRATCH:
        pruning = [other for other in names if other != SCRATCH]
        if not pruning:
            raise ConfigError(
                f"criteria: {SCRATCH} needs a criterion beside it that removes blocks"
            )
        return {"architecture_of": pruning[0]}
    known = [*CRITERIA, SCRATCH]
    if name not in known:
        raise ConfigError(f"criteria: '{name}' is unknown; {suggestion(name, known)}")
    return CRITERIA[name]


def pruning_criteria(config: Config) -> Config:
    """The criteria that rank blocks and remove them, by name."""
    return {name: c for name, c in config["criteria"].items() if "architecture_of" not in c}


def scratch_criteria(config: Config) -> dict[str, str]:
    """The criteria that train from new weights, and the ones whose last network they take."""
    return {
        name: criterion["architecture_of"]
        for name, criterion in config["criteria"].items()
        if "architecture_of" in criterion
    }


def target(config: Config) -> dict[str, float]:
    """What a network should reach: one key and its number, or nothing."""
    return {key: value for key, value in config["target"].items() if value is not None}


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


def _named_architectures(given: list[str]) -> Config:
    """Networks of the user's own get a name that can be part of a path."""
    names = _path_names(given, "architectures")
    return {
        name: {"build": entry} if ":" in entry else {}
        for name, entry in zip(names, given, strict=True)
    }


def _check_numbers(part: Any, path: tuple[Any, ...] = ()) -> None:
    """YAML and JSON Schema know numbers that are none: .nan and .inf."""
    if isinstance(part, float) and not math.isfinite(part):
        raise ConfigError(f"{_path(path)}: {part} should be a finite number")
    if isinstance(part, dict | list):
        for key, value in part.items() if isinstance(part, dict) else enumerate(part):
            _check_numbers(value, (*path, key))


def _is_number(value: Any) -> bool:
    """Whether a text is a number to its writer, as 1e-3 is, which YAML 1.1 reads as text."""
    try:
        return isinstance(value, str) and math.isfinite(float(value))
    except ValueError:
        return False


def _path(parts: Iterable[Any]) -> str:
    return ".".join(str(part) for part in parts)


def suggestion(name: str, known: Iterable[str]) -> str:
    """What would be right: the nearest known name, and all of them."""
    known = list(known)
    near = difflib.get_close_matches(name, known, n=1)
    listed = f"known are {', '.join(known)}"
    return f"did you mean '{near[0]}'? {listed}" if near else listed


def _schema_message(error: ValidationError) -> str:
    """One line for a violation of the schema."""
    key = _path(error.absolute_path)
    schema: Any = error.schema
    value: Any = error.validator_value
    instance: Any = error.instance
    if error.validator == "additionalProperties" and "properties" in schema:
        unknown = next(str(name) for name in instance if name not in schema["properties"])
        written = _path([*error.absolute_path, unknown])
        return f"{written}: unknown key; {suggestion(unknown, schema['properties'])}"
    if error.validator == "oneOf":
        # neither form fits: say what is wrong with the one that was meant, lists or mappings
        meant = "array" if isinstance(instance, list) else "object"
        # the only reference among the forms of the schema is to a list of metrics
        kinds = [form.get("type", "array") for form in schema["oneOf"]]
        fits = isinstance(instance, list | dict)
        forms: Any = error.context
        context = [e for e in forms if fits and kinds[int(e.schema_path[0])] == meant]
        if context:
            return _schema_message(min(context, key=lambda e: len(e.absolute_path)))
        return f"{key}: {instance!r} should be a list of names or a mapping"
    if "propertyNames" in error.absolute_schema_path:
        signs = ", _ and -" if "-]" in str(value) else " and _"
        return f"{key}: '{instance}' should be lower-case letters, digits{signs}"
    if error.validator == "pattern":
        return f"{key}: {instance!r} should match {value}"
    if error.validator == "required":
        return f"{key}: {error.message.replace(' is a required property', ' is missing')}"
    if error.validator in ("minItems", "minProperties"):
        return f"{key}: it is empty, or shorter than {value}; name at least one"
    if error.validator == "type":
        wanted = " or ".join(value) if isinstance(value, list) else value
        said = f"{key or 'config'}: {instance!r} should be of type {wanted}"
        if {"number", "integer"} & {*wanted.split(" or ")} and _is_number(instance):
            said += f"; YAML reads this as text, and {float(instance):g} as a number"
        return said
    if error.validator == "enum":
        known = ", ".join(map(str, value))
        return f"{key}: {instance!r} should be one of {known}"
    wording = {
        "minimum": "at least",
        "maximum": "at most",
        "exclusiveMinimum": "more than",
        "exclusiveMaximum": "less than",
    }
    if error.validator in wording:
        bound = f"{wording[error.validator]} {value}"
        return f"{key}: {instance!r} should be {bound}"
    if error.validator == "uniqueItems":
        return f"{key}: {instance!r} names something twice"
    return f"{key}: {error.message}"


def datasets(config: Config) -> dict[str, DatasetInfo]:
    """What is known of the data sets of a configuration. Raises ConfigError naming the key."""
    found = {}
    for name, settings in config["datasets"].items():
        try:
            found[name] = dataset_info(settings)
        except (ValueError, OSError) as error:
            raise ConfigError(f"datasets.{name}: {error}") from error
    return found


def _check_datasets(config: Config) -> None:
    fractions = config["split"]["validation_fraction"] + config["split"]["test_fraction"]
    if fractions >= 1:
        raise ConfigError(
            f"split: validation_fraction and test_fraction add up to {fractions:g}; "
            "less than 1 would leave images to train on"
        )
    for name, settings in config["datasets"].items():
        kind, published = settings["kind"], settings["published"]
        if published is not None and kind != IMAGE_FOLDER:
            raise ConfigError(
                f"datasets.{name}.published: it is for kind: {IMAGE_FOLDER} only; "
                f"others know {kind} by that name"
            )
        _check_cue(config, name)
        for part, size in zip(
            ("train", "validation", "test"), _smallest(config, name), strict=True
        ):
            if size < 1:
                raise ConfigError(f"split: a class of {name} would have no {part} image")


def _check_cue(config: Config, dataset: str) -> None:
    """Augmentation should not move the cue out of the image."""
    cue, info = config["datasets"][dataset]["cue"], datasets(config)[dataset]
    if cue is None:
        return
    margin = info.cue_margin_pixels(cue)
    for phase in ("training", "finetuning"):
        shift = config[phase]["shift_pixels"]
        shift = info.usual_shift_pixels if shift is None else shift
        if margin < shift:
            raise ConfigError(
                f"datasets.{dataset}.cue.margin_pixels: {phase}.shift_pixels moves images by "
                f"{shift}, which would cut the cue off; {shift} or more would keep it whole"
            )


def _smallest(config: Config, dataset: str) -> tuple[int, int, int]:
    """Images of the smallest class in train, validation and test."""
    train, validation, test = zip(*_sizes(config, dataset), strict=True)
    return min(train), min(validation), min(test)


def _sizes(config: Config, dataset: str) -> list[tuple[int, int, int]]:
    """Images of each class in train, validation and test."""
    split = config["split"]
    return datasets(config)[dataset].sizes(
        validation_fraction=split["validation_fraction"], test_fraction=split["test_fraction"]
    )


def networks(config: Config, dataset: str | None = None) -> dict[str, Architecture]:
    """The architectures of a configuration by name, for images of ``dataset`` (the first one).

    Raises ConfigError naming the key.
    """
    infos = datasets(config)
    shape = infos[dataset or next(iter(infos))].input_shape
    found = {}
    for name, options in config["architectures"].items():
        try:
            found[name] = architecture(name, options, shape)
            # blocks of some networks are found by building them, which may fail
            found[name].blocks()
        except ValueError as error:
            raise ConfigError(f"architectures: {error}") from error
    return found


def published_setting(config: Config, dataset: str, architecture: str) -> Config:
    """Under which names others publish results about a data set and an architecture, if at all.

    ``dataset`` and ``network`` are those names, empty where there are none, and ``same_images`` is
    False where the data are the user's own files. A data set with a planted cue is another one.
    """
    settings = config["datasets"][dataset]
    own = settings["kind"] == IMAGE_FOLDER
    name = (settings["published"] or "") if own else settings["kind"]
    return {
        "dataset": "" if settings["cue"] is not None else name,
        "network": published_name(networks(config, dataset)[architecture]),
        "same_images": not own,
    }


def _check_architectures(config: Config) -> None:
    unknown = dict.fromkeys(config["protect"])
    for dataset in config["datasets"]:
        for name, network in networks(config, dataset).items():
            blocks = network.blocks()
            most = most_removals(
                blocks,
                min_blocks_per_stage=config["min_blocks_per_stage"],
                protect=config["protect"],
            )
            wanted = config["removals"] or 1
            if wanted > most:
                raise ConfigError(
                    f"removals: {wanted} is more than the {most} that {name} has with "
                    f"min_blocks_per_stage: {config['min_blocks_per_stage']}"
                    f"{' and what protect names' if config['protect'] else ''}"
                )
            for block in blocks:
                unknown.pop(block.name, None)
    for block in unknown:
        name, network = next(iter(networks(config).items()))
        names = [block.name for block in network.blocks()]
        raise ConfigError(f"protect: {name} has no block '{block}'; {suggestion(block, names)}")


def _check_start(config: Config) -> None:
    for name, network in (
        item for dataset in config["datasets"] for item in networks(config, dataset).items()
    ):
        options = config["architectures"][name]
        try:
            check_start(name, options, network)
        except (ValueError, OSError) as error:
            raise ConfigError(f"architectures.{name}: {error}") from error
        if config["training"]["epochs"] == 0 and not options.get("weights"):
            raise ConfigError(
                f"training.epochs: 0 needs weights to start from, and {name} has no 'weights'"
            )
        for dataset, info in datasets(config).items():
            for key in ("mean", "std"):
                values = options.get(key)
                # torchvision's networks see grey images in three channels
                grey = isinstance(network, TorchvisionNetwork)
                if values and len(values) != info.input_shape[0] and not grey:
                    raise ConfigError(
                        f"architectures.{name}.{key}: {len(values)} numbers, and images of "
                        f"{dataset} have {info.input_shape[0]} channels"
                    )
            if (
                options.get("weights") == "torchvision"
                and not options.get("new_classifier")
                and info.classes != IMAGENET_CLASSES
            ):
                raise ConfigError(
                    f"architectures.{name}: torchvision's weights have {IMAGENET_CLASSES} classes "
                    f"and {dataset} {info.classes}; 'new_classifier: true' draws a new classifier"
                )


def _check_metric(criterion: str, metric: str) -> None:
    if ":" in metric:
        try:
            named_function(metric, takes=OWN_METRIC_TAKES)
        except ValueError as error:
            raise ConfigError(f"criteria.{criterion}: {error}") from error
    elif metric not in METRIC_NAMES:
        raise ConfigError(
            f"criteria.{criterion}: metric '{metric}' is unknown; "
            f"{suggestion(metric, METRIC_NAMES)}, and your own as my_module:my_metric"
        )


def _check_target(config: Config) -> None:
    if len(given := target(config)) > 1:
        raise ConfigError(f"target: {' and '.join(given)} given; at most one can be")


def _check_criteria(config: Config) -> None:
    pruning = pruning_criteria(config)
    for name, source in scratch_criteria(config).items():
        if more := [key for key in config["criteria"][name] if key != "architecture_of"]:
            raise ConfigError(f"criteria.{name}: 'architecture_of' leaves nothing to {more[0]}")
        if source not in pruning:
            raise ConfigError(
                f"criteria.{name}.architecture_of: '{source}' is no criterion here that removes "
                f"blocks; {suggestion(source, pruning)}"
            )
    if "baseline" in config["criteria"]:
        raise ConfigError("criteria.baseline: the name is taken; choose another")
    for name, criterion in pruning.items():
        for metric in criterion["metrics"]:
            _check_metric(name, metric)
        try:
            check_aggregation(**criterion)
        except ValueError as error:
            raise ConfigError(f"criteria.{name}: {error}") from error


def _check_probe(config: Config) -> None:
    per_class = config["probe"]["images_per_class"]
    # a resample holds 63 % of the images, some of them more than once
    share = 0.6 if config["bootstrap"]["resamples"] else 1.0
    for dataset in config["datasets"]:
        available = _smallest(config, dataset)[0]
        if per_class > available:
            raise ConfigError(
                f"probe.images_per_class: {per_class} is more than the {available} training images "
                f"of the smallest class of {dataset}"
            )
        classes = datasets(config)[dataset].classes
        for architecture_name, network in networks(config).items():
            for name, criterion in pruning_criteria(config).items():
                for metric in set(criterion["metrics"]) & set(CATALOG):
                    info = CATALOG[metric]
                    images = info.minimum_images(network.features) / share
                    needed = max(math.ceil(images / classes), info.minimum_images_per_class)
                    if per_class < needed:
                        raise ConfigError(
                            f"probe.images_per_class: {metric} in criteria.{name} needs at least "
                            f"{needed} for the {network.features} features of {architecture_name}, "
                            f"not {per_class}"
                        )


def _check_attacks(config: Config) -> None:
    kinds: dict[tuple[str, str], str] = {}
    for name, attack in config["attacks"].items():
        other = kinds.setdefault((attack["attack"], attack["norm"]), name)
        if other != name:
            raise ConfigError(
                f"attacks.{name}: {attack['attack']} in {attack['norm']} is attacks.{other} "
                "already; add its epsilons there"
            )
    for name, attack in config["attacks"].items():
        if attack["attack"] not in ATTACKS:
            hint = "" if attack["attack"] != name else " (give its 'attack' to choose another name)"
            raise ConfigError(
                f"attacks.{name}: attack '{attack['attack']}' is unknown{hint}; "
                f"{suggestion(attack['attack'], ATTACKS)}"
            )
        if attack["epsilons"] is None and attack["norm"] != "Linf":
            raise ConfigError(
                f"attacks.{name}.epsilons: missing, and L2 has no usual ones; such as [0.5]"
            )
        for info in datasets(config).values():
            try:
                epsilons = attack["epsilons"] or list(info.epsilons)
                check_request(attack["attack"], attack["norm"], epsilons)
            except ValueError as error:
                raise ConfigError(f"attacks.{name}: {error}") from error
        least = get_attack(attack["attack"]).minimum_classes
        for dataset in config["datasets"]:
            classes = datasets(config)[dataset].classes
            if classes < least:
                raise ConfigError(
                    f"attacks.{name}: {attack['attack']} needs at least {least} classes, "
                    f"and {dataset} has {classes}"
                )
    batch, shard = (config["attacked_images"][key] for key in ("batch_size", "shard_size"))
    if shard is not None and shard % batch:
        raise ConfigError(
            f"attacked_images.shard_size: {shard} should be a multiple of batch_size: {batch}, so "
            "that no result depends on it"
        )
    for dataset in config["datasets"]:
        test = sum(sizes[2] for sizes in _sizes(config, dataset))
        if config["attacks"] and config["attacked_images"]["count"] > test:
            raise ConfigError(
                f"attacked_images.count: {config['attacked_images']['count']} is more than the "
                f"{test} test images of {dataset}"
            )


def corruptions_of(config: Config, dataset: str) -> list[str]:
    """The corruptions that networks on a data set are tested on: official, or those made here.

    Raises ConfigError naming an unknown one.
    """
    names = config["corruptions"]["names"]
    if config["datasets"][dataset]["corrupted"] is not None:
        try:
            return list(official_corruptions(names))
        except ValueError as error:
            raise ConfigError(f"corruptions.names: {error}") from error
    for name in names or ():
        if name not in CORRUPTIONS:
            raise ConfigError(
                f"corruptions.names: '{name}' is unknown; {suggestion(name, CORRUPTIONS)}"
            )
    return list(CORRUPTIONS if names is None else names)


def corrupted_images(config: Config) -> int:
    """How many test images are corrupted: as many as are attacked unless told otherwise."""
    count = config["corruptions"]["count"]
    return int(config["attacked_images"]["count"] if count is None else count)


def files_of_shift(config: Config, dataset: str) -> list[str]:
    """The files with corrupted and newly collected test images of a data set.

    Raises ConfigError naming one that is missing, cut short or not what belongs there.
    """
    images = sum(sizes[2] for sizes in _sizes(config, dataset))
    settings = config["datasets"][dataset]
    try:
        return shifted_files(settings, corruptions_of(config, dataset), images)
    except (ValueError, OSError) as error:
        raise ConfigError(f"datasets.{dataset}: {error}") from error


def _check_corruptions(config: Config) -> None:
    for dataset, settings in config["datasets"].items():
        files_of_shift(config, dataset)
        names = [shifted_name(path) for path in settings["shifted"]]
        if len(set(names)) < len(names):
            raise ConfigError(f"datasets.{dataset}.shifted: two files would be called {names}")
        images = sum(sizes[2] for sizes in _sizes(config, dataset))
        # how many a folder of corrupted images holds is only known when it is listed
        if corruptions_of(config, dataset) and corrupted_images(config) > images:
            raise ConfigError(
                f"corruptions.count: {corrupted_images(config)} is more than the {images} test "
                f"images of {dataset}"
            )


def _check_energy(config: Config) -> None:
    given = [
        key
        for key in ("country_iso_code", "carbon_intensity_g_per_kwh")
        if config["energy"][key] is not None
    ]
    if len(given) != 1:
        how_many = "both" if given else "none"
        raise ConfigError(
            f"energy: {how_many} of country_iso_code and carbon_intensity_g_per_kwh given; exactly "
            "one is needed, such as 'carbon_intensity_g_per_kwh: 475'"
        )
    country = config["energy"]["country_iso_code"]
    if country is not None and (known := countries()) and country not in known:
        near = difflib.get_close_matches(country, known, n=3)
        raise ConfigError(
            f"energy.country_iso_code: CodeCarbon has no data for '{country}'"
            f"{'; did you mean ' + ', '.join(near) + '?' if near else ''}; "
            "'carbon_intensity_g_per_kwh' would do instead"
        )


def _check_latency(config: Config) -> None:
    if config["device"] == "cpu" and "cuda_graphs" in config["latency"]["modes"]:
        raise ConfigError(
            "latency.modes: 'cuda_graphs' needs a GPU, and device is 'cpu'; leave it out"
        )


CHECKS: tuple[Callable[[Config], None], ...] = (
    _check_datasets,
    _check_architectures,
    _check_start,
    _check_target,
    _check_criteria,
    _check_probe,
    _check_attacks,
    _check_corruptions,
    _check_energy,
    _check_latency,
)
