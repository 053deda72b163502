"""What a configuration asks for, told before anything runs. No torch, unless a network needs it."""

from pathlib import Path
from typing import Any

from layer_pruning.chain import Chain
from layer_pruning.configuration import (
    check_parses,
    complete,
    continued_criteria,
    datasets,
    epochs_of,
    networks,
    pruning_criteria,
    scratch_criteria,
)
from layer_pruning.models.candidates import Limits, candidates, most_removals
from layer_pruning.models.network_blocks import blocks_of
from layer_pruning.runtime.access import check_home
from layer_pruning.searching.catalog import BEAM, USUAL_BEAM
from layer_pruning.searching.cost import counted, search_costs
from layer_pruning.searching.sets import choices


def preview(path: Path) -> dict[str, Any]:
    """Check a configuration file as the workflow does, and count what it asks for.

    Raises ConfigError in one line for the first thing that is wrong, and PermissionError where
    Snakemake could not start.
    """
    check_home()
    config = complete(check_parses(path))
    infos = datasets(config)
    runs = len(infos) * len(config["architectures"]) * len(config["seeds"])
    chain, pruning = Chain.of(config), pruning_criteria(config)
    searches, seeds = searches_of(chain), len(config["seeds"])
    greedy = [name for name in pruning if name not in chain.searched]
    pruned = seeds * sum(len(chain.pruned(one, *here)) for one in greedy for here in chain.removals)
    found = seeds * sum(len(one["removals"]) for one in searches)
    attacked = len(chain.everywhere("{network}/{seed}", chain.attacked))
    return {
        "configuration": str(path),
        "datasets": {
            name: {
                "classes": info.classes,
                "input_shape": list(info.input_shape),
                "left_out": info.left_out,
            }
            for name, info in infos.items()
        },
        "architectures": {
            name: {
                "blocks": len(blocks_of(network)),
                "removable_blocks": sum(block.removable for block in blocks_of(network)),
                "candidates": len(candidates(blocks_of(network), limits=Limits.of(config))),
                "most_removals": most_removals(blocks_of(network), Limits.of(config)),
            }
            for name, network in networks(config).items()
        },
        "criteria": {name: one["metrics"] for name, one in pruning.items()},
        "searches": searches,
        "scratch": scratch_criteria(config),
        "continued": continued_criteria(config),
        "seeds": config["seeds"],
        "removals": removals_by_criterion(chain),
        "trainings": runs,
        "training_epochs": epochs_of(config, "training"),
        "finetunings": pruned,
        "finetunings_of_searches": found,
        "finetuning_epochs": epochs_of(config, "finetuning"),
        "trainings_beside": trainings_beside(chain),
        "attacks": attacked * len(config["attacks"]),
        "device": config["device"],
    }


def removals_by_criterion(chain: Chain) -> dict[str, list[int]]:
    """After how many removals each criterion ends: a number for each that some network has."""
    return {
        name: sorted({chain.path_steps(name, *here)[-1] for here in chain.removals})
        for name in chain.pruning
    }


def trainings_beside(chain: Chain) -> dict[str, dict[str, Any]]:
    """Networks that stand beside those on the paths: how many of each way, and their epochs."""
    found: dict[str, dict[str, Any]] = {}
    for here in chain.removals:
        for way, epochs in chain.trained_beside(*here).values():
            one = found.setdefault(way, {"networks": 0, "epochs": []})
            one["networks"] += len(chain.config["seeds"])
            one["epochs"] = sorted({*one["epochs"], epochs})
    return found


