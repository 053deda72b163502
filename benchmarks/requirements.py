"""What jobs hold and take, against what the workflow asks for.

    PYTHONPATH=src OMP_NUM_THREADS=1 python benchmarks/requirements.py
    PYTHONPATH=src OMP_NUM_THREADS=1 python benchmarks/requirements.py --fit

Each case is a process of its own on random images: two steps of training, or two batches that are
only sent through. Printed are the most memory that it held, what
``layer_pruning.estimate.requirements`` expects of it, and the CPU seconds of a multiply-accumulate.
With ``--fit``, the factors that fit the first cases best, by least squares with none below zero;
the last cases are held out.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from options import parser_of
from scipy.optimize import nnls

from layer_pruning.data.loading import Split
from layer_pruning.estimate.requirements import BYTES, MEGABYTE, Job, memory_mb, seconds
from layer_pruning.models.architectures import architecture
from layer_pruning.models.header import NetworkHeader
from layer_pruning.models.network_blocks import size_of
from layer_pruning.models.network_size import NetworkSize
from layer_pruning.models.residual import new_network
from layer_pruning.training.catalog import RECIPES
from layer_pruning.training.loop import accuracy, train
from layer_pruning.training.recipe import Recipe


class Case(NamedTuple):
    """A network, images and a batch."""

    work: str
    network: str
    options: dict[str, Any]
    pixels: int
    batch: int
    held_out: bool = False


CASES = [
    Case("training", "resnet14", {"depth": 14, "widths": [4, 8, 16]}, 8, 64),
    Case("training", "resnet20", {}, 32, 128),
    Case("training", "wide", {"depth": 14, "widths": [96, 192, 384]}, 16, 32),
    Case("training", "resnet14", {}, 32, 512),
    Case("training", "resnet14", {}, 96, 64),
    Case("inference", "resnet20", {}, 32, 500),
    Case("inference", "resnet14", {}, 96, 200),
    Case("inference", "wide", {"depth": 14, "widths": [96, 192, 384]}, 16, 100),
    Case("training", "resnet56", {}, 32, 128, held_out=True),
    Case("training", "resnet18", {}, 128, 32, held_out=True),
    Case("training", "resnet50", {}, 224, 8, held_out=True),
    Case("training", "convnext_tiny", {}, 224, 8, held_out=True),
    Case("training", "swin_t", {}, 224, 8, held_out=True),
    Case("training", "vit_b_16", {}, 224, 8, held_out=True),
    Case("inference", "resnet56", {}, 32, 500, held_out=True),
    Case("inference", "resnet50", {}, 224, 32, held_out=True),
]


def size_of_case(case: Case) -> NetworkSize:
    """The size of a case's network."""
    shape = (3, case.pixels, case.pixels)
    return size_of(architecture(case.network, case.options, shape), shape, 10)


def job_of(case: Case) -> Job:
    """The case as the workflow would see it."""
    trains = case.work == "training"
    return Job(2 * case.batch, 3.0 if trains else 1.0, case.batch, trains, learns=trains)


def run(case: Case) -> dict[str, float]:
    """Megabytes and CPU seconds of a case, in this process."""
    torch.set_num_threads(1)
    shape = (3, case.pixels, case.pixels)
    header = NetworkHeader.of(
        case.network,
        case.options,
        input_shape=shape,
        mean=(0.5,) * 3,
        std=(0.25,) * 3,
        class_names=tuple(map(str, range(10))),
    )
    network = new_network(header, 0)
    images = torch.randint(0, 256, (2 * case.batch, *shape), dtype=torch.uint8)
    split = Split(images, torch.arange(2 * case.batch) % 10)
    few = split.part(slice(0, 2))
    begun = time.process_time()
    if case.work == "training":
        chosen = {"epochs": 1, "batch_size": case.batch, "shift_pixels": 0, "flip": True}
        recipe = Recipe.of(RECIPES["strong"]["training"] | chosen | {"precision": "float32"})
        with tempfile.TemporaryDirectory() as folder:
            state = Path(folder, "state.safetensors")
            train(network, split, few, recipe, seed=0, state_path=state)
    else:
        accuracy(network, split, case.batch)
    spent = time.process_time() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MEGABYTE
    return {"memory_mb": peak, "seconds": spent}


def measured(case: Case) -> dict[str, float]:
    """The same in a process of its own."""
    command = [sys.executable, __file__, "--case", json.dumps(case._asdict())]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def fit(found: list[tuple[Case, NetworkSize, dict[str, float]]]) -> None:
    """Print the factors of the cases that are not held out."""
    for work in ("training", "inference"):
        cases = [one for one in found if one[0].work == work and not one[0].held_out]
        rows = [
            [
                1.0,
                BYTES * size.parameters / MEGABYTE,
                BYTES
                * case.batch
                * (size.map_values if work == "training" else size.largest_map)
                / MEGABYTE,
            ]
            for case, size, _ in cases
        ]
        values = [one["memory_mb"] for *_, one in cases]
        (start, weights, maps), _ = nnls(np.array(rows), np.array(values))
        print(f"{work}: start {start:.0f} MB, weights {weights:.2f} times, maps {maps:.2f} times")


def main() -> None:
    """Print the table."""
    parser = parser_of(__doc__)
    parser.add_argument("--fit", action="store_true", help="print the factors that fit best")
    parser.add_argument("--case", type=json.loads, help=argparse.SUPPRESS)
    parser.add_argument("--network", help="the cases of one network alone")
    given = parser.parse_args()
    if given.case:
        print(json.dumps(run(Case(**given.case))))
        return
    found = []
    print("| case | held MB | expected MB | of it | CPU s | expected s |")
    print("|---|---|---|---|---|---|", flush=True)
    for case in CASES:
        if given.network not in (None, case.network):
            continue
        size, one = size_of_case(case), measured(case)
        found.append((case, size, one))
        expected = memory_mb(job_of(case), size, 0.0, gpu=False, readers=0)
        took = seconds(job_of(case), size, gpu=False, threads=1)
        told = ", held out" if case.held_out else ""
        print(
            f"| {case.work}, {case.network}, {case.pixels} pixels, batch of {case.batch}{told} | "
            f"{one['memory_mb']:.0f} | {expected:.0f} | {expected / one['memory_mb']:.2f} | "
            f"{one['seconds']:.1f} | {took:.1f} |",
            flush=True,
        )
    if given.fit:
        fit(found)


if __name__ == "__main__":
    main()
