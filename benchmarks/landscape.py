"""What the choice of blocks is worth: every depth profile trained, and what could have been known.

    python benchmarks/landscape.py docs/data/landscape.csv results/cifar10_jpeg/data.npz \\
        results/cifar10_jpeg/resnet20/seed-0/baseline/network.safetensors

looks at an unpruned network alone, before any training. Beside the table of accuracies
(`results.py collect config/published/landscape.yaml docs/data/landscape.csv`) it writes
`-predictors.csv`, a row for every set of blocks that can go, with its distances from the whole
network as it is and after its norms were estimated anew, and `-paths.csv`, which blocks every
criterion would remove at once. `results.py write` says what they tell of the accuracies.
"""

import argparse
import itertools
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from choice import PATHS, PREDICTORS, RENEWED
from options import add_machine, parser_of

import layer_pruning
from layer_pruning.activations.sweep import activations_of
from layer_pruning.consensus.catalog import BORDA
from layer_pruning.data.image_file import read_data
from layer_pruning.data.splits import probe_set
from layer_pruning.evaluation.complexity import parameter_count
from layer_pruning.models.candidates import Limits, most_removals
from layer_pruning.models.residual import ResidualNetwork
from layer_pruning.report.network_tables import write_csv
from layer_pruning.report.records import BASELINE
from layer_pruning.scoring.catalog import CRITERIA, OF_IMAGES
from layer_pruning.searching.profiles import as_candidate, score_profiles
from layer_pruning.searching.ranking import SetScores, score_by
from layer_pruning.searching.sets import BlockSet, choices, in_network_order, set_name
from layer_pruning.surgery import without_blocks

LIMITS = Limits(min_blocks_per_stage=1)
BY_CHANCE = {"saves_latency", "saves_energy", "consensus_latency", "random"}
"""Criteria whose order is that of a stopwatch or of a draw."""


def all_sets(network: ResidualNetwork) -> list[BlockSet]:
    """Every set of blocks that can go together, small ones first."""
    of_stage = [
        [
            one
            for size in range(stage.most + 1)
            for one in itertools.combinations(stage.blocks, size)
        ]
        for stage in choices(network.header.blocks, LIMITS)
    ]
    sets = [tuple(itertools.chain(*parts)) for parts in itertools.product(*of_stage)]
    return sorted(filter(None, sets), key=len)


def predictors(network: ResidualNetwork, images: np.ndarray, labels: np.ndarray) -> pd.DataFrame:
    """Distances of every set from the whole network, a column a metric and state of the norms."""
    sets, indices = all_sets(network), np.arange(len(labels))
    given, by = partial(np.take, images, axis=0), score_by(list(OF_IMAGES), network.header)
    intact = activations_of(network, given, labels, indices, [])
    as_is = SetScores(intact, by)
    for gone in sets:
        found = activations_of(network.less(gone), given, labels, indices, [])
        as_is.add(as_candidate(found), [gone])
    renewed = score_profiles(network, sets, given, intact, score=by, how=BORDA)
    again = {row.block: row.scores for row in renewed.rows}
    whole = parameter_count(network)
    rows = [
        {
            "removed": len(gone),
            "removed_blocks": set_name(gone),
            "saves_parameters": whole - parameter_count(network.less(gone)),
            **{metric: as_is.scores[metric][set_name(gone)] for metric in OF_IMAGES},
            **{f"{metric}{RENEWED}": again[set_name(gone)][metric] for metric in OF_IMAGES},
        }
        for gone in sets
    ]
    return pd.DataFrame(rows)


def paths(network: ResidualNetwork, images: np.ndarray, labels: np.ndarray) -> pd.DataFrame:
    """Which blocks every criterion would remove at once, by its ranking of the whole network."""
    header, rows = network.header, []
    for name in CRITERIA:
        if name in BY_CHANCE:
            continue
        scores = layer_pruning.score(network, images, labels, metrics=name)
        order = list(layer_pruning.rank(scores).index)
        for size in range(1, most_removals(header.blocks, LIMITS) + 1):
            smaller, _ = without_blocks(header, {}, order, count=size, limits=LIMITS)
            gone = in_network_order(smaller.removed_blocks, header.blocks)
            rows.append({"criterion": name, "removed": size, "removed_blocks": set_name(gone)})
    return pd.DataFrame(rows)


def options() -> argparse.Namespace:
    """The command line."""
    parser = parser_of(__doc__)
    parser.add_argument("table", type=Path, help="of the accuracies, beside which to write")
    parser.add_argument("data", type=Path, help="data.npz of a run")
    parser.add_argument("network", type=Path, help="network.safetensors of its baseline")
    parser.add_argument("--images-per-class", type=int, default=40, help="probe set [40]")
    parser.add_argument("--seed", type=int, default=0, help="of the probe set [0]")
    add_machine(parser)
    return parser.parse_args()


def main() -> None:
    """Write the two tables."""
    given = options()
    torch.set_num_threads(given.threads)
    data, network = read_data(given.data), layer_pruning.load(given.network, device=given.device)
    labels = data.labels_of("train")
    chosen = probe_set(labels, images_per_class=given.images_per_class, seed=given.seed)
    images = data.part("train", chosen)[0]
    for suffix, made in ((PREDICTORS, predictors), (PATHS, paths)):
        path = given.table.with_name(f"{given.table.stem}{suffix}.csv")
        rows = made(network, images, labels[chosen])
        write_csv(rows.assign(seed=given.seed, network=BASELINE), path)
        print(f"{path}: {len(rows)} rows")


if __name__ == "__main__":
    main()
