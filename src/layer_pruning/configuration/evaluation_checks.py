"""Checks of what a configuration asks to be measured of its networks."""

import difflib

from layer_pruning.attacks.catalog import ATTACKS, check_request
from layer_pruning.configuration.contents import (
    Config,
    corrupted_images,
    corruptions_of,
    datasets,
    files_of_shift,
    test_images,
)
from layer_pruning.configuration.errors import ConfigError, suggestion
from layer_pruning.configuration.opset import check_opset
from layer_pruning.data.catalog import shifted_name
from layer_pruning.energy.catalog import countries
from layer_pruning.tracking.catalog import check_installed, wanted


def check_attacks(config: Config) -> None:
    """Attacks, norms and epsilons are known, and there are enough images."""
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
    batch, shard = (config["attacked_images"][key] for key in ("batch_size", "shard_size"))
    if shard is not None and shard % batch:
        raise ConfigError(
            f"attacked_images.shard_size: {shard} should be a multiple of batch_size: {batch}, so "
            "that no result depends on it"
        )
    for dataset in config["datasets"]:
        test = test_images(config, dataset)
        if config["attacks"] and config["attacked_images"]["count"] > test:
            raise ConfigError(
                f"attacked_images.count: {config['attacked_images']['count']} is more than the "
                f"{test} test images of {dataset}"
            )


def check_corruptions(config: Config) -> None:
    """Corruptions are known, their files are whole, and there are enough images."""
    for dataset, settings in config["datasets"].items():
        files_of_shift(config, dataset)
        names = [shifted_name(path) for path in settings["shifted"]]
        if len(set(names)) < len(names):
            raise ConfigError(f"datasets.{dataset}.shifted: two files would be called {names}")
        images = test_images(config, dataset)
        # how many a folder of corrupted images holds is only known when it is listed
        if corruptions_of(config, dataset) and corrupted_images(config) > images:
            # as many as are attacked, unless told otherwise
            own = config["corruptions"]["count"] is not None
            raise ConfigError(
                f"{'corruptions' if own else 'attacked_images'}.count: {corrupted_images(config)} "
                f"is more than the {images} test images of {dataset}"
            )


def check_energy(config: Config) -> None:
    """The carbon intensity has one source, and a country is one that CodeCarbon knows."""
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


def check_tracking(config: Config) -> None:
    """The packages of the trackers that are switched on are installed."""
    for name in wanted(config["tracking"]):
        try:
            check_installed(name)
        except ValueError as error:
            raise ConfigError(f"tracking.{error}") from error


def check_evaluation(config: Config) -> None:
    """The criteria whose networks are examined are among those there are."""
    for name in config["evaluation"]["criteria"] or ():
        if name not in config["criteria"]:
            raise ConfigError(
                f"evaluation.criteria: '{name}' is none of 'criteria'; "
                f"{suggestion(name, config['criteria'])}"
            )


def check_export(config: Config) -> None:
    """The version of ONNX's operators is one that the installed ONNX knows."""
    try:
        check_opset(config["export"]["opset"], "export.opset")
    except ValueError as error:
        raise ConfigError(str(error)) from error


def check_latency(config: Config) -> None:
    """No mode needs a GPU where there is none."""
    if config["device"] == "cpu" and "cuda_graphs" in config["latency"]["modes"]:
        raise ConfigError(
            "latency.modes: 'cuda_graphs' needs a GPU, and device is 'cpu'; leave it out"
        )
