"""Checks of the criteria of a configuration and of the images that they score on."""

import math
from collections.abc import Mapping, Sequence

from layer_pruning.configuration.contents import (
    Config,
    continued_criteria,
    datasets,
    networks,
    pruning_criteria,
    scratch_criteria,
    searched_criteria,
    smallest_class,
)
from layer_pruning.configuration.errors import ConfigError, suggestion
from layer_pruning.consensus.catalog import Aggregation
from layer_pruning.models.candidates import Limits, candidates
from layer_pruning.models.network_blocks import blocks_of, feature_width
from layer_pruning.runtime.named_function import named_function
from layer_pruning.scoring.catalog import METRIC_NAMES, OF_IMAGES, OWN_METRIC_TAKES
from layer_pruning.searching.catalog import PROFILES
from layer_pruning.similarity.catalog import CATALOG


def check_criteria(config: Config) -> None:
    """Metrics, weights and families fit, and what trains from new weights has a source."""
    pruning = pruning_criteria(config)
    _check_comparisons(config, "architecture_of", scratch_criteria(config))
    _check_comparisons(config, "epochs_of", continued_criteria(config))
    if "baseline" in config["criteria"]:
        raise ConfigError("criteria.baseline: the name is taken; choose another")
    for name, criterion in pruning.items():
        if "blocks" in criterion:
            _check_listed(config, name, criterion["blocks"])
            continue
        for metric in criterion["metrics"]:
            _check_metric(name, metric)
        try:
            Aggregation.of(criterion).check(criterion["metrics"])
        except ValueError as error:
            raise ConfigError(f"criteria.{name}: {error}") from error
    for name, search in searched_criteria(config).items():
        _check_search(config, name, search)


def _check_search(config: Config, name: str, search: str) -> None:
    """What is searched by can be said of sets of blocks, and there is something to search."""
    for metric in config["criteria"][name]["metrics"]:
        if ":" not in metric and metric not in OF_IMAGES:
            raise ConfigError(
                f"criteria.{name}.search: '{search}' compares what networks make of the probe "
                f"images, and '{metric}' looks at none; {', '.join(OF_IMAGES[:3])} … do"
            )
    for architecture, network in networks(config).items() if search == PROFILES else ():
        blocks = blocks_of(network)
        allowed = candidates(blocks, limits=Limits.of(config))
        if len({block.stage for block in blocks if block.name in allowed}) < 2:
            raise ConfigError(
                f"criteria.{name}.search: the blocks of {architecture} that can go are all of one "
                "stage, so there is one profile; beam or greedy would be right"
            )


def _check_comparisons(config: Config, key: str, comparisons: Mapping[str, str]) -> None:
    pruning = pruning_criteria(config)
    for name, source in comparisons.items():
        if more := [other for other in config["criteria"][name] if other != key]:
            raise ConfigError(f"criteria.{name}: '{key}' leaves nothing to {more[0]}")
        if source not in pruning:
            none = "there is none, add one: 'a: [cka]'"
            raise ConfigError(
                f"criteria.{name}.{key}: '{source}' is no criterion here that removes "
                f"blocks; {suggestion(source, pruning) if pruning else none}"
            )


def _check_listed(config: Config, name: str, listed: Sequence[str]) -> None:
    """The blocks that a criterion lists can go, one after the other, in every network."""
    limits = Limits.of(config)
    for architecture, network in networks(config).items():
        blocks, gone = blocks_of(network), list[str]()
        names = [block.name for block in blocks]
        for block in listed:
            if block not in names:
                raise ConfigError(
                    f"criteria.{name}.blocks: {architecture} has no block '{block}'; "
                    f"{suggestion(block, names)}"
                )
            if block not in (left := candidates(blocks, gone, limits=limits)):
                after = f" after {', '.join(gone)}" if gone else ""
                raise ConfigError(
                    f"criteria.{name}.blocks: '{block}' of {architecture} cannot go{after}; "
                    f"{', '.join(left) or 'none'} can"
                )
            gone.append(block)


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


def check_probe(config: Config) -> None:
    """Every class has the probe images, and every metric of a criterion has enough of them."""
    per_class = config["probe"]["images_per_class"]
    # a resample holds 63 % of the images, some of them more than once
    share = 0.6 if config["bootstrap"]["resamples"] else 1.0
    for dataset in config["datasets"]:
        available = smallest_class(config, dataset)[0]
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
                    images = info.minimum_images(feature_width(network)) / share
                    needed = max(math.ceil(images / classes), info.minimum_images_per_class)
                    if per_class < needed:
                        raise ConfigError(
                            f"probe.images_per_class: {metric} in criteria.{name} needs at least "
                            f"{needed} for the {feature_width(network)} features of "
                            f"{architecture_name}, "
                            f"not {per_class}"
                        )
