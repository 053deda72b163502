"""How many removals a configuration asks for, by data set and architecture.

Where a target is given and `removals` is not, the number follows from the network: known before
anything is trained, so that the workflow's path is known too.
"""

from collections import Counter
from functools import partial

from layer_pruning.configuration import (
    Config,
    ConfigError,
    datasets,
    networks,
    percent_of,
    searched_criteria,
    target,
)
from layer_pruning.models.candidates import Limits, most_removals
from layer_pruning.models.header import NetworkHeader
from layer_pruning.models.network_blocks import blocks_of
from layer_pruning.plan.lattice import Cost, fewest_by_profile, removals_for
from layer_pruning.searching.catalog import PROFILES

COUNTED = {"macs_reduction": "macs", "parameters_reduction": "parameters"}
"""Targets whose reductions are known without training or measuring, and what they count."""


def removals_of(config: Config) -> dict[tuple[str, str], int]:
    """Removals by data set and architecture of a completed configuration.

    They are `removals` where given. Else, for a target of multiply-accumulates or parameters, the
    fewest with which every admissible choice of blocks reaches it; for one that has to be measured,
    all there are.

    Raises ConfigError where such a counted target cannot be reached, saying the most that can be.
    """
    wanted = {}
    for dataset in config["datasets"]:
        for name, network in networks(config, dataset).items():
            most = most_removals(blocks_of(network), Limits.of(config))
            # more than there are is only wanted where nothing goes so far
            wanted[dataset, name] = min(config["removals"] or most, most)
    for kind in COUNTED.keys() & target(config).keys():
        for dataset, name in wanted:
            percent, key = config["target"][kind], f"target.{kind}"
            needed = _needed(config, dataset, name, COUNTED[kind], percent, key)
            if not config["removals"]:
                wanted[dataset, name] = needed
    return wanted


def counted_of(config: Config) -> dict[tuple[str, str], list[int]]:
    """After how many removals a path's networks count, by data set and architecture, ascending.

    They are those of `report_at`, or else the last. A reduction is the fewest removals that reach
    it, whichever blocks they are.

    Raises ConfigError for a point beyond the last removal, or one that cannot be reached.
    """
    counted = {}
    for (dataset, name), most in removals_of(config).items():
        points = set()
        for point in config["report_at"]:
            removals, asks = point, str(point)
            if isinstance(point, str):
                percent = percent_of(point)
                _needed(config, dataset, name, "macs", percent, "report_at")
                # with any choice of blocks, not only with the best one
                unlimited = config | {"removals": None}
                removals = _needed(unlimited, dataset, name, "macs", percent, "report_at")
                asks = f"{point} takes {removals} removals whichever blocks go, which"
            if removals > most:
                raise ConfigError(
                    f"report_at: {asks} is beyond the {most} removals of {name} on {dataset}"
                )
            points.add(int(removals))
        counted[dataset, name] = sorted(points) or [most]
    return counted


def counted_profiles_of(config: Config) -> dict[tuple[str, str], list[int]]:
    """The same for a criterion that searches among depth profiles.

    Where a target of multiply-accumulates or parameters alone says how far to go, these are the
    fewest removals with which some profile reaches it: the search looks among those that do.
    """
    counted = counted_of(config)
    kinds = COUNTED.keys() & target(config).keys()
    if PROFILES not in searched_criteria(config).values() or config["report_at"] or not kinds:
        return counted
    (kind,) = kinds
    for (dataset, name), (most,) in counted.items():
        costs, kept, total = _costs(config, dataset, name)
        fewest = fewest_by_profile(
            costs,
            kept,
            total,
            COUNTED[kind],
            config["target"][kind],
            min_blocks_per_stage=config["min_blocks_per_stage"],
        )
        counted[dataset, name] = [min(fewest or most, most)]
    return counted


def _costs(
    config: Config, dataset: str, name: str
) -> tuple[list[Cost], Counter[str], dict[str, int]]:
    """What the blocks cost that may go, the blocks of each stage, and what the network costs."""
    info = datasets(config)[dataset]
    header = NetworkHeader.of(
        name,
        config["architectures"][name],
        input_shape=info.input_shape,
        mean=(0.0,),
        std=(1.0,),
        class_names=tuple(str(label) for label in range(info.classes)),
    )
    costs, total = counted_costs(header)
    allowed = header.candidates(Limits.of(config))
    kept = Counter(block.stage for block in header.blocks)
    return [cost for cost in costs if cost.name in allowed], kept, total


def _needed(config: Config, dataset: str, name: str, kind: str, percent: float, key: str) -> int:
    """Removals with which any choice saves so much of ``kind``; ``key`` asks for that."""
    costs, kept, total = _costs(config, dataset, name)
    least = config["min_blocks_per_stage"]
    bounds = partial(removals_for, costs, kept, total, kind, percent, min_blocks_per_stage=least)
    bound, limit = bounds(limit=config["removals"]), config["removals"]
    if not bound.reached:
        most, enough = 100 * bound.most / total[kind], bounds()
        raise ConfigError(
            f"{key}: {percent:g} % cannot be reached by {name} on {dataset}: {most:.2f} % is the "
            f"most with {f'removals: {limit} and ' if limit else ''}min_blocks_per_stage: {least}"
            f"{f'; removals: {enough.removals} would do' if enough.reached else ''}"
        )
    return bound.removals


def counted_costs(header: NetworkHeader) -> tuple[list[Cost], dict[str, int]]:
    """What every removable block costs, and the whole network: multiply-accumulates, parameters."""
    # torch takes two seconds to import, and most configurations have no such target
    from layer_pruning.evaluation.complexity import multiply_accumulates, parameter_count
    from layer_pruning.evaluation.savings import counted_savings
    from layer_pruning.models.residual import new_network

    network = new_network(header, 0)
    stages = {block.name: block.stage for block in header.blocks if block.removable}
    counted = counted_savings(network, list(stages))
    costs = [
        Cost(name, stage, counted[name]["macs"], counted[name]["parameters"])
        for name, stage in stages.items()
    ]
    total = {
        "macs": multiply_accumulates(network, header.input_shape),
        "parameters": parameter_count(network),
    }
    return costs, total