def searches_of(chain: Chain) -> list[dict[str, Any]]:
    """What each search costs for one seed, by criterion, data set and architecture."""
    config, found = chain.config, []
    for criterion, search in chain.searched.items():
        beam = config["criteria"][criterion].get("beam", USUAL_BEAM)
        for dataset, info in datasets(config).items():
            probe = config["probe"]["images_per_class"] * info.classes
            for architecture, network in networks(config, dataset).items():
                stages = choices(blocks_of(network), Limits.of(config))
                sizes = chain.path_steps(criterion, dataset, architecture)
                cost = search_costs(stages, search, beam, sizes)
                found.append(
                    {
                        "criterion": criterion,
                        "search": search,
                        "dataset": dataset,
                        "architecture": architecture,
                        "removals": sizes,
                        "finetuning_epochs": [
                            chain.finetuning_epochs(criterion, architecture, size) for size in sizes
                        ],
                        "sweeps": cost.sweeps,
                        "profiles": cost.profiles,
                        "probe_images": probe,
                    }
                )
    return found


def _search_text(record: dict[str, Any]) -> list[str]:
    """The lines about one search, within 80 columns."""
    if record["search"] == BEAM:
        cost = f"a beam, at most {counted(record['sweeps'], 'sweep')}"
    else:
        profiles = record["profiles"]
        cost = f"{counted(profiles, 'profile')}, {2 * profiles} network evaluations"
    last, epochs = record["removals"][-1], record["finetuning_epochs"][-1]
    return [
        f"  search        {record['criterion']}: {cost} of {record['probe_images']} images",
        f"                a seed, {record['architecture']} on {record['dataset']}; removal {last} "
        f"is trained {counted(epochs, 'epoch')}",
    ]


def _removals_text(record: dict[str, Any]) -> list[str]:
    """How far each criterion goes, where no search says it: those that go equally far together."""
    alike: dict[str, list[str]] = {}
    searched = {one["criterion"] for one in record["searches"]}
    for name, removals in record["removals"].items():
        if name not in searched:
            said = f"{' or '.join(map(str, removals[:-1]))} or " if len(removals) > 1 else ""
            alike.setdefault(f"{said}{counted(removals[-1], 'removal')}", []).append(name)
    alone = len(alike) == 1 and not searched
    return [
        f"                {said} {'for each criterion' if alone else 'of ' + ', '.join(names)}, "
        "with each seed"
        for said, names in alike.items()
    ]


def preview_text(record: dict[str, Any]) -> str:
    """The lines of ``layer-pruning check``."""
    lines = [f"{record['configuration']} can be run. It asks for"]
    for name, data in record["datasets"].items():
        shape = " × ".join(map(str, data["input_shape"]))
        lines.append(f"  data          {name}: {data['classes']} classes, images of {shape}")
        if data["left_out"]:
            lines.append(f"                {data['left_out']}")
    for name, network in record["architectures"].items():
        able, most = network["candidates"], network["most_removals"]
        lines.append(
            f"  network       {name}: {network['blocks']} blocks, of which {able} can go"
            f"{f', {most} of them at most' if most < able else ''}"
        )
    for name, metrics in record["criteria"].items():
        lines.append(f"  criterion     {name}: {', '.join(metrics)}")
    lines += [line for search in record["searches"] for line in _search_text(search)]
    for name, source in record["scratch"].items():
        lines.append(f"  criterion     {name}: what {source} leaves, from new weights")
    for name, source in record["continued"].items():
        lines.append(f"  criterion     {name}: the baseline, trained on for as long as {source}")
    found = record["finetunings_of_searches"]
    training, finetuning = (
        " or ".join(map(str, record[key])) for key in ("training_epochs", "finetuning_epochs")
    )
    beside = {
        way: f"{one['networks']} of {' or '.join(map(str, one['epochs']))} epochs"
        for way, one in record["trainings_beside"].items()
    }
    told = {"scratch": "from new weights", "continued": "more, of the baseline as it is"}
    lines += [
        f"  trainings     {record['trainings']} of {training} epochs",
        *(f"                {beside[way]} {said}" for way, said in told.items() if way in beside),
        f"  fine-tunings  {record['finetunings']} of {finetuning} epochs",
        *_removals_text(record),
        *([f"                and {found} of what searches found"] if found else []),
        *(f"  last phases   {beside[way]}" for way in ("final",) if way in beside),
        f"  attacks       {record['attacks']}",
        f"  device        {record['device']}",
    ]
    return "\n".join(lines)
