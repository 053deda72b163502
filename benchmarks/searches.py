"""Greedy removal beside beam search and depth profiles, with one budget of fine-tuning.

    python benchmarks/searches.py config/search.yaml results/digits/data.npz \\
        results/digits/resnet20/seed-*/baseline/network.safetensors

takes criteria, removals, recipes and probe set from a configuration, and does in one process what
its run does for the last network of each criterion: where jobs last seconds, their starts cost more
than the work. Printed are, by criterion, how far the baseline's predictions are from those without
the blocks before any training, and test accuracy after it; then every two criteria, as the report
compares them (Tukey's method over seeds).
"""

import argparse
import copy
import tempfile
from pathlib import Path

import numpy as np
import torch
import yaml
from options import add_machine, parser_of

import layer_pruning
from layer_pruning.configuration import Config, complete, recipe_on
from layer_pruning.data.image_file import read_data
from layer_pruning.data.loading import split_on
from layer_pruning.data.splits import probe_set
from layer_pruning.models.residual import ResidualNetwork, load_network
from layer_pruning.report.statistics.repeated import all_pairs
from layer_pruning.training.loop import accuracy, derived_seed, train
from layer_pruning.training.recipe import Recipe


def options() -> argparse.Namespace:
    """The command line."""
    parser = parser_of(__doc__)
    parser.add_argument("configuration", type=Path, help="of one data set and architecture")
    parser.add_argument("data", type=Path, help="data.npz of a run")
    parser.add_argument("networks", type=Path, nargs="+", help="baselines, a seed each")
    add_machine(parser)
    return parser.parse_args()


class Comparison:
    """What is the same for all criteria of a configuration."""

    def __init__(self, config: Config, data: Path, device: str) -> None:
        self.config, self.data = config, read_data(data)
        self.train, self.validation, self.test = (
            split_on(self.data, name, torch.device(device))
            for name in ("train", "validation", "test")
        )
        (dataset,), (architecture,) = config["datasets"], config["architectures"]
        self.settings = recipe_on(config, "finetuning", dataset, architecture)
        self.limits = {key: config[key] for key in ("min_blocks_per_stage", "protect")}

    def probe(self, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Images and labels of the probe set."""
        labels = self.data.labels_of("train")
        per_class = self.config["probe"]["images_per_class"]
        chosen = probe_set(labels, images_per_class=per_class, seed=seed)
        return self.data.part("train", chosen)[0], labels[chosen]

    def tune(
        self, network: ResidualNetwork, teacher: ResidualNetwork, epochs: int, seed: int
    ) -> None:
        """Fine-tune a network in place."""
        with tempfile.TemporaryDirectory() as folder:
            train(
                network,
                self.train,
                self.validation,
                Recipe.of(self.settings | {"epochs": epochs}),
                seed=seed,
                state_path=Path(folder, "state"),
                teacher=teacher,
            )

    def greedy(self, name: str, baseline: ResidualNetwork, seed: int) -> ResidualNetwork:
        """What is left where one block goes after the other, with fine-tuning after each."""
        pruning = layer_pruning.iterate(
            baseline,
            *self.probe(seed),
            removals=self.config["removals"],
            metrics=self.config["criteria"][name]["metrics"],
            seed=seed,
            **self.limits,
        )
        for step in pruning:
            drawn = derived_seed(seed, "removal", len(step.history))
            self.tune(step.network, baseline, self.settings["epochs"], drawn)
        return pruning.network

    def searched(self, name: str, baseline: ResidualNetwork, seed: int) -> ResidualNetwork:
        """What is left without the set that a search found, after all epochs at once."""
        criterion, removals = self.config["criteria"][name], self.config["removals"]
        found = layer_pruning.search(
            baseline,
            *self.probe(seed),
            removals=removals,
            search=criterion["search"],
            beam=criterion.get("beam", 1),
            metrics=criterion["metrics"],
            **self.limits,
        )
        network = baseline.less(found.blocks[removals])
        drawn = derived_seed(seed, "removal", removals)
        self.tune(network, baseline, removals * self.settings["epochs"], drawn)
        return network

    def damage(self, network: ResidualNetwork, baseline: ResidualNetwork, seed: int) -> float:
        """KL divergence of the baseline's predictions from those without the blocks, untrained."""
        images = torch.from_numpy(self.probe(seed)[0]).to(baseline.mean)
        less = baseline.less(network.header.removed_blocks)
        with torch.no_grad():
            intact, other = (one(images).double().log_softmax(1) for one in (baseline, less))
        return float((intact.exp() * (intact - other)).sum(1).mean())


def main() -> None:
    """Print a row a criterion and seed, then the comparison."""
    given = options()
    torch.set_num_threads(given.threads)
    config = complete(yaml.safe_load(given.configuration.read_text(encoding="utf-8")))
    comparison = Comparison(config, given.data, given.device)
    accuracies: dict[str, list[float]] = {name: [] for name in config["criteria"]}
    damages = copy.deepcopy(accuracies)
    print("seed criterion     KL before  test, %  blocks that go")
    for seed, path in enumerate(given.networks):
        baseline = load_network(path, given.device)
        whole = 100 * accuracy(baseline, comparison.test, 500)
        print(f"{seed:4} {'baseline':12} {'':10} {whole:8.2f}", flush=True)
        for name, criterion in config["criteria"].items():
            way = comparison.searched if "search" in criterion else comparison.greedy
            network = way(name, baseline, seed)
            accuracies[name].append(100 * accuracy(network, comparison.test, 500))
            damages[name].append(comparison.damage(network, baseline, seed))
            said = f"{seed:4} {name:12} {damages[name][-1]:10.4f} {accuracies[name][-1]:8.2f}"
            print(f"{said}  {' '.join(sorted(network.header.removed_blocks))}", flush=True)
    for name, values in accuracies.items():
        spread = f"{np.std(values, ddof=1):.2f}" if len(values) > 1 else "unknown"
        print(f"{name:12} KL before {np.mean(damages[name]):.4f}, test {np.mean(values):.2f} %, ")
        print(f"{'':12} standard deviation {spread}")
    if len(given.networks) > 1:
        shares = {name: np.array(values) / 100 for name, values in accuracies.items()}
        for (first, second), one in all_pairs(shares).items():
            mean, low, high = (100 * value for value in (one.mean, one.low, one.high))
            print(f"{first} - {second}: {mean:+.2f} [{low:+.2f}, {high:+.2f}]")


if __name__ == "__main__":
    main()
