"""The sweep against its floor: one evaluation at its best batch size, times what sharing leaves.

    PYTHONPATH=src python benchmarks/sweep.py resnet56.safetensors cifar10/train
    PYTHONPATH=src python benchmarks/sweep.py resnet56.safetensors cifar10/train --device cuda
    PYTHONPATH=src python benchmarks/sweep.py resnet56.safetensors cifar10/train --memory 10000

The weights are those of a CIFAR ResNet by Idelbayev (or in names that fit), the folder holds one
folder of images a class. An evaluation is the intact network, fused and channels-last. The floor
is its time at the best batch size, times the evaluations that a sweep is worth, in floating-point
operations as PyTorch counts them. Seconds are CPU time on a CPU and wall time on a GPU. Everything
is measured in turn, in one process; medians of the rounds, and the least and the largest in
brackets.

With ``--memory``, the peak memory of an extraction job on that many images is measured instead:
a process of its own reads a data file of 60,000 images and streams the activations to disk.
"""

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from networks import probe_images, released_network
from options import add_released, parser_of
from timing import described, spread, timed
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from layer_pruning.activations.sweep import extract_activations, sweep
from layer_pruning.data.image_file import ImageData, read_data, write_data
from layer_pruning.models.candidates import Limits, candidates
from layer_pruning.models.fused import fused
from layer_pruning.models.residual import ResidualNetwork

BATCHES = (8, 16, 32, 64, 128, 256)


def main() -> None:
    """Print the tables."""
    options = parsed()
    torch.set_num_threads(options.threads)
    device = torch.device(options.device)
    network = released_network(options.weights, options.architecture).to(device)
    if options.memory:
        print_memory(network, options)
        return
    images = torch.from_numpy(probe_images(options.folder, options.images)[0]).to(device)
    names = candidates(network.header.blocks, limits=Limits(1))
    print(described(options, device), f"{len(names)} candidates, {len(images)} images", sep="\n")
    worth = evaluations_worth(network, images[:100], names)
    best, searched = best_batch(network, images, device)
    print("\n| batch | one evaluation s |\n|---|---|")
    for batch, seconds in searched.items():
        print(f"| {batch}{' (best)' if batch == best else ''} | {seconds:.3f} |")
    walker = fused(network).to(memory_format=torch.channels_last)
    jobs: dict[str, Callable[[], object]] = {
        "evaluation": lambda: evaluated(walker, images, best),
        "float32": lambda: sweep(network, images, names),
        "bfloat16": lambda: sweep(network, images, names, precision="bfloat16"),
    }
    for chunk in options.chunk:
        jobs[f"float32, chunk {chunk}"] = lambda chunk=chunk: sweep(
            network, images, names, chunk=chunk
        )
    if options.branches:
        for branches in ("one_by_one", "together"):
            jobs[f"float32, {branches}"] = lambda branches=branches: sweep(
                network, images, names, branches=branches
            )
    rounds = [
        {name: timed(job, device) for name, job in jobs.items()} for _ in range(options.repeats)
    ]
    print(f"\nA sweep is worth {worth:.2f} evaluations; {options.repeats} rounds.\n")
    print("| sweep | s | against the floor |\n|---|---|---|")
    floors = [worth * one["evaluation"] for one in rounds]
    print(f"| floor | {spread(floors)} | 1 |")
    for name in list(jobs)[1:]:
        seconds = [one[name] for one in rounds]
        ratios = [second / floor for second, floor in zip(seconds, floors, strict=True)]
        print(f"| {name} | {spread(seconds)} | {spread(ratios)} |")


def parsed() -> argparse.Namespace:
    """The options of the command line."""
    parser = parser_of(__doc__)
    add_released(parser)
    parser.add_argument("--repeats", type=int, default=5, help="rounds [5]")
    parser.add_argument(
        "--chunk", type=int, nargs="*", default=[], help="chunk sizes to try beside the chosen one"
    )
    parser.add_argument(
        "--branches", action="store_true", help="compare branches one by one and together"
    )
    parser.add_argument(
        "--memory", type=int, default=0, help="measure peak memory on so many images instead"
    )
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


