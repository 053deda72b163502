"""The whole scoring of a network against a straightforward implementation, and a race.

    PYTHONPATH=src python benchmarks/scoring.py resnet56.safetensors cifar10/train
    PYTHONPATH=src python benchmarks/scoring.py resnet56.safetensors cifar10/train --race \\
        resnet20=resnet20.safetensors resnet56=resnet56.safetensors

Scoring is the sweep and the eight metrics of the paper for every candidate. ``straightforward.py``
repeats every forward pass for every metric. Its passes are the same for each of the eight and
cost nearly the same for each candidate, so by default a share is measured, in turn with ours, and
multiplied; ``--full`` runs them all. Seconds are CPU time, and wall time on a GPU.

A race scores all candidates on a few images first and sends the rest of the images only through
those that could still be removed: those that a bootstrap over the few images removes at least
once, and the one that they themselves remove. It is not part of the package; the table says why.
"""

import argparse
import statistics
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import straightforward
import torch
from networks import probe_images, released_network
from options import add_released, parser_of
from timing import described, spread, timed
from torch import Tensor

from layer_pruning.activations.features import Activations
from layer_pruning.activations.sweep import activations_of
from layer_pruning.consensus.ranking import rank_blocks
from layer_pruning.models.candidates import Limits, candidates
from layer_pruning.models.residual import ResidualNetwork
from layer_pruning.scoring.bootstrap import resample
from layer_pruning.scoring.scores import Scores, score
from layer_pruning.similarity.catalog import PAPER_METRICS

# one candidate in so many stands for all in the straightforward passes
SHARE = 5


def main() -> None:
    """Print the tables."""
    options = parsed()
    torch.set_num_threads(options.threads)
    device = torch.device(options.device)
    print(described(options, device), "\n")
    if options.race:
        print_race(options, device)
    else:
        print_whole(options, device)


def parsed() -> argparse.Namespace:
    """The options of the command line."""
    parser = parser_of(__doc__)
    add_released(parser)
    parser.add_argument("--repeats", type=int, default=5, help="rounds of ours [5]")
    parser.add_argument(
        "--full", action="store_true", help="repeat the straightforward passes for every metric"
    )
    parser.add_argument(
        "--race", nargs="+", default=[], metavar="NAME=WEIGHTS", help="race on these networks"
    )
    parser.add_argument("--draws", type=int, default=3, help="probe sets a network races on [3]")
    parser.add_argument(
        "--first", type=int, nargs="+", default=[200, 300], help="images that all see [200 300]"
    )
    parser.add_argument("--resamples", type=int, default=20, help="of the race's bootstrap [20]")
    return parser.parse_args()


def scored(network: ResidualNetwork, probe: Activations) -> Scores:
    """Every metric of the paper for every candidate."""
    return score(PAPER_METRICS, probe, header=network.header, tensors={}, draw="")


def removed(scores: Scores) -> str:
    """The block that the consensus removes."""
    return rank_blocks(scores, list(next(iter(scores.values())))).removed_block


def print_whole(options: argparse.Namespace, device: torch.device) -> None:
    """Ours in both precisions against the straightforward implementation."""
    network = released_network(options.weights, options.architecture).to(device)
    images, labels = probe_images(options.folder, options.images)
    names = candidates(network.header.blocks, limits=Limits(1))
    batch = torch.from_numpy(images).to(device)
    plain_metrics, plain_removed = straightforward_metrics(network, batch, labels, names, device)
    some = names if options.full else names[::SHARE]
    repeated = len(straightforward.METRICS) if options.full else 1
    times = len(straightforward.METRICS) * (1 + len(names)) / (repeated * (1 + len(some)))

    def passes() -> None:
        for _ in range(repeated):
            straightforward.all_features(network, batch, some)

    sweeps: dict[str, list[float]] = {"straightforward": [], "float32": [], "bfloat16": []}
    metrics: dict[str, list[float]] = {name: [] for name in sweeps}
    blocks = {"straightforward": plain_removed}
    for _ in range(options.repeats):
        sweeps["straightforward"].append(times * timed(passes, device))
        metrics["straightforward"].append(plain_metrics)
        for precision in ("float32", "bfloat16"):
            swept: list[Activations] = []
            scores: list[Scores] = []
            sweep_seconds = timed(
                lambda precision=precision, swept=swept: swept.append(
                    activations_of(
                        network, images, labels, np.arange(len(labels)), names, precision=precision
                    )
                ),
                device,
            )
            sweeps[precision].append(sweep_seconds)
            metrics[precision].append(
                timed(
                    lambda swept=swept, scores=scores: scores.append(scored(network, swept[0])),
                    device,
                )
            )
            blocks[precision] = removed(scores[0])
    print(f"{len(names)} candidates, {len(images)} images; medians of {options.repeats} rounds.\n")
    print("| implementation | passes s | metrics s | all s | times cheaper | removed |")
    print("|---|---|---|---|---|---|")
    whole = {name: np.add(sweeps[name], metrics[name]) for name in sweeps}
    for name, seconds in whole.items():
        cheaper = (whole["straightforward"] / seconds).tolist()
        print(
            f"| {name} | {spread(sweeps[name])} | {spread(metrics[name])} "
            f"| {spread(seconds.tolist())} | {spread(cheaper)} | {blocks[name]} |"
        )
    if not options.full:
        print(
            f"\nOf the straightforward passes, {1 + len(some)} of {1 + len(names)} for one of "
            f"{len(straightforward.METRICS)} metrics were measured in every round, and counted "
            f"{times:.1f} times; its metrics were run in full, once."
        )


