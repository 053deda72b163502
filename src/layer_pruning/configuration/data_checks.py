"""Checks of the data sets of a configuration and their splits."""

from layer_pruning.configuration.contents import Config, datasets, sizes_of_classes
from layer_pruning.configuration.errors import ConfigError
from layer_pruning.data.catalog import IMAGE_FOLDER


def check_datasets(config: Config) -> None:
    """Every class keeps an image in every split, and no augmentation cuts off a planted cue."""
    for name, settings in config["datasets"].items():
        kind, published = settings["kind"], settings["published"]
        if published is not None and kind != IMAGE_FOLDER:
            raise ConfigError(
                f"datasets.{name}.published: it is for kind: {IMAGE_FOLDER} only; "
                f"others know {kind} by that name"
            )
        _check_cue(config, name)
        sizes_of_classes(config, name)


def _check_cue(config: Config, dataset: str) -> None:
    """Augmentation should not move the cue out of the image."""
    cue, info = config["datasets"][dataset]["cue"], datasets(config)[dataset]
    if cue is None:
        return
    margin = info.cue_margin_pixels(cue)
    for phase in ("training", "finetuning"):
        shift = config[phase].get("shift_pixels")
        shift = info.usual_shift_pixels if shift is None else shift
        if margin < shift:
            raise ConfigError(
                f"datasets.{dataset}.cue.margin_pixels: {phase}.shift_pixels moves images by "
                f"{shift}, which would cut the cue off; {shift} or more would keep it whole"
            )
