"""Latency of a pruned network beside its baseline: whether fewer multiply-accumulates are faster.

The quotient of a network is its speed-up divided by the ratio of multiply-accumulates (baseline
over pruned): 1 where time falls as much as they do, less where fewer multiply-accumulates save
less time than they promise.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from layer_pruning.evaluation.complexity import multiply_accumulates
from layer_pruning.evaluation.interleaving import Median, interleaved_seconds, ratio
from layer_pruning.evaluation.machine_load import LoadWatch
from layer_pruning.evaluation.throughput import batch_runner, peak_memory_bytes
from layer_pruning.models.residual import ResidualNetwork
from layer_pruning.runtime.machine import machine
from layer_pruning.runtime.random_draws import drawn_images

logger = logging.getLogger(__name__)

Timer = Callable[..., dict[str, list[float]]]

INTERVAL = "95 % of the median over rounds, by order statistics; ratios are taken within a round"
STAGES = "the baseline without the blocks removed from that stage alone, timed in the same rounds"
MEMORY = "rise of the memory that PyTorch allocates on the GPU in a forward pass, plus the network"
NO_MEMORY = "not measured: PyTorch counts memory on GPUs alone"


def removed_by_stage(network: ResidualNetwork) -> dict[str, list[str]]:
    """The removed blocks of each stage that lost any, in network order."""
    stages: dict[str, list[str]] = {}
    for block in network.header.blocks:
        if block.name in network.header.removed_blocks:
            stages.setdefault(block.stage, []).append(block.name)
    return stages


def latency_record(
    baseline: ResidualNetwork,
    network: ResidualNetwork,
    *,
    batch_sizes: Sequence[int],
    repeats: int,
    modes: Sequence[str] = ("eager",),
    seed: int = 0,
    timer: Timer = interleaved_seconds,
) -> dict[str, Any]:
    """The content of ``latency.json``.

    ``network`` was pruned from ``baseline``; both lie on one device. For every mode
    (:data:`layer_pruning.evaluation.throughput.MODES`) and batch size, both and, for each stage
    that lost blocks, the baseline without those blocks are timed in interleaved rounds. Images are
    random: time does not depend on them. ``timer`` is :func:`interleaved_seconds` or a stand-in.

    Raises ValueError in one line for a mode that this device or machine does not have.
    """
    stages = removed_by_stage(network)
    networks = {"baseline": baseline, "network": network}
    networks |= {name: baseline.less(blocks).eval() for name, blocks in stages.items()}
    shape = baseline.header.input_shape
    macs = {name: multiply_accumulates(net, shape) for name, net in networks.items()}
    device = next(network.parameters()).device
    watch = LoadWatch()
    timings = []
    for mode in modes:
        for size in batch_sizes:
            batch = drawn_images(size, shape).to(device)
            runs = {name: _runner(net, batch, mode) for name, net in networks.items()}
            logger.info("latency: batches of %d, %s, %d rounds", size, mode, repeats)
            seconds = timer(runs, repeats=repeats, seed=seed)
            timings.append(
                {"mode": mode, "batch_size": size}
                | timing(seconds, macs)
                | _memory(networks, batch, mode)
            )
    return {
        "device": _device_name(device),
        "threads": torch.get_num_threads(),
        "torch_version": torch.__version__,
        "repeats": repeats,
        "interval": INTERVAL,
        "macs": macs["network"],
        "baseline_macs": macs["baseline"],
        "macs_ratio": macs["baseline"] / macs["network"],
        "stages": {
            name: {"removed_blocks": blocks, "macs": macs[name]} for name, blocks in stages.items()
        },
        "stages_method": STAGES,
        "memory_method": MEMORY if device.type == "cuda" else NO_MEMORY,
        "load": watch.record(),
        "machine": machine(),
        "timings": timings,
    }


def timing(seconds: Mapping[str, Sequence[float]], macs: Mapping[str, int]) -> dict[str, Any]:
    """Latency, speed-up and quotient, with intervals, of one batch size.

    ``seconds`` holds the times of ``baseline``, ``network`` and of any number of stages by name,
    round by round; ``macs`` the multiply-accumulates of each.
    """
    own, whole = Median.of(seconds["network"]), Median.of(seconds["baseline"])
    stages = [name for name in seconds if name not in ("baseline", "network")]
    return {
        **own.named("seconds"),
        **whole.named("baseline_seconds"),
        "interval_coverage": own.coverage,
        **_gain("network", seconds, macs),
        "stages": {
            name: Median.of(seconds[name]).named("seconds") | _gain(name, seconds, macs)
            for name in stages
        },
    }


def _gain(
    name: str, seconds: Mapping[str, Sequence[float]], macs: Mapping[str, int]
) -> dict[str, float]:
    speed_up = ratio(seconds["baseline"], seconds[name])
    promised = macs["baseline"] / macs[name]
    quotient = replace(
        speed_up,
        value=speed_up.value / promised,
        low=speed_up.low / promised,
        high=speed_up.high / promised,
    )
    return speed_up.named("speed_up_ratio") | quotient.named("speed_up_over_macs_ratio")


def _runner(network: ResidualNetwork, batch: Tensor, mode: str) -> Callable[[], None]:
    run = batch_runner(network, batch, mode)
    try:
        run()
    except RuntimeError as error:
        if mode != "compiled":
            raise
        # PyTorch's compiler needs another one, which a machine may lack
        reason = str(error).strip().splitlines()[0]
        raise ValueError(f"latency.modes: 'compiled' does not work here: {reason}") from error
    return run


def _memory(networks: Mapping[str, ResidualNetwork], batch: Tensor, mode: str) -> dict[str, Any]:
    names = {"network": "peak_memory_bytes", "baseline": "baseline_peak_memory_bytes"}
    if mode != "eager":
        return dict.fromkeys(names.values())
    return {key: peak_memory_bytes(networks[name], batch) for name, key in names.items()}


def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return str(torch.cuda.get_device_name(device))
    return "cpu"
