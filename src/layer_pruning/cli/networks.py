"""The network that a command's arguments describe, and what it and its blocks cost."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from layer_pruning.cli.launch import configuration_file
from layer_pruning.cli.numbers import threads, whole

if TYPE_CHECKING:
    from layer_pruning.data.catalog import DatasetInfo
    from layer_pruning.models.header import NetworkHeader
    from layer_pruning.models.specifications import Architecture, Shape


def described() -> argparse.ArgumentParser:
    """The options of commands that look at a network."""
    network = argparse.ArgumentParser(add_help=False)
    network.add_argument(
        "architecture", help="such as resnet56, timm/convnext_atto or a name of --config"
    )
    network.add_argument(
        "--config", help="configuration that describes network and images: a file, or a name"
    )
    network.add_argument("--shortcut", help="parameter_free or projection (CIFAR ResNets)")
    network.add_argument(
        "--granularity", help="block or sublayer: attention and feed-forward halves on their own"
    )
    network.add_argument(
        "--input-shape",
        type=whole,
        nargs=3,
        metavar=("CHANNELS", "HEIGHT", "WIDTH"),
        help="of an image (without --config 3 32 32 for CIFAR ResNets, or what is known)",
    )
    network.add_argument(
        "--classes",
        type=whole,
        help="outputs (without --config 10 for CIFAR ResNets, else what is known, or 1000)",
    )
    network.add_argument("--batch-size", type=whole, default=1, help="of the measured latency (1)")
    network.add_argument("--repeats", type=whole, default=30, help="rounds that measure it (30)")
    network.add_argument("--device", default="auto", help="where it is measured (auto)")
    network.add_argument("--threads", type=threads, default=1, help="CPU threads (1)")
    network.add_argument("--format", choices=("table", "json"), default="table")
    return network


def header_of(given: argparse.Namespace) -> NetworkHeader:
    """The unpruned network that the arguments describe."""
    from layer_pruning.configuration.messages import validated
    from layer_pruning.models.architectures import architecture
    from layer_pruning.models.header import NetworkHeader

    validated({"device": given.device})
    config = configuration_of(given)
    options = dict(config.get("architectures", {}).get(given.architecture) or {})
    data = first_dataset(config, given.config) if config else None
    for key in ("shortcut", "granularity"):
        if getattr(given, key) is not None:
            options[key] = getattr(given, key)
    if data is None:
        usual_shape, usual_classes = _usual(architecture(given.architecture, options))
    else:
        usual_shape, usual_classes = data.input_shape, data.classes
    shape = tuple(given.input_shape or usual_shape)
    classes = given.classes or usual_classes
    return NetworkHeader.of(
        given.architecture,
        options,
        input_shape=shape,
        mean=(0.5,) * shape[0],
        std=(0.25,) * shape[0],
        class_names=tuple(str(label) for label in range(classes)),
    )


def configuration_of(given: argparse.Namespace) -> dict[str, Any]:
    """What ``--config`` holds, with defaults; nothing without one."""
    from layer_pruning.configuration import ConfigError, check_parses, with_defaults

    if given.config is None:
        return {}
    written = check_parses(configuration_file(given.config))
    try:
        return with_defaults(written)
    except ConfigError as error:
        raise ValueError(f"{given.config}: {error}") from error


def _usual(network: Architecture) -> tuple[Shape, int]:
    """Shape of images and number of classes that a network is usually for."""
    from layer_pruning.models.specifications import CifarResNet, HuggingFaceNetwork, TimmNetwork
    from layer_pruning.models.starts import pretrained_record

    if isinstance(network, TimmNetwork | HuggingFaceNetwork):
        record = pretrained_record(network)
        return record.input_shape, record.classes
    return ((3, 32, 32), 10) if isinstance(network, CifarResNet) else ((3, 224, 224), 1000)


def first_dataset(config: dict[str, Any], path: str) -> DatasetInfo:
    """What is known of the first data set of a configuration file, or of the default one."""
    from layer_pruning.data.catalog import dataset_info

    name, settings = next(iter(config["datasets"].items()))
    try:
        return dataset_info(settings)
    except (ValueError, OSError) as error:
        raise ValueError(f"{path}: datasets.{name}: {error}") from error


def costs_of(header: NetworkHeader, given: argparse.Namespace) -> dict[str, Any]:
    """Multiply-accumulates, parameters and measured latency of a network and of its blocks."""
    # torch takes two seconds to import, and `--help` and `show` need none
    import torch

    from layer_pruning.evaluation.complexity import counted_cost, parameter_count
    from layer_pruning.evaluation.machine_load import LoadWatch
    from layer_pruning.evaluation.savings import counted_savings, latencies, part_runners
    from layer_pruning.models.residual import learnt_arrays, new_network
    from layer_pruning.runtime.devices import select_device
    from layer_pruning.scoring.weights import weight_counts

    device = select_device(given.device, given.threads)
    network = new_network(header, 0).to(device).eval()
    images = torch.zeros(given.batch_size, *header.input_shape, device=device)
    names = network.block_names
    watch = LoadWatch()
    seconds = latencies(part_runners(network, images), repeats=given.repeats, seed=0)
    load = watch.record()
    counted = counted_savings(network, names)
    weights = weight_counts(learnt_arrays(network), names)
    return {
        "architecture": header.architecture,
        "input_shape": list(header.input_shape),
        **counted_cost(network, header.input_shape)._asdict(),
        "parameters": parameter_count(network),
        # of its parts: a share of what is timed whole, under one call's overhead, would be another
        "latency_seconds": sum(seconds.values()),
        "batch_size": given.batch_size,
        "repeats": given.repeats,
        "load": load,
        "device": str(device),
        "blocks": [
            {
                "name": block.name,
                "stage": block.stage,
                "removable": block.removable,
                "reason": block.reason,
                "macs": int(counted[block.name]["macs"]),
                "parameters": int(counted[block.name]["parameters"]),
                "weights": int(weights[block.name]),
                "latency_seconds": seconds[block.name],
            }
            for block in header.blocks
        ],
    }


def timed_text(costs: dict[str, Any]) -> str:
    """How the times came about, and what else the machine was doing."""
    rounds, load = costs["repeats"], costs["load"]
    median = f"the median of {rounds} rounds" if rounds > 1 else "that of one round"
    others = load["other_cores_during"]
    busy = load["reason"] if others is None else f"other processes used {others:.1f} cores"
    return (
        f"The time of a part is {median}, that of the network the sum over its parts; "
        f"{busy} meanwhile, of {load['cores']}."
    )
