"""Checks of the networks of a configuration: blocks, start weights, how far to prune."""

from layer_pruning.configuration.contents import Config, datasets, networks, target
from layer_pruning.configuration.errors import ConfigError, suggestion
from layer_pruning.models.architectures import TorchvisionNetwork, check_start, most_removals

IMAGENET_CLASSES = 1000


def check_architectures(config: Config) -> None:
    """Every network has as many blocks to remove as are wanted, and those to protect."""
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


def check_target(config: Config) -> None:
    """There is one target at most."""
    if len(given := target(config)) > 1:
        raise ConfigError(f"target: {' and '.join(given)} given; at most one can be")


def check_schedule(config: Config) -> None:
    """All blocks at once leaves no step between."""
    if config["schedule"] == "at_once" and config["blocks_per_step"] != 1:
        raise ConfigError("blocks_per_step: with 'schedule: at_once' all blocks go in one step")
