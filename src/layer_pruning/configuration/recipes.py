"""By which recipe each network of a configuration is trained."""

from collections.abc import Iterator

from layer_pruning.configuration.contents import Config, datasets, networks
from layer_pruning.configuration.errors import ConfigError
from layer_pruning.data.catalog import dataset_info
from layer_pruning.models.network_blocks import has_batch_norm
from layer_pruning.training.catalog import AUTO, OPTIMIZERS, as_params, recipe_settings

OF_ALL_PHASES = ("processes", "sync_batch_norm")
"""Keys of ``training`` that are of no recipe: how every network is trained."""


def phases(config: Config) -> list[str]:
    """``training``, ``finetuning`` and, where there is a last phase, ``final``."""
    last = config["finetuning"]["final"] is not None
    return ["training", "finetuning", *(["final"] if last else [])]


def recipe_of(config: Config, phase: str, architecture: str) -> Config:
    """The settings by which a network is trained in one of the :func:`phases`.

    What ``auto`` stands for depends on the network. Raises ConfigError where it cannot be built.
    """
    given = _given(config, phase)
    asks = given.get("recipe") == AUTO
    batch_norm = not asks or has_batch_norm(networks(config)[architecture])
    phase = "finetuning" if phase == "final" else phase
    return recipe_settings(phase, given, batch_norm=batch_norm)


def recipe_on(config: Config, phase: str, dataset: str, architecture: str) -> Config:
    """The same as params of a job, with what the recipe leaves to the images filled in."""
    recipe = recipe_of(config, phase, architecture)
    info = dataset_info(config["datasets"][dataset])
    if recipe["shift_pixels"] is None:
        recipe["shift_pixels"] = info.usual_shift_pixels
    if recipe["flip"] is None:
        recipe["flip"] = info.mirrored
    return as_params(recipe)


def summed_in(config: Config) -> Config:
    """Params of a training: in which pieces sums are added up, on which their last digits depend.

    One thread or process is left out, so that what was trained before these were params stays; so
    are threads on a GPU, where the processor adds nothing up. They are texts, since Snakemake
    compares the values of params without their names, and a 2 may be among them already.
    """
    threads, processes = config["threads"], config["training"]["processes"]
    params = {}
    if threads > 1 and not config["device"].startswith("cuda"):
        params["threads"] = f"{threads} threads"
    if processes > 1:
        norms = "batch" if config["training"]["sync_batch_norm"] else "process"
        params["processes"] = f"{processes} processes, norms by {norms}"
    return params


def of_network(config: Config, architecture: str) -> Config:
    """The configuration as it is for one network: its recipes written out."""
    recipes = {
        phase: recipe_of(config, phase, architecture) for phase in ("training", "finetuning")
    }
    recipes["finetuning"]["final"] = config["finetuning"]["final"]
    return config | recipes


def epochs_of(config: Config, phase: str) -> list[int]:
    """For how many epochs networks are trained in a phase, ascending, each number once."""
    return sorted({recipe_of(config, phase, name)["epochs"] for name in config["architectures"]})


def _given(config: Config, phase: str) -> Config:
    if phase == "training":
        return {key: value for key, value in config[phase].items() if key not in OF_ALL_PHASES}
    given = {key: value for key, value in config["finetuning"].items() if key != "final"}
    return given | config["finetuning"]["final"] if phase == "final" else given


def write_out_recipes(config: Config) -> None:
    """Write the settings of each phase out, where they are the same for all networks."""
    # what the last phase does not name is as in fine-tuning
    last = {"final": config["finetuning"]["final"]}
    shared = {key: config["training"][key] for key in OF_ALL_PHASES}
    config["training"] = (_common(config, "training") or config["training"]) | shared
    config["finetuning"] = (_common(config, "finetuning") or config["finetuning"]) | last


def _common(config: Config, phase: str) -> Config:
    first, *others = (recipe_of(config, phase, name) for name in config["architectures"])
    return first if all(other == first for other in others) else {}


def check_recipes(config: Config) -> None:
    """What a phase names has a meaning for the networks and the images that it is trained on."""
    for phase in phases(config):
        key = "finetuning.final" if phase == "final" else phase
        given, of_networks = _given(config, phase), list(_recipes(config, phase))
        for optimizer, own in OPTIMIZERS.items():
            for name in set(own) & set(given):
                used = of_networks[0]["optimizer"]
                if all(recipe["optimizer"] != optimizer for recipe in of_networks):
                    raise ConfigError(
                        f"{key}.{name}: it is for 'optimizer: {optimizer}'; "
                        f"{used} has {', '.join(OPTIMIZERS[used])}"
                    )
        for recipe in of_networks:
            if recipe["warmup_ratio"] and recipe["schedule"] == "one_cycle":
                raise ConfigError(
                    f"{key}.warmup_ratio: 'schedule: one_cycle' has a warm-up of its own; "
                    "0, or 'schedule: cosine', would be right"
                )
            _check_rand_augment(config, key, recipe["rand_augment"])
            _check_pixels(config, key, recipe)


def check_processes(config: Config) -> None:
    """What several processes share is enough for all, and there can be a device for each."""
    processes = config["training"]["processes"]
    if processes == 1:
        return
    if ":" in config["device"]:
        raise ConfigError(
            f"device: '{config['device']}' is one GPU and 'training.processes' is {processes}; "
            "'cuda' or 'auto', with which each process takes its own, would be right"
        )
    for phase in phases(config):
        key = "finetuning.final" if phase == "final" else phase
        for recipe in _recipes(config, phase):
            if recipe["batch_size"] < 2 * processes:
                raise ConfigError(
                    f"{key}.batch_size: {recipe['batch_size']} images are less than two for each "
                    f"of {processes} processes; {2 * processes} or more would be right"
                )
            if recipe["compile"] and config["training"]["sync_batch_norm"]:
                raise ConfigError(
                    f"{key}.compile: a compiled network has batch norm of each process alone; "
                    "'training.sync_batch_norm: false', or 'compile: false', would be right"
                )


def _recipes(config: Config, phase: str) -> Iterator[Config]:
    return (recipe_of(config, phase, name) for name in config["architectures"])


def _check_rand_augment(config: Config, key: str, magnitude: int) -> None:
    for name, info in datasets(config).items():
        if magnitude and info.input_shape[0] not in (1, 3):
            raise ConfigError(
                f"{key}.rand_augment: images of {name} have {info.input_shape[0]} channels; it is "
                "for one or three, and 0 would be right"
            )


def _check_pixels(config: Config, key: str, recipe: Config) -> None:
    """Something of every image is left to be seen; what is not given follows from the images."""
    for name, info in datasets(config).items():
        _, height, width = info.input_shape
        side = min(height, width)
        most = {"cutout_pixels": side - 1, "shift_pixels": side // 2}
        for setting, bound in most.items():
            if (recipe[setting] or 0) > bound:
                raise ConfigError(
                    f"{key}.{setting}: {recipe[setting]} is too much for images of {name}, which "
                    f"have {height} × {width} pixels; {bound} or less would be right"
                )