@torch.no_grad()
def evaluated(walker: ResidualNetwork, images: Tensor, batch: int) -> None:
    """Send the images through a fused network, a batch at a time."""
    for part in images.split(batch):
        walker(part.to(memory_format=torch.channels_last))


def best_batch(
    network: ResidualNetwork, images: Tensor, device: torch.device
) -> tuple[int, dict[int, float]]:
    """The fastest batch size of the intact network, and seconds by batch size."""
    walker = fused(network).to(memory_format=torch.channels_last)
    evaluated(walker, images, 32)
    rounds = [
        {batch: timed(lambda b=batch: evaluated(walker, images, b), device) for batch in BATCHES}
        for _ in range(3)
    ]
    seconds = {batch: statistics.median(one[batch] for one in rounds) for batch in BATCHES}
    return min(seconds, key=seconds.__getitem__), seconds


def evaluations_worth(network: ResidualNetwork, images: Tensor, names: Sequence[str]) -> float:
    """Floating-point operations of a sweep over those of one evaluation of the same images."""
    with FlopCounterMode(display=False) as shared, torch.no_grad():
        sweep(network, images, names)
    with FlopCounterMode(display=False) as one, torch.no_grad():
        network(images)
    return shared.get_total_flops() / one.get_total_flops()


def print_memory(network: ResidualNetwork, options: argparse.Namespace) -> None:
    """Peak resident memory of an extraction job, measured in a process of its own."""
    if options.child:
        return extract(network, Path(options.folder), options.memory)
    with tempfile.TemporaryDirectory() as folder:
        generator = np.random.default_rng(0)
        images = generator.integers(0, 256, (60_000, 3, 32, 32), dtype=np.uint8)
        labels, split = np.arange(60_000) % 10, np.repeat(np.array([0, 1, 2], np.uint8), 20_000)
        data = ImageData(images, labels, split, network.header.class_names)
        write_data(Path(folder, "data.npz"), data)
        arguments = [sys.executable, __file__, str(options.weights), folder, "--child"]
        for name in ("architecture", "device", "threads", "memory"):
            arguments += [f"--{name}", str(getattr(options, name))]
        subprocess.run(arguments, check=True)
    return None


def peak_memory() -> float:
    """Peak resident memory of this process so far, MiB."""
    status = Path("/proc/self/status")
    if status.exists():
        # Linux counts in getrusage what the process that started this one had, too
        return int(status.read_text().split("VmHWM:")[1].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def extract(network: ResidualNetwork, folder: Path, count: int) -> None:
    """Do what the extraction job does, and say what it took."""
    before = peak_memory()
    data = read_data(folder / "data.npz")
    loaded = peak_memory()
    probe = np.flatnonzero(data.split == 0)[:count]
    if len(probe) < count:
        raise SystemExit(f"--memory takes at most {len(probe)} images")
    names = candidates(network.header.blocks, limits=Limits(1))
    started = time.perf_counter()
    extract_activations(
        folder / "activations.npz",
        network,
        lambda chosen: data.part("train", chosen)[0],
        data.labels_of("train")[:count],
        np.arange(count),
        names,
    )
    seconds = time.perf_counter() - started
    peak = peak_memory()
    print("| extraction job | peak MiB |\n|---|---|")
    print(f"| Python, PyTorch and the network | {before:.0f} |")
    print(f"| and the data file, 60,000 images | {loaded:.0f} |")
    print(f"| and the sweep of {count} images, {seconds:.0f} s | {peak:.0f} |")
    size = (folder / "activations.npz").stat().st_size / 2**20
    print(f"\n{len(names)} candidates, activations file of {size:.0f} MiB")


if __name__ == "__main__":
    main()
