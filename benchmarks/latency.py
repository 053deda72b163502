"""Time that evenly removed blocks save, beside the multiply-accumulates that they save.

    PYTHONPATH=src OMP_NUM_THREADS=1 python benchmarks/latency.py resnet56 --removals 15 21

As many blocks go from each stage (the last ones; those that cannot go stay), and the networks have
random weights: time does not depend on them. The measurement is that of the workflow's
``latency.json``: baseline, pruned network and, for every stage, the baseline without the blocks
removed there, interleaved in balanced random order. The second table has the CPU time of the same
calls, which other jobs on the machine disturb less than wall time.
"""

import itertools
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from networks import cifar_header
from options import add_machine, parser_of

from layer_pruning.evaluation.interleaving import interleaved_seconds
from layer_pruning.evaluation.latency import latency_record, timing
from layer_pruning.evaluation.throughput import MODES
from layer_pruning.models.residual import ResidualNetwork, new_network
from layer_pruning.runtime.atomic import write_json
from layer_pruning.runtime.devices import select_device


def evenly(network: ResidualNetwork, count: int) -> list[str]:
    """Names of ``count`` blocks to remove: from each stage equally many, the last ones."""
    left: dict[str, list[str]] = {}
    for block in network.header.blocks:
        if block.removable:
            left.setdefault(block.stage, []).append(block.name)
    # the last ones of every stage come first, stage after stage in turn
    turns = itertools.zip_longest(*(reversed(names) for names in left.values()))
    chosen = [name for turn in turns for name in turn if name is not None][:count]
    if len(chosen) < count:
        raise SystemExit(f"error: only {len(chosen)} blocks can go, not {count}")
    return chosen


def line(name: str, macs_ratio: float, entry: Mapping[str, Any]) -> str:
    """One row of the table."""
    cells = []
    for key in ("speed_up_ratio", "speed_up_over_macs_ratio"):
        ends = (entry[f"{key}_interval_{end}"] for end in ("low", "high"))
        cells.append("{:.2f} ({:.2f} to {:.2f})".format(entry[key], *ends))
    ends = (1e3 * entry[f"seconds_interval_{end}"] for end in ("low", "high"))
    milliseconds = "{:.2f} ({:.2f} to {:.2f})".format(1e3 * entry["seconds"], *ends)
    return f"| {name} | {macs_ratio:.2f} | {milliseconds} | {' | '.join(cells)} |"


class TwoClocks:
    """Times as :func:`interleaved_seconds` does, and keeps the CPU seconds of the same calls."""

    def __init__(self) -> None:
        self.cpu: list[dict[str, list[float]]] = []

    def __call__(
        self, runs: Mapping[str, Callable[[], object]], *, repeats: int, seed: int
    ) -> dict[str, list[float]]:
        """Wall seconds by name, round by round."""
        cpu: dict[str, list[float]] = {name: [] for name in runs}

        def with_cpu_time(name: str) -> Callable[[], None]:
            def call() -> None:
                started = time.process_time_ns()
                runs[name]()
                cpu[name].append((time.process_time_ns() - started) / 1e9)

            return call

        wall = interleaved_seconds(
            {name: with_cpu_time(name) for name in runs}, repeats=repeats, seed=seed
        )
        self.cpu.append({name: seconds[-repeats:] for name, seconds in cpu.items()})
        return wall

    def record(self, wall: Mapping[str, Any]) -> dict[str, Any]:
        """The record ``wall`` with CPU seconds in place of wall seconds."""
        macs = {name: stage["macs"] for name, stage in wall["stages"].items()}
        macs |= {"baseline": wall["baseline_macs"], "network": wall["macs"]}
        pairs = zip(wall["timings"], self.cpu, strict=True)
        return {**wall, "timings": [entry | timing(seconds, macs) for entry, seconds in pairs]}


def show(record: Mapping[str, Any], count: int, clock: str) -> None:
    """Print the table of one network."""
    load = record["load"]
    others = [load[f"other_cores_{when}"] for when in ("before", "during")]
    print(
        f"\n{count} blocks removed, {clock} time; {record['repeats']} rounds, "
        f"{record['threads']} threads, {record['device']}; other processes used {others[0]:.2f} "
        f"cores before and {others[1]:.2f} during, load {load['load_average_1_minute']:.2f}\n"
    )
    print("| batch, removed from | MACs ratio | ms a batch | speed-up | over MACs |")
    print("|---|---|---|---|---|")
    for entry in record["timings"]:
        name = f"{entry['batch_size']}{'' if entry['mode'] == 'eager' else ' ' + entry['mode']}"
        whole = {k.replace("baseline_", ""): v for k, v in entry.items() if "baseline" in k}
        ends = [1e3 * whole[f"seconds_interval_{end}"] for end in ("low", "high")]
        times = "{:.2f} ({:.2f} to {:.2f})".format(1e3 * whole["seconds"], *ends)
        print(f"| {name}, none | 1 | {times} | 1 | 1 |")
        print(line(f"{name}, all", record["macs_ratio"], entry))
        for stage, part in entry["stages"].items():
            promised = record["baseline_macs"] / record["stages"][stage]["macs"]
            print(line(f"{name}, {stage} only", promised, part))


def main() -> None:
    """Measure, print the tables and, where asked to, write the records."""
    parser = parser_of(__doc__)
    parser.add_argument("architecture", nargs="?", default="resnet56")
    parser.add_argument("--removals", type=int, nargs="+", default=[15, 21])
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[1, 8, 64, 256])
    parser.add_argument("--repeats", type=int, default=100, help="rounds (100)")
    parser.add_argument("--modes", nargs="+", choices=MODES, default=["eager"])
    parser.add_argument("--image-size", type=int, default=32)
    add_machine(parser, device="auto")
    parser.add_argument("--json", type=Path, help="write the records into this folder")
    given = parser.parse_args()
    device = select_device(given.device, given.threads)
    header = cifar_header(given.architecture, size=given.image_size)
    baseline = new_network(header, seed=0).to(device).eval()
    print(f"{given.architecture}, PyTorch {torch.__version__}")
    for count in given.removals:
        pruned = baseline.less(evenly(baseline, count)).eval()
        clocks = TwoClocks()
        record = latency_record(
            baseline,
            pruned,
            batch_sizes=given.batch_sizes,
            repeats=given.repeats,
            modes=given.modes,
            timer=clocks,
        )
        records = {"wall": record, "CPU": clocks.record(record)}
        for clock, timed in records.items():
            show(timed, count, clock)
        if given.json:
            write_json(given.json / f"removed-{count:02d}.json", records)


if __name__ == "__main__":
    main()
