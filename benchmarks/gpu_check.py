"""Everything that a GPU does in a run, checked and timed in minutes: what a first GPU is given.

    PYTHONPATH=src python benchmarks/gpu_check.py --data cifar10 --out gpu-check
    PYTHONPATH=src python benchmarks/gpu_check.py --toy --device cpu --out gpu-check

Parts, each with what it needs beside PyTorch, torchvision and this package's own libraries:

- agreement: the checks of ``agreement.py``, bit for bit or within a tolerance of the CPU;
- training: images a second against a plain loop (``training.py``);
- sweep: against its floor (``sweep.py``);
- chain: a ResNet-56 on the JPEG files of CIFAR-10 (``--data``, which holds train/CLASS/FILE and
  test/CLASS/FILE), trained for some epochs and pruned to 21 removals by CKA, three at a time;
- attacks: images a second of PGD and AutoAttack (pyautoattack for the second) on that network;
- energy: joules an image by CodeCarbon, NVML's counter on a GPU (codecarbon);
- latency: eager, as CUDA graphs and compiled (a ResNet-20: compiling takes longest), a network
  beside one that lacks blocks of all stages.

A part that lacks a package, or data, is "not run" and says why; one that fails says so, and the
others go on. Nothing starts after ``--seconds``. Results are written after every part, as
``gpu-check.json`` and, for ``docs/benchmarks.md``, ``gpu-check.md``. The exit status is 1 where a
part failed. ``--toy`` is for the tests: everything, in seconds, on a processor.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import sweep as sweep_benchmark
import torch
import training as training_benchmark
from agreement import CHECKS
from latency import evenly
from networks import cifar_header
from options import add_machine, parser_of
from timing import synchronise, timed
from torch import nn

from layer_pruning.activations.sweep import activations_of, sweep
from layer_pruning.attacks.evaluation import attack_network
from layer_pruning.data.image_file import ImageData
from layer_pruning.data.image_folder import load_image_folder
from layer_pruning.data.loading import split_on
from layer_pruning.data.splits import completed_split, probe_set
from layer_pruning.evaluation.latency import latency_record
from layer_pruning.evaluation.throughput import batch_runner
from layer_pruning.models.candidates import Limits, candidates
from layer_pruning.models.header import NetworkHeader
from layer_pruning.models.residual import ResidualNetwork, new_network
from layer_pruning.scoring.scores import score
from layer_pruning.training.catalog import RECIPES
from layer_pruning.training.loop import accuracy, train
from layer_pruning.training.recipe import Recipe

Rows = list[tuple[str, str]]
"""What a part says in the table: what was measured, and the value with its unit."""


class NotRun(Exception):
    """Why a part could not be run here."""


class Sizes:
    """How much of everything."""

    def __init__(self, toy: bool) -> None:
        self.architecture = "resnet14" if toy else "resnet56"
        self.rounds, self.batches, self.batch_size = (1, 2, 16) if toy else (5, 40, 128)
        self.images = 40 if toy else 1000
        self.latency_batches, self.repeats = ([2], 6) if toy else ([1, 64, 256], 40)
        self.compiled = [] if toy else ["compiled"]
        self.window_seconds = 0.05 if toy else 3.0
        self.attacked = 4 if toy else 256
        self.epsilons = [0.5] if toy else [8 / 255]
        self.epochs, self.removals, self.at_a_time = (1, 2, 1) if toy else (4, 21, 3)
        self.probe_images_per_class = 4 if toy else 40


class Bench:
    """What all parts share."""

    def __init__(self, given: argparse.Namespace) -> None:
        self.device = torch.device(given.device)
        self.data: Path | None = given.data
        self.threads: int = given.threads
        self.toy: bool = given.toy
        self.sizes = Sizes(given.toy)
        self.network = new_network(cifar_header(self.sizes.architecture), 0).to(self.device).eval()
        self.test_images: torch.Tensor | None = None
        """Of the data that the network was trained on, once it was."""

    @property
    def removed(self) -> int:
        """As many blocks as the pruned network of a comparison lacks."""
        return self.sizes.removals

    def pruned(self) -> ResidualNetwork:
        """The network without blocks, evenly from all stages."""
        return self.network.less(evenly(self.network, self.removed)).eval()

    def random_images(self, count: int) -> torch.Tensor:
        """Images (count, 3, 32, 32)."""
        drawn = torch.rand(count, 3, 32, 32, generator=torch.Generator().manual_seed(0))
        return drawn.to(self.device)


def agreement(bench: Bench) -> tuple[Any, Rows]:
    """Every check of ``agreement.py``. Raises AssertionError naming those beyond tolerance."""
    found = {name: check.difference(bench.device) for name, check in CHECKS.items()}
    rows = [
        (name, f"{value:.2g} apart, {CHECKS[name].tolerance:g} allowed")
        for name, value in found.items()
    ]
    # a difference that is no number is beyond as well
    beyond = [name for name, value in found.items() if not value <= CHECKS[name].tolerance]
    if beyond:
        told = "; ".join(f"{name}: {value}" for name, value in rows if name in beyond)
        raise AssertionError(f"beyond tolerance: {told}")
    return found, rows


def training(bench: Bench) -> tuple[Any, Rows]:
    """Images a second, against a plain loop."""
    sizes = bench.sizes
    given = argparse.Namespace(
        batch_size=sizes.batch_size,
        batches=sizes.batches,
        rounds=sizes.rounds,
        threads=bench.threads,
    )
    measured = training_benchmark.measure(sizes.architecture, bench.device, given)
    told = training_benchmark.told
    return measured, [
        (
            f"training {sizes.architecture}, {loop}",
            f"{told(one['images'], 0)} images/s, {told(one['ratio'], 2)} times the plain loop",
        )
        for loop, one in measured.items()
    ]


def sweeping(bench: Bench) -> tuple[Any, Rows]:
    """Seconds of a sweep over its floor."""
    images = bench.random_images(bench.sizes.images)
    names = candidates(bench.network.header.blocks, limits=Limits(1))
    worth = sweep_benchmark.evaluations_worth(bench.network, images[:20], names)
    best, searched = sweep_benchmark.best_batch(bench.network, images, bench.device)
    sweep(bench.network, images, names)
    found: dict[str, float] = {"floor": worth * searched[best]}
    for precision in ("float32", "bfloat16"):

        def swept(precision: str = precision) -> object:
            return sweep(bench.network, images, names, precision=precision)

        seconds = [timed(swept, bench.device) for _ in range(bench.sizes.rounds)]
        found[precision] = sorted(seconds)[len(seconds) // 2]
    rows = [
        (
            f"sweep of {len(names)} candidates, {len(images)} images, {precision}",
            f"{found[precision]:.3g} s, {found[precision] / found['floor']:.2f} times the floor",
        )
        for precision in ("float32", "bfloat16")
    ]
    return found | {"evaluations": worth, "best_batch": best}, rows


def latency(bench: Bench) -> tuple[Any, Rows]:
    """Milliseconds of a batch and the speed-up, by mode; a mode that is not there is left out."""
    records, rows = {}, []
    modes = ["eager"] + (["cuda_graphs"] if bench.device.type == "cuda" else [])
    for mode in [*modes, *bench.sizes.compiled]:
        network, lost, batches = bench.network, bench.removed, bench.sizes.latency_batches
        if mode == "compiled":
            network = new_network(cifar_header("resnet20"), 0).to(bench.device).eval()
            lost, batches = 3, batches[-1:]
        try:
            records[mode] = latency_record(
                network,
                network.less(evenly(network, lost)).eval(),
                batch_sizes=batches,
                repeats=bench.sizes.repeats,
                modes=[mode],
            )
        except ValueError as error:
            records[mode] = {"not_run": str(error)}
            rows.append((f"latency, {mode}", f"not run: {error}"))
            continue
        for one in records[mode]["timings"]:
            whole, gain = 1e3 * one["baseline_seconds"], one["speed_up_ratio"]
            rows.append(
                (
                    f"latency of {network.header.architecture}, {mode}, batch of "
                    f"{one['batch_size']}, {lost} blocks less",
                    f"{whole:.3g} ms unpruned, {gain:.2f} times as fast pruned "
                    f"({one['speed_up_over_macs_ratio']:.2f} of the ratio of MACs)",
                )
            )
    return records, rows


def energy(bench: Bench) -> tuple[Any, Rows]:
    """Joules an image, and how they were counted."""
    from layer_pruning.energy.inference import inference_energy
    from layer_pruning.energy.record import EnergySettings

    batch = bench.random_images(bench.sizes.batch_size)
    record = inference_energy(
        batch_runner(bench.network, batch),
        batch_runner(bench.pruned(), batch),
        images=len(batch),
        repeats=6,
        window_seconds=bench.sizes.window_seconds,
        settings=EnergySettings(carbon_intensity_g_per_kwh=100, measure_power_seconds=1),
        seed=0,
    )
    if not record["measured"]:
        raise NotRun(record["reason"])
    counted = "; ".join(f"{part}: {how}" for part, how in record["method"].items() if how != "none")
    return record, [
        (
            f"energy, {bench.removed} blocks less",
            f"{1e3 * record['baseline_joules_per_image']:.3g} mJ an image unpruned, "
            f"{record['energy_reduction_percent']:.1f} % less pruned ({counted})",
        )
    ]


def attacks(bench: Bench) -> tuple[Any, Rows]:
    """Images a second of attacks; the labels are what the network says, so all are attacked."""
    found, rows = {}, []
    images = bench.test_images
    if images is None:
        images = bench.random_images(bench.sizes.attacked)
    with torch.no_grad():
        labels = bench.network(images).argmax(dim=1)
    for attack in ("pgd", "autoattack"):
        begun = time.perf_counter()
        try:
            result = attack_network(
                bench.network,
                images,
                labels,
                attack=attack,
                norm="Linf",
                epsilons=bench.sizes.epsilons,
                seed=0,
            )
        except ImportError as error:
            rows.append((f"attack {attack}", f"not run: {error}"))
            continue
        synchronise(bench.device)
        seconds = time.perf_counter() - begun
        robust = result["epsilons"][0]["robust_accuracy"]
        found[attack] = {"images_per_second": len(images) / seconds, "robust_accuracy": robust}
        rows.append(
            (
                f"attack {attack}, {len(images)} images, epsilon {bench.sizes.epsilons[0]:.3g}",
                f"{len(images) / seconds:.3g} images/s, {100 * robust:.0f} % stand",
            )
        )
    return found, rows


def chain(bench: Bench) -> tuple[Any, Rows]:
    """Accuracy and seconds from the baseline to the last removal."""
    data = images_of(bench)
    sizes, device = bench.sizes, bench.device
    description: dict[str, Any] = data.description()
    header = NetworkHeader.of(sizes.architecture, {}, **description)
    network = new_network(header, 0).to(device)
    splits = {name: split_on(data, name, device) for name in ("train", "validation", "test")}
    begun = time.perf_counter()
    _fit(network, splits, "training", sizes.epochs, sizes.batch_size)
    seconds = {"training": time.perf_counter() - begun, "scoring": 0.0, "fine-tuning": 0.0}
    accuracies = [accuracy(network, splits["test"], 1000)]
    bench.network = network
    bench.test_images = next(splits["test"].batches(sizes.attacked))[0]
    labels = data.labels_of("train")
    probe = probe_set(labels, images_per_class=sizes.probe_images_per_class, seed=0)
    images = data.part("train", probe)[0]
    for _ in range(0, sizes.removals, sizes.at_a_time):
        begun = time.perf_counter()
        names = candidates(network.header.blocks, network.header.removed_blocks, limits=Limits(1))
        features = activations_of(network, images, labels[probe], probe, names)
        distances = score(["cka"], features, header=network.header, tensors={}, draw="0")["cka"]
        network = network.less(_less(network.header, distances, sizes.at_a_time)).eval()
        scored = time.perf_counter()
        _fit(network, splits, "finetuning", 1, sizes.batch_size)
        accuracies.append(accuracy(network, splits["test"], 1000))
        seconds["scoring"] += scored - begun
        seconds["fine-tuning"] += time.perf_counter() - scored
    found = {"test_accuracy": accuracies, "seconds": seconds}
    return found, [
        (
            f"chain of {sizes.architecture}, {sizes.epochs} epochs, {sizes.removals} removals, "
            f"{sizes.at_a_time} at a time with one epoch",
            f"test accuracy {100 * accuracies[0]:.1f} % unpruned, {100 * accuracies[-1]:.1f} % "
            "pruned; " + ", ".join(f"{name} {value:.1f} s" for name, value in seconds.items()),
        )
    ]


def _less(header: NetworkHeader, distances: Mapping[str, float], count: int) -> list[str]:
    """The blocks that are gone, and ``count`` more: the nearest that may go one after the other."""
    gone = list(header.removed_blocks)
    for _ in range(count):
        able = candidates(header.blocks, gone, limits=Limits(1))
        gone.append(min(able, key=distances.__getitem__))
    return gone


def _fit(
    network: nn.Module, splits: Mapping[str, Any], phase: str, epochs: int, batch_size: int
) -> None:
    settings = RECIPES["quick"][phase] | {"epochs": epochs, "batch_size": batch_size}
    beside = {"shift_pixels": 4, "flip": True, "distillation_weight": 0.0}
    with tempfile.TemporaryDirectory() as folder:
        train(
            network,
            splits["train"],
            splits["validation"],
            Recipe.of(settings | beside),
            seed=0,
            state_path=Path(folder, "state.safetensors"),
        )


def images_of(bench: Bench) -> ImageData:
    """The images of ``--data``; random ones in a toy run. Raises NotRun without."""
    if bench.toy:
        generator = np.random.default_rng(0)
        images = generator.integers(0, 256, (120, 3, 32, 32), dtype=np.uint8)
        labels = np.arange(120) % 10
        own, names = np.zeros(120, dtype=np.uint8), tuple(map(str, range(10)))
        data = ImageData(images, labels, own, names)
    elif bench.data is None:
        raise NotRun("no folder of images was given (--data)")
    else:
        data = load_image_folder(bench.data, image_size=None, channels=None, workers=bench.threads)
    split = completed_split(
        data.labels, data.split, validation_fraction=0.1, test_fraction=0.2, seed=0
    )
    return ImageData(data.images, data.labels, split, data.class_names)


PARTS: dict[str, Callable[[Bench], tuple[Any, Rows]]] = {
    "agreement": agreement,
    "training": training,
    "sweep": sweeping,
    "chain": chain,
    "attacks": attacks,
    "energy": energy,
    "latency": latency,
}


def run_part(name: str, bench: Bench) -> dict[str, Any]:
    """What came of a part: its numbers, rows of the table, seconds and status."""
    begun = time.perf_counter()
    found: Any = None
    rows: Rows = []
    try:
        found, rows = PARTS[name](bench)
        status = "done"
    except (NotRun, ImportError) as error:
        status = f"not run: {error}"
    except Exception as error:
        status = f"failed: {type(error).__name__}: {' '.join(str(error).split())}"
    seconds = time.perf_counter() - begun
    print(f"{name}: {status} ({seconds:.1f} s)", flush=True)
    for what, value in rows:
        print(f"  {what}: {value}", flush=True)
    return {"status": status, "seconds": seconds, "rows": rows, "measured": found}


def written(folder: Path, machine: Mapping[str, Any], parts: Mapping[str, Any]) -> None:
    """The record and the table so far."""
    folder.mkdir(parents=True, exist_ok=True)
    record = {"machine": machine, "parts": parts}
    Path(folder, "gpu-check.json").write_text(json.dumps(record, indent=2) + "\n")
    lines = [f"{machine['device']}, PyTorch {machine['torch']}.", "", "| | |", "|---|---|"]
    for name, part in parts.items():
        if part["status"] != "done":
            lines.append(f"| {name} | {part['status']} |")
        lines += [f"| {what} | {value} |" for what, value in part["rows"]]
    Path(folder, "gpu-check.md").write_text("\n".join(lines) + "\n")


def main(arguments: list[str] | None = None) -> int:
    """Run the parts; the exit status."""
    parser = parser_of(__doc__)
    add_machine(parser, device="cuda", threads=4)
    parser.add_argument("--data", type=Path, help="folder with train/CLASS and test/CLASS")
    parser.add_argument("--out", type=Path, default=Path("gpu-check"), help="folder of results")
    parser.add_argument("--seconds", type=float, default=420, help="no part starts later [420]")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--toy", action="store_true", help="everything at the least size")
    given = parser.parse_args(arguments)
    if given.device.startswith("cuda") and not torch.cuda.is_available():
        print("error: PyTorch sees no GPU here; '--toy --device cpu' tries all on a processor")
        return 1
    torch.set_num_threads(given.threads)
    bench = Bench(given)
    name = torch.cuda.get_device_name(bench.device) if bench.device.type == "cuda" else "CPU"
    machine = {"device": name, "torch": torch.__version__, "threads": given.threads}
    begun = time.perf_counter()
    parts: dict[str, Any] = {}
    for part in given.parts:
        if time.perf_counter() - begun > given.seconds:
            late = f"not run: {given.seconds:.0f} s were over"
            parts[part] = {"status": late, "seconds": 0.0, "rows": [], "measured": None}
        else:
            parts[part] = run_part(part, bench)
        written(given.out, machine, parts)
    return int(any(part["status"].startswith("failed") for part in parts.values()))


if __name__ == "__main__":
    sys.exit(main())
