"""What a completed configuration asks for, worked out from its keys.

Every check asks again: folders are listed, and networks built, once in a process.
"""

from typing import Any

from layer_pruning.attacks.catalog import CORRUPTIONS
from layer_pruning.configuration.errors import ConfigError, suggestion
from layer_pruning.data.catalog import (
    IMAGE_FOLDER,
    DatasetInfo,
    dataset_info,
    official_corruptions,
    shifted_files,
    shifted_name,
)
from layer_pruning.models.architectures import architecture, published_name
from layer_pruning.models.hub_files import PREPROCESSING, WEIGHTS, hub_path
from layer_pruning.models.network_blocks import blocks_of
from layer_pruning.models.specifications import Architecture, HuggingFaceNetwork, TimmNetwork
from layer_pruning.models.starts import PRETRAINED, pretrained_record
from layer_pruning.runtime.named_function import source_files

Config = dict[str, Any]

SPLITS = ("train", "validation", "test")

MOST_REMOVALS = 99
"""A path has two digits for them."""


def datasets(config: Config) -> dict[str, DatasetInfo]:
    """What is known of the data sets of a configuration. Raises ConfigError naming the key."""
    found = {}
    for name, settings in config["datasets"].items():
        try:
            found[name] = dataset_info(settings)
        except (ValueError, OSError) as error:
            raise ConfigError(f"datasets.{name}: {error}") from error
    return found


def sizes_of_classes(config: Config, dataset: str) -> list[tuple[int, int, int]]:
    """Images of each class in train, validation and test, one at least.

    Raises ConfigError where there would be none: what is counted by such splits means nothing.
    """
    fractions = {key: config["split"][key] for key in ("validation_fraction", "test_fraction")}
    if (both := sum(fractions.values())) >= 1:
        raise ConfigError(
            f"split: validation_fraction and test_fraction add up to {both:g}; "
            "less than 1 would leave images to train on"
        )
    sizes = datasets(config)[dataset].sizes(**fractions)
    for part, of_classes in zip(SPLITS, zip(*sizes, strict=True), strict=True):
        if min(of_classes) < 1:
            raise ConfigError(f"split: a class of {dataset} would have no {part} image")
    return sizes


def smallest_class(config: Config, dataset: str) -> tuple[int, int, int]:
    """Images of the smallest class in train, validation and test."""
    train, validation, test = zip(*sizes_of_classes(config, dataset), strict=True)
    return min(train), min(validation), min(test)


def test_images(config: Config, dataset: str) -> int:
    """How many images of a data set are for testing."""
    return sum(sizes[2] for sizes in sizes_of_classes(config, dataset))


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
            blocks_of(found[name])
        except ValueError as error:
            raise ConfigError(f"architectures: {error}") from error
    return found


def start_files(config: Config, name: str) -> list[str]:
    """The files that the training of a baseline reads beside its data, below the working folder.

    They are its weights, and the module that builds it where that lies in the working folder.
    """
    options = config["architectures"][name]
    weights = options.get("weights") or "torchvision"
    if weights == PRETRAINED:
        network = networks(config)[name]
        assert isinstance(network, TimmNetwork | HuggingFaceNetwork)
        repository = pretrained_record(network).repository
        of_hub = isinstance(network, HuggingFaceNetwork) and not options.get("mean")
        files = [WEIGHTS, PREPROCESSING] if of_hub else [WEIGHTS]
        return [hub_path(repository, file) for file in files]
    files = [] if weights == "torchvision" else [weights]
    return files + (source_files(options["build"]) if options.get("build") else [])


def promised_checksums(config: Config) -> dict[str, str]:
    """The SHA-256 of the weights to fetch that the user gave, by their paths."""
    return {
        start_files(config, name)[0]: options["sha256"]
        for name, options in config["architectures"].items()
        if options.get("weights") == PRETRAINED and options.get("sha256")
    }


def shifted_sets(config: Config, dataset: str) -> dict[str, str]:
    """The newly collected test sets of a data set: their paths by name."""
    return {shifted_name(path): path for path in config["datasets"][dataset]["shifted"]}


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


def pruning_criteria(config: Config) -> Config:
    """The criteria that rank blocks and remove them, by name."""
    return {name: c for name, c in config["criteria"].items() if "metrics" in c}


def follows_removals(config: Config) -> bool:
    """Whether any criterion goes as far as `removals`: those that list blocks remove just those."""
    return any("blocks" not in criterion for criterion in pruning_criteria(config).values())


def searched_criteria(config: Config) -> dict[str, str]:
    """The criteria that compare whole sets of blocks, and how they search."""
    return {name: c["search"] for name, c in config["criteria"].items() if "search" in c}


def scratch_criteria(config: Config) -> dict[str, str]:
    """The criteria that train from new weights, and the ones whose last network they take."""
    return _beside(config, "architecture_of")


def continued_criteria(config: Config) -> dict[str, str]:
    """The criteria that train the unpruned network further, and the ones they stand beside."""
    return _beside(config, "epochs_of")


def _beside(config: Config, key: str) -> dict[str, str]:
    return {name: c[key] for name, c in config["criteria"].items() if key in c}


def final_criteria(config: Config) -> dict[str, str]:
    """The names under which networks stand after the last phase, and whose networks they were.

    No criterion of a user's can have such a name: it has a hyphen.
    """
    wanted = config["finetuning"]["final"] is not None
    return {f"{name}-final": name for name in pruning_criteria(config)} if wanted else {}


def origins(config: Config) -> dict[str, tuple[str, str]]:
    """How the networks of each criterion but the pruning ones are made, and beside which one.

    The ways are ``final``, ``scratch`` and ``continued``.
    """
    ways = {
        "final": final_criteria(config),
        "scratch": scratch_criteria(config),
        "continued": continued_criteria(config),
    }
    return {name: (way, source) for way, of in ways.items() for name, source in of.items()}


def blocks_per_step(config: Config) -> int:
    """How many blocks go at a time: all of them where they go at once."""
    at_once = config["schedule"] == "at_once"
    return MOST_REMOVALS if at_once else int(config["blocks_per_step"])


def percent_of(point: str) -> float:
    """The number of a reduction in `report_at`, such as ``47 %``."""
    return float(point.rstrip(" %"))


def target(config: Config) -> dict[str, float]:
    """What a network should reach: one key and its number, or nothing."""
    return {key: value for key, value in config["target"].items() if value is not None}


def epsilons_of(config: Config, dataset: str) -> dict[str, list[float]]:
    """The epsilons of each attack on a data set: those that are named, or usual for its images."""
    usual = dataset_info(config["datasets"][dataset]).epsilons
    return {name: list(one["epsilons"] or usual) for name, one in config["attacks"].items()}


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
    settings, images = config["datasets"][dataset], test_images(config, dataset)
    try:
        return shifted_files(settings, corruptions_of(config, dataset), images)
    except (ValueError, OSError) as error:
        raise ConfigError(f"datasets.{dataset}: {error}") from error
