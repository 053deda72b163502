"""Checks of the networks of a configuration: blocks, start weights, how far to prune."""

from layer_pruning.configuration.contents import (
    Config,
    datasets,
    follows_removals,
    networks,
    percent_of,
    searched_criteria,
    target,
)
from layer_pruning.configuration.errors import ConfigError, suggestion
from layer_pruning.configuration.keys import Configuration
from layer_pruning.models.candidates import Limits, most_removals
from layer_pruning.models.network_blocks import blocks_of
from layer_pruning.models.specifications import (
    Architecture,
    FoundNetwork,
    HuggingFaceNetwork,
    TimmNetwork,
)
from layer_pruning.models.starts import PRETRAINED, check_start, pretrained_record

IMAGENET_CLASSES = 1000


def check_architectures(config: Config) -> None:
    """Every network has as many blocks to remove as are wanted, and those to protect."""
    unknown = dict.fromkeys(config["protect"])
    usual = config["removals"] == Configuration.model_fields["removals"].default
    for dataset in config["datasets"]:
        for name, network in networks(config, dataset).items():
            blocks = blocks_of(network)
            most = most_removals(blocks, Limits.of(config))
            wanted = config["removals"] or 1
            if wanted > most and follows_removals(config):
                raise ConfigError(
                    f"removals: {wanted}{', the default,' if usual else ''} is more than the "
                    f"{most} that {name} has with "
                    f"min_blocks_per_stage: {config['min_blocks_per_stage']}"
                    f"{' and what protect names' if config['protect'] else ''}"
                )
            for block in blocks:
                unknown.pop(block.name, None)
    for block in unknown:
        name, network = next(iter(networks(config).items()))
        names = [block.name for block in blocks_of(network)]
        raise ConfigError(f"protect: {name} has no block '{block}'; {suggestion(block, names)}")


def check_start_weights(config: Config) -> None:
    """What networks start from is there and fits the data."""
    for name, network in (
        item for dataset in config["datasets"] for item in networks(config, dataset).items()
    ):
        options = config["architectures"][name]
        try:
            check_start(name, options, network)
        except (ValueError, OSError) as error:
            raise ConfigError(f"architectures.{name}: {error}") from error
        if options.get("weights") == PRETRAINED:
            _check_pretrained(config, name, network)
        if config["training"].get("epochs") == 0 and not options.get("weights"):
            raise ConfigError(
                f"training.epochs: 0 needs weights to start from, and {name} has no 'weights'"
            )
        for dataset, info in datasets(config).items():
            for key in ("mean", "std"):
                values = options.get(key)
                # networks of packages see grey images in three channels
                grey = isinstance(network, FoundNetwork) and network.colour
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


def _check_pretrained(config: Config, name: str, network: Architecture) -> None:
    """There are weights of the network, of as many classes as the data have."""
    assert isinstance(network, TimmNetwork | HuggingFaceNetwork)
    record = pretrained_record(network)
    if not record.repository:
        raise ConfigError(
            f"architectures.{name}: weights: nothing pretrained is known of {network.network}; a "
            "tag of timm, a repository of the hub or a .safetensors file would be right"
        )
    for dataset, info in datasets(config).items():
        if record.classes != info.classes and not config["architectures"][name].get(
            "new_classifier"
        ):
            raise ConfigError(
                f"architectures.{name}: the weights of {record.repository} have {record.classes} "
                f"classes and {dataset} {info.classes}; 'new_classifier: true' draws a new "
                "classifier"
            )


def check_target(config: Config) -> None:
    """There is one target at most, and there are networks among which it selects."""
    if len(given := target(config)) > 1:
        raise ConfigError(f"target: {' and '.join(given)} given; at most one can be")
    for kind in given.keys() & {"latency_reduction", "validation_accuracy"}:
        if config["removals"] or config["report_at"]:
            continue
        # as many removals as there are, and nothing on the way
        searched = [f"criteria.{name}.search" for name in searched_criteria(config)]
        at_once = ["schedule: at_once"] if config["schedule"] == "at_once" else []
        step, limits = config["blocks_per_step"], Limits.of(config)
        most = (most_removals(blocks_of(network), limits) for network in networks(config).values())
        all_of_one = [f"blocks_per_step: {step}"] if step > 1 and step >= min(most) else []
        for key in [*at_once, *searched, *all_of_one]:
            raise ConfigError(
                f"target.{kind}: with '{key}' the only network would be the one with everything "
                "removed; name those to choose from in 'report_at', such as [2, 4, 6]"
            )


def check_report_at(config: Config) -> None:
    """What is to be reported was pruned."""
    for point in config["report_at"]:
        if isinstance(point, str) and percent_of(point) == 0:
            raise ConfigError(f"report_at: '{point}' is the baseline; more than 0 % would be right")


def check_schedule(config: Config) -> None:
    """All blocks at once leaves no step between."""
    if config["schedule"] == "at_once" and config["blocks_per_step"] != 1:
        raise ConfigError("blocks_per_step: with 'schedule: at_once' all blocks go in one step")
