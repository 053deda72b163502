"""A forecast of a run on this machine: what each stage takes, and what would make it cheaper."""

import math
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from layer_pruning.chain import Chain, removal
from layer_pruning.configuration import (
    Config,
    check_parses,
    complete,
    corruptions_of,
    datasets,
    epsilons_of,
    networks,
    of_network,
    pruning_criteria,
    sizes_of_classes,
)
from layer_pruning.estimate.makespan import graph_of, makespans, makespans_text
from layer_pruning.estimate.requirements import images_of_shifts
from layer_pruning.estimate.stages import Stage, Training, Work, dearest, report_stage, stages_of
from layer_pruning.models.candidates import Limits
from layer_pruning.models.header import NetworkHeader
from layer_pruning.models.network_blocks import blocks_of
from layer_pruning.runtime.devices import select_device
from layer_pruning.runtime.gpus import gpu_jobs_at_a_time
from layer_pruning.runtime.machine import machine
from layer_pruning.searching.catalog import USUAL_BEAM
from layer_pruning.searching.cost import search_costs
from layer_pruning.searching.sets import choices
from layer_pruning.terminal.style import duration_text
from layer_pruning.training.recipe import Recipe

if TYPE_CHECKING:
    from layer_pruning.estimate.costs import Costs


def forecast(
    path: Path,
    cores: int | None = None,
    say: Callable[[str], None] = lambda _: None,
    cluster: int | None = None,
    measured: "dict[tuple[str, str], Costs] | None" = None,
) -> dict[str, Any]:
    """What the run of a configuration takes: a record of JSON, units in the names.

    ``cores`` is what would be given to Snakemake, all that this process may use by default. ``say``
    is told what is being tried. With ``cluster`` GPUs the record has ``cluster``, see
    :func:`layer_pruning.estimate.makespan.makespans`. Takes a few seconds for each data set and
    architecture. What is in ``measured`` is not tried again, and what is tried is added: for
    configurations that differ in how often something is done, the one that exports first. Raises
    ConfigError as the workflow does.
    """
    # torch takes two seconds to import, and a wrong configuration is said before
    from layer_pruning.estimate.costs import measured_costs

    config = complete(check_parses(path))
    measured = {} if measured is None else measured
    infos, chain = datasets(config), Chain.of(config)
    available = cores or machine()["usable_cores"] or 1
    device = select_device(config["device"], config["threads"])
    gpus = gpu_jobs_at_a_time(config["device"]) if device.type == "cuda" else None
    at_a_time = gpus or max(1, available // config["threads"])
    by_network: dict[tuple[str, str], list[Stage]] = {}
    peak, gpu_peak, disk = 0, None, 0.0
    for dataset, name in chain.removals:
        info, options = infos[dataset], config["architectures"][name]
        header = NetworkHeader.of(
            name,
            options,
            input_shape=info.input_shape,
            mean=(0.5,) * info.input_shape[0],
            std=(0.25,) * info.input_shape[0],
            class_names=tuple(str(label) for label in range(info.classes)),
        )
        say(f"{name} on {dataset}")
        its = of_network(config, name)
        work = work_of(its, chain, dataset, name)
        settings = its["training"] | {"shift_pixels": info.usual_shift_pixels, "flip": True}
        costs = measured.get((dataset, name)) or measured_costs(
            header,
            recipe=Recipe.of(settings),
            criteria=pruning_criteria(config),
            searching=chain.searching,
            limits=Limits.of(config),
            probe_images=work.probe_images,
            attacked=config["attacked_images"]["count"],
            exports=work.exported > 0,
            device=device,
            say=say,
        )
        measured[dataset, name] = costs
        by_network[dataset, name] = stages_of(
            its,
            work,
            costs,
            epsilons=epsilons_of(its, dataset),
            corruptions=len(corruptions_of(config, dataset)),
            share=1 / at_a_time,
        )
        peak = max(peak, costs.peak_bytes)
        if costs.gpu_peak_bytes is not None:
            gpu_peak = max(gpu_peak or 0, costs.gpu_peak_bytes)
    for info in infos.values():
        peak = max(peak, 2 * 10**6 * info.megabytes())
        disk += 10**6 * info.megabytes()
    stages = [stage for those in by_network.values() for stage in those]
    all_networks = sum(stage.jobs for stage in stages if stage.name == "accuracy")
    ranks = len(chain.votes) * len(config["seeds"]) * len(chain.removals)
    stages.append(report_stage(all_networks, ranks))
    joined = _joined(stages)
    on_cluster: dict[str, Any] = {}
    if cluster is not None:
        graph = graph_of(chain, by_network, report_seconds=stages[-1].seconds)
        on_cluster["cluster"] = makespans(graph, cluster)
    return on_cluster | {
        "cores": available,
        "jobs_at_a_time": at_a_time,
        "device": str(device),
        "seconds": math.fsum(stage.wall_seconds for stage in joined),
        "peak_memory_bytes_of_a_job": peak,
        "gpu_peak_memory_bytes_of_a_job": gpu_peak,
        "disk_bytes": disk + math.fsum(stage.disk_bytes for stage in joined),
        "stages": [
            {
                "stage": stage.name,
                "jobs": stage.jobs,
                "seconds": stage.wall_seconds,
                "disk_bytes": stage.disk_bytes,
            }
            for stage in joined
        ],
        "cheaper": [
            {"stage": stage.name, "seconds": stage.wall_seconds, "keys": stage.cheaper}
            for stage in dearest(joined)
        ],
    }


def work_of(config: Config, chain: Chain, dataset: str, architecture: str) -> Work:
    """What a configuration asks of one data set and architecture, as numbers of jobs.

    ``config`` has the settings of the architecture in their place, ``chain`` is that of all.
    """
    here, seeds = (dataset, architecture), len(config["seeds"])
    train, validation, test = map(sum, zip(*sizes_of_classes(config, dataset), strict=True))
    blocks = blocks_of(networks(config, dataset)[architecture])
    classes = len(sizes_of_classes(config, dataset))
    ranked = {name: chain.ranked_by(name, *here) for name in chain.pruning}
    # activations are shared by all criteria
    extracted = {network for name in chain.ranked for network in ranked[name]}
    stages = choices(blocks, Limits.of(config))

    def left(network: str) -> float:
        return 1 - chain.removed_from(network) / len(blocks)

    tuned = {
        removal(name, step): chain.finetuning_epochs(name, architecture, step)
        for name in chain.pruning
        for step in chain.path_steps(name, *here)
    }
    beside = {network: epochs for network, (_, epochs) in chain.trained_beside(*here).items()}
    kinds = {
        "all": chain.all(*here),
        "pruned": list(tuned),
        "ranked": extracted,
        "timed": chain.with_savings("latency", *here),
        "metered": chain.with_savings("energy", *here),
        "measured": chain.measured(*here),
        "attacked": chain.attacked(*here),
    }
    return Work(
        seeds=seeds,
        networks=seeds * len(kinds["all"]),
        tuned={name: Training(epochs, left(name)) for name, epochs in tuned.items()},
        beside={name: Training(epochs, left(name)) for name, epochs in beside.items()},
        left={
            kind: math.fsum(map(left, those)) / len(those) if those else 1.0
            for kind, those in kinds.items()
        },
        scored={name: seeds * len(parents) for name, parents in ranked.items()},
        votes={name: seeds * len(ranked[name]) for name in chain.votes},
        extracted=seeds * len(extracted),
        searches={
            name: search_costs(
                stages,
                search,
                chain.pruning[name].get("beam", USUAL_BEAM),
                chain.path_steps(name, *here),
            )
            for name, search in chain.searched.items()
        },
        timed=seeds * len(kinds["timed"]),
        metered=seeds * len(kinds["metered"]),
        blocks=sum(len(stage.blocks) for stage in stages),
        starts=seeds if chain.searching else 0,
        measured=seeds * len(kinds["measured"]),
        attacked=seeds * len(kinds["attacked"]),
        shifted=seeds * len(chain.seen_on_shifts(*here)),
        shifted_images=sum(images_of_shifts(config, dataset)),
        cued=seeds * len(kinds["attacked"]) if dataset in chain.cued else 0,
        exported=seeds * len(chain.exported(*here)),
        train_images=train,
        probe_images=min(config["probe"]["images_per_class"] * classes, train),
        evaluated_images=validation + test,
        test_images=test,
        removed_share=chain.removals[here] / len(blocks),
    )


def _joined(stages: list[Stage]) -> list[Stage]:
    """Stages of the same name as one, in the order of the first of them."""
    by_name: dict[str, list[Stage]] = defaultdict(list)
    for stage in stages:
        by_name[stage.name].append(stage)
    return [
        replace(
            same[0],
            jobs=sum(stage.jobs for stage in same),
            seconds=math.fsum(stage.seconds for stage in same),
            disk_bytes=math.fsum(stage.disk_bytes for stage in same),
            each={},
        )
        for same in by_name.values()
    ]


def bytes_text(count: float) -> str:
    """Bytes in megabytes or gigabytes."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{max(count / 1e6, 1):.0f} MB"


def forecast_text(record: Mapping[str, Any]) -> str:
    """The lines of a forecast, within 80 columns."""
    lines = [f"  {'stage':24}{'jobs':>6}{'time':>14}{'disk':>10}"]
    for stage in record["stages"]:
        disk = bytes_text(stage["disk_bytes"]) if stage["disk_bytes"] else ""
        took = duration_text(stage["seconds"])
        lines.append(f"  {stage['stage'][:23]:24}{stage['jobs']:>6}{took:>14}{disk:>10}")
    jobs = sum(stage["jobs"] for stage in record["stages"])
    total, disk = duration_text(record["seconds"]), bytes_text(record["disk_bytes"])
    lines.append(f"  {'in all, about':24}{jobs:>6}{total:>14}{disk:>10}")
    memory = bytes_text(record["peak_memory_bytes_of_a_job"])
    gpu = record["gpu_peak_memory_bytes_of_a_job"]
    lines.append(
        f"  on {record['device']}, {record['jobs_at_a_time']} at a time; a job holds up to {memory}"
        + (f" and {bytes_text(gpu)} of the GPU" if gpu else "")
    )
    lines.append("From a few seconds of each kind of work; other load makes it longer. Cheaper:")
    for one in record["cheaper"]:
        lines.append(f"  {one['stage']} ({duration_text(one['seconds'])}): {one['keys']}")
    if "cluster" in record:
        lines += ["On a cluster:", makespans_text(record["cluster"], record["device"])]
    return "\n".join(lines)