def straightforward_metrics(
    network: ResidualNetwork,
    images: Tensor,
    labels: np.ndarray,
    names: list[str],
    device: torch.device,
) -> tuple[float, str]:
    """Seconds of the straightforward metrics on all candidates, and the block that they remove."""
    intact, bypassed = straightforward.all_features(network, images, names)
    scores: Scores = {}

    def run() -> None:
        for name, metric in straightforward.METRICS.items():
            values = [metric(intact, one, labels) for one in bypassed]
            scores[name] = dict(zip(names, values, strict=True))

    seconds = timed(run, device)
    return seconds, removed(scores)


class Race(NamedTuple):
    """How a race went."""

    seconds: float
    bootstrap_seconds: float
    survivors: int
    removed: str


def raced(
    network: ResidualNetwork,
    images: np.ndarray,
    labels: np.ndarray,
    names: list[str],
    first: int,
    resamples: int,
) -> Race:
    """Race: ``first`` images for all candidates, the rest for those that could still go."""
    started = time.process_time()
    # images are sorted by class, and both parts should hold each class alike
    order = np.argsort(np.concatenate([np.arange(n) for n in np.bincount(labels)]), kind="stable")
    early, late = np.sort(order[:first]), np.sort(order[first:])
    few = activations_of(network, images[early], labels[early], early, names)
    scores = scored(network, few)
    boot = time.process_time()
    tables = resample(scores, few, resamples=resamples, seed=0).tables()
    could = {removed(scores), *(removed(table) for table in tables)}
    boot = time.process_time() - boot
    left = [name for name in names if name in could]
    if len(left) == 1:
        return Race(time.process_time() - started, boot, 1, left[0])
    rest = activations_of(network, images[late], labels[late], late, left)
    kept = [names.index(name) for name in left]
    whole = Activations(
        features=np.concatenate([few.features, rest.features]),
        features_bypassed=np.concatenate(
            [few.features_bypassed[kept], rest.features_bypassed], axis=1
        ),
        logits=np.concatenate([few.logits, rest.logits]),
        logits_bypassed=np.concatenate([few.logits_bypassed[kept], rest.logits_bypassed], axis=1),
        labels=np.concatenate([few.labels, rest.labels]),
        blocks=np.array(left),
        probe_indices=np.concatenate([early, late]),
    )
    goes = removed(scored(network, whole))
    return Race(time.process_time() - started, boot, len(left), goes)


def print_race(options: argparse.Namespace, device: torch.device) -> None:
    """Whether a race removes the block that scoring everything removes, and what it saves."""
    print("| network | draw | first images | left | whole s | race s | of it bootstrap s | same |")
    print("|---|---|---|---|---|---|---|---|")
    outcomes, gains = [], []
    for pair in options.race:
        name, _, weights = pair.partition("=")
        network = released_network(Path(weights), name).to(device)
        names = candidates(network.header.blocks, limits=Limits(1))
        for draw in range(options.draws):
            images, labels = probe_images(options.folder, options.images, draw)
            started = time.process_time()
            probe = activations_of(network, images, labels, np.arange(len(labels)), names)
            goes = removed(scored(network, probe))
            seconds = time.process_time() - started
            for first in options.first:
                race = raced(network, images, labels, names, first, options.resamples)
                same = race.removed == goes
                outcomes.append(same)
                gains.append(seconds / race.seconds)
                verdict = "yes" if same else f"no: {race.removed}, not {goes}"
                print(
                    f"| {name} | {draw} | {first} | {race.survivors} of {len(names)} "
                    f"| {seconds:.1f} | {race.seconds:.1f} | {race.bootstrap_seconds:.1f} "
                    f"| {verdict} |",
                    flush=True,
                )
    print(
        f"\nSame block in {sum(outcomes)} of {len(outcomes)} races; whole over race in CPU time: "
        f"{statistics.median(gains):.2f} ({min(gains):.2f} to {max(gains):.2f})."
    )


if __name__ == "__main__":
    main()
