"""One training job of two processes, for tests that start it and kill one of them."""

import dataclasses
import json
import os
import signal
import sys
from pathlib import Path

from layer_pruning.runtime.job import job
from layer_pruning.runtime.processes import place

# isort: split
import torch
from killed_training import RECIPE, outputs

from layer_pruning.data.digits import load_digits
from layer_pruning.data.image_file import ImageData
from layer_pruning.data.splits import completed_split
from layer_pruning.energy.record import EnergySettings
from layer_pruning.training import run as training_run
from layer_pruning.training.scratch import STATE
from small_networks import random_network

BATCH, EPOCHS = 21, 3


def small_digits() -> ImageData:
    """The first of them."""
    data = load_digits()
    kept = slice(0, 400)
    split = completed_split(
        data.labels[kept], data.split[kept], validation_fraction=0.2, test_fraction=0.2, seed=0
    )
    return type(data)(data.images[kept], data.labels[kept], split, data.class_names, data.levels)


def kill_at_the_end_of(epoch: int) -> None:
    """Have the second process end without a word, as if for want of memory."""
    original = training_run.train

    def train(*arguments, **options):
        def on_epoch(done: int) -> None:
            options_of_run(done)
            if done == epoch and (here := place()) is not None and here.rank == 1:
                os.kill(os.getpid(), signal.SIGKILL)

        options_of_run = options["on_epoch"]
        return original(*arguments, **options | {"on_epoch": on_epoch})

    training_run.train = train


def train_in(folder: Path, settings: dict) -> None:
    """Train to files in ``folder``, going on from the state there."""
    torch.set_num_threads(1)
    own = {"epochs": EPOCHS, "batch_size": BATCH, "flip": True, "keep": "last"}
    training_run.train_to_files(
        random_network("narrow", depth=8, widths=(2, 2, 3)),
        small_digits(),
        dataclasses.replace(RECIPE, **own | settings.get("recipe", {})),
        seed=7,
        device=torch.device("cpu"),
        energy=EnergySettings(carbon_intensity_g_per_kwh=100),
        state_path=folder / STATE,
        outputs=outputs(folder),
        sync_batch_norm=settings.get("sync_batch_norm", True),
    )


if __name__ == "__main__":
    FOLDER, SETTINGS = Path(sys.argv[1]), json.loads(sys.argv[2])
    with job(FOLDER / "training.log", processes=2):
        if "kill" in SETTINGS:
            kill_at_the_end_of(SETTINGS["kill"])
        train_in(FOLDER, SETTINGS)
