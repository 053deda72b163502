"""What every stage costs against the size of its work, and the slopes on log-log axes.

    OMP_NUM_THREADS=1 PYTHONPATH=src python benchmarks/growth.py --figure docs/figures/growth.svg

CPU seconds of one thread on random images and features, the least of the repeats, which other
jobs on the machine disturb least. Beside each slope stands that of the work itself: what is done
for each image has 1, what pairs blocks with those that follow them 2. A ResNet-14 on 64 images of
16 × 16 pixels, and 400 probe images of 10 classes with 64 features and 8 candidates, where nothing
else is said.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from matplotlib.ticker import NullFormatter
from metrics import synthetic
from networks import cifar_header
from options import parser_of

from layer_pruning.activations.sweep import sweep
from layer_pruning.attacks.evaluation import attack_network
from layer_pruning.data.loading import Split
from layer_pruning.evaluation.accuracy import outputs_of_split
from layer_pruning.models.candidates import Limits
from layer_pruning.models.residual import ResidualNetwork, new_network
from layer_pruning.report.figures.style import COLOURS, MARKERS, Figure
from layer_pruning.similarity import distances
from layer_pruning.similarity.catalog import PAPER_METRICS
from layer_pruning.training.catalog import RECIPES
from layer_pruning.training.loop import train
from layer_pruning.training.recipe import Recipe

Work = Callable[[], object]


class Curve(NamedTuple):
    """A stage, what grows, and the sizes at which it is measured."""

    stage: str
    against: str
    sizes: Sequence[int]
    expected: float
    """The slope of the work itself."""
    work: Callable[[int], Work]


def network_of(depth: int = 14, side: int = 16) -> ResidualNetwork:
    """A CIFAR ResNet with random weights."""
    # not a name of torchvision's, such as resnet50
    header = cifar_header("of_cifar", {"depth": depth}, size=side)
    return new_network(header, 0).eval()


def split_of(images: int = 64, side: int = 16) -> Split:
    """Random images."""
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (images, 3, side, side), dtype=torch.uint8, generator=generator)
    return Split(pixels, torch.arange(images) % 10)


def training(images: int = 64, side: int = 16, depth: int = 14) -> Work:
    """An epoch."""
    network, split = network_of(depth, side), split_of(images, side)
    chosen = {
        "epochs": 1,
        "batch_size": 32,
        "precision": "float32",
        "shift_pixels": 2,
        "flip": True,
    }
    recipe = Recipe.of(RECIPES["quick"]["training"] | chosen | {"precision": "float32"})

    def epoch() -> None:
        with tempfile.TemporaryDirectory() as folder:
            state = Path(folder, "state.safetensors")
            train(network, split, split.part(slice(0, 2)), recipe, seed=0, state_path=state)

    return epoch


def evaluation(images: int = 64, side: int = 16, depth: int = 14) -> Work:
    """Logits of all images."""
    network, split = network_of(depth, side), split_of(images, side)
    return lambda: outputs_of_split(network, split, 32)


def activations(images: int = 64, side: int = 16, depth: int = 14) -> Work:
    """The sweep over every block that can go."""
    network, split = network_of(depth, side), split_of(images, side)
    pixels = split.floats(split.images)
    names = network.header.candidates(Limits(1))
    return lambda: sweep(network, pixels, names, chunk=32)


def attack(name: str, images: int = 64, epsilons: int = 2) -> Work:
    """An attack at so many epsilons, so small that no image breaks."""
    network, split = network_of(), split_of(images)
    pixels = split.floats(split.images)
    with torch.no_grad():
        labels = network(pixels).argmax(dim=1)
    sizes = [1e-6 * (1 + step) for step in range(epsilons)]
    return lambda: attack_network(
        network, pixels, labels, attack=name, norm="Linf", epsilons=sizes, seed=0, batch_size=32
    )


def scoring(images: int = 400, features: int = 64, candidates: int = 8, classes: int = 10) -> Work:
    """The eight metrics of the paper."""
    reference, changed, labels = synthetic(images, features, classes, candidates)
    names = [name for name in PAPER_METRICS if name != "cca" or images > features + 1]
    return lambda: [distances(name, reference, changed, labels) for name in names]


CURVES = [
    Curve("training", "images", (64, 128, 256), 1, lambda n: training(images=n)),
    Curve("training", "side", (16, 32, 64), 2, lambda n: training(images=32, side=n)),
    Curve("training", "blocks", (3, 6, 12, 24), 1, lambda n: training(depth=2 * n + 2)),
    Curve("evaluation", "images", (64, 128, 256), 1, lambda n: evaluation(images=n)),
    Curve("evaluation", "side", (16, 32, 64), 2, lambda n: evaluation(side=n)),
    Curve("evaluation", "blocks", (3, 6, 12, 24), 1, lambda n: evaluation(depth=2 * n + 2)),
    Curve("activations", "images", (64, 128, 256), 1, lambda n: activations(images=n)),
    Curve("activations", "side", (16, 32, 64), 2, lambda n: activations(images=32, side=n)),
    Curve(
        "activations",
        "blocks",
        (3, 6, 12, 24),
        2,
        lambda n: activations(images=32, depth=2 * n + 2),
    ),
    Curve("fgsm", "images", (64, 128, 256), 1, lambda n: attack("fgsm", images=n)),
    Curve("fgsm", "epsilons", (1, 2, 4, 8), 1, lambda n: attack("fgsm", epsilons=n)),
    Curve("scoring", "probe images", (200, 400, 800, 1600), 1, lambda n: scoring(images=n)),
    Curve("scoring", "features", (32, 64, 128, 256), 3, lambda n: scoring(features=n)),
    Curve("scoring", "candidates", (4, 8, 16), 1, lambda n: scoring(candidates=n)),
    Curve("scoring", "classes", (2, 5, 10, 20), 1, lambda n: scoring(classes=n)),
]


def seconds(work: Work, repeats: int) -> float:
    """The least CPU seconds of a piece of work, after one that sets things up."""
    work()
    taken = []
    for _ in range(repeats):
        started = time.process_time()
        work()
        taken.append(time.process_time() - started)
    return min(taken)


def slope(sizes: Sequence[int], taken: Sequence[float]) -> float:
    """Of the line that fits best on log-log axes."""
    return float(np.polyfit(np.log(sizes), np.log(taken), 1)[0])


def drawn(found: Sequence[tuple[Curve, list[float]]]) -> Figure:
    """All curves beside each other, sizes and seconds over their smallest."""
    stages = list(dict.fromkeys(curve.stage for curve, _ in found))
    figure = Figure(figsize=(10, 3.6), layout="constrained")
    for axes, stage in zip(figure.subplots(1, len(stages), sharey=True), stages, strict=True):
        own = [(curve, taken) for curve, taken in found if curve.stage == stage]
        for place, (curve, taken) in enumerate(own):
            axes.loglog(
                np.array(curve.sizes) / curve.sizes[0],
                np.array(taken) / taken[0],
                marker=MARKERS[place],
                color=COLOURS[place],
                label=f"{curve.against}: {slope(curve.sizes, taken):.2f}",
            )
        axes.set(title=stage, xlabel="times the smallest size")
        axes.xaxis.set_minor_formatter(NullFormatter())
        # below, where it covers no curve
        below = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.28)}
        axes.legend(fontsize=7, title="slope against", title_fontsize=7, frameon=False, **below)
    figure.axes[0].set_ylabel("times its CPU seconds")
    return figure


def main() -> None:
    """Print the table and draw the figure."""
    given = parsed()
    torch.set_num_threads(1)
    found = []
    print("| stage | against | from, to | CPU s, from, to | slope | of the work itself |")
    print("|---|---|---|---|---|---|", flush=True)
    for curve in CURVES:
        taken = [seconds(curve.work(size), given.repeats) for size in curve.sizes]
        found.append((curve, taken))
        print(
            f"| {curve.stage} | {curve.against} | {curve.sizes[0]}, {curve.sizes[-1]} | "
            f"{taken[0]:.3f}, {taken[-1]:.3f} | {slope(curve.sizes, taken):.2f} | "
            f"{curve.expected:g} |",
            flush=True,
        )
    if given.figure:
        drawn(found).savefig(given.figure)


def parsed() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = parser_of(__doc__)
    parser.add_argument("--figure", type=Path, help="where to draw the curves")
    parser.add_argument("--repeats", type=int, default=2, help="repeats of each size [2]")
    return parser.parse_args()


if __name__ == "__main__":
    main()
