"""One training job on the smallest network, for processes that are killed."""

import sys
from pathlib import Path

import torch

from layer_pruning.data.digits import load_digits
from layer_pruning.data.splits import completed_split
from layer_pruning.energy.record import EnergySettings
from layer_pruning.training.recipe import Recipe
from layer_pruning.training.run import train_to_files
from layer_pruning.training.scratch import STATE
from small_networks import random_network

RECIPE = Recipe(
    epochs=30,
    batch_size=64,
    learning_rate=0.05,
    schedule="one_cycle",
    momentum=0.9,
    weight_decay=5e-4,
    label_smoothing=0.1,
    shift_pixels=1,
    flip=False,
    keep="best_validation",
    cutout_pixels=2,
    ema_decay=0.9,
)


def outputs(folder: Path) -> dict[str, Path]:
    names = {"network": "network.safetensors", "history": "history.csv", "emissions": "e.json"}
    return {key: folder / name for key, name in names.items()}


def run(folder: str, recipe: Recipe = RECIPE) -> None:
    """Train to files in ``folder``, going on from the state there."""
    torch.set_num_threads(1)
    data = load_digits()
    kept = slice(0, 300)
    split = completed_split(
        data.labels[kept], data.split[kept], validation_fraction=0.2, test_fraction=0.2, seed=0
    )
    small = type(data)(data.images[kept], data.labels[kept], split, data.class_names, data.levels)
    train_to_files(
        random_network("narrow", depth=8, widths=(2, 2, 3)),
        small,
        recipe,
        seed=7,
        device=torch.device("cpu"),
        energy=EnergySettings(carbon_intensity_g_per_kwh=100),
        state_path=Path(folder, STATE),
        outputs=outputs(Path(folder)),
    )


if __name__ == "__main__":
    run(sys.argv[1])
