"""Checks of the data sets of a configuration and their splits."""

from layer_pruning.configuration.contents import Config, datasets, sizes_of_classes
from layer_pruning.configuration.errors import ConfigError
from layer_pruning.data.catalog import IMAGE_FOLDER


def check_datasets(config: Config) -> None:
    """Every class keeps an image in every split, and a planted cue is there and stays whole."""
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
    """Some image has the cue, and augmentation does not move it out of the image."""
    cue, info = config["datasets"][dataset]["cue"], datasets(config)[dataset]
    if cue is None:
        return
    # of each class, rounded to whole images
    largest = max(train for train, _, _ in sizes_of_classes(config, dataset))
    if round(cue["share"] * largest) == 0:
        raise ConfigError(
            f"datasets.{dataset}.cue.share: {cue['share']:g} plants no cue on any training image; "
            f"{1 / largest:.2g} or more would"
        )
    margin = info.cue_margin_pixels(cue)
    for phase in ("training", "finetuning"):
        shift = config[phase].get("shift_pixels")
        shift = info.usual_shift_pixels if shift is None else shift
        if margin < shift:
            raise ConfigError(
                f"datasets.{dataset}.cue.margin_pixels: {phase}.shift_pixels moves images by "
                f"{shift}, which would cut the cue off; {shift} or more would keep it whole"
            )
