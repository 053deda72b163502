"""One training job: from a network and a data set to files."""

import hashlib
import os
from collections.abc import Mapping
from typing import Any

import torch

from layer_pruning.data.image_file import ImageData
from layer_pruning.data.loading import split_on
from layer_pruning.data.manifest import ImageManifest
from layer_pruning.energy.measurement import measured
from layer_pruning.energy.parts import Parts, side_by_side
from layer_pruning.energy.record import EmissionsRecord, EnergySettings, write_record
from layer_pruning.models import REVISION as MODELS_REVISION
from layer_pruning.models.residual import ResidualNetwork, save_network
from layer_pruning.runtime.devices import select_device
from layer_pruning.runtime.machine import machine
from layer_pruning.training import REVISION
from layer_pruning.training.history import write_history
from layer_pruning.training.loop import train
from layer_pruning.training.ranks import joined_ranks
from layer_pruning.training.recipe import Recipe
from layer_pruning.training.scratch import account_of

PathLike = str | os.PathLike[str]


def train_to_files(
    network: ResidualNetwork,
    data: ImageData | ImageManifest,
    recipe: Recipe,
    *,
    seed: int,
    device: torch.device,
    energy: EnergySettings,
    state_path: PathLike,
    outputs: Mapping[str, PathLike],
    teacher: ResidualNetwork | None = None,
    sync_batch_norm: bool = True,
) -> None:
    """Train ``network`` on the training split and write what came of it.

    ``outputs`` names the paths of ``network``, ``history`` and ``emissions``; ``teacher`` is the
    network to distil from, where the recipe asks for that. The state at ``state_path`` stays: a
    later job deletes it (:mod:`layer_pruning.training.scratch`), and until then a training that is
    done again only writes its outputs. In a job of several processes
    (:mod:`layer_pruning.runtime.processes`) all of them call this; the first one writes. Raises as
    :func:`layer_pruning.training.loop.train`.
    """
    network.to(device)
    context = context_of(network, data)
    # beside the state: the energy of the epochs that are done
    parts = Parts(account_of(state_path), run=f"{context} {recipe} {seed}", settings=energy)
    with joined_ranks(device) as ranks:
        with measured(energy) as measurement:

            def used() -> EmissionsRecord:
                records = ranks.gathered((ranks.local_rank, measurement.so_far()))
                return side_by_side(records)

            def remember(epoch: int) -> None:
                record = used()
                if ranks.first:
                    parts.remember(epoch, record)

            history, _ = train(
                network,
                split_on(data, "train", device),
                split_on(data, "validation", device),
                recipe,
                seed=seed,
                state_path=state_path,
                teacher=teacher.to(device) if teacher is not None else None,
                context=context,
                on_resume=parts.resume,
                on_epoch=remember,
                ranks=ranks,
                sync_batch_norm=sync_batch_norm,
            )
        record = used()
        if ranks.first:
            save_network(network, outputs["network"])
            write_history(outputs["history"], history)
            write_record(outputs["emissions"], parts.total(record), machine())


def train_as_configured(
    network: ResidualNetwork,
    data: ImageData | ImageManifest,
    params: Mapping[str, Any],
    config: Mapping[str, Any],
    *,
    seed: int,
    outputs: Mapping[str, PathLike],
    teacher: ResidualNetwork | None = None,
) -> None:
    """:func:`train_to_files` with what a job is told.

    Its ``params`` hold the recipe and the path of its state; device and meter are those of the
    configuration.
    """
    train_to_files(
        network,
        data,
        Recipe.of(params),
        seed=seed,
        device=select_device(config["device"], config["threads"]),
        energy=EnergySettings.of(config["energy"]),
        state_path=params["state"],
        outputs=outputs,
        sync_batch_norm=config["training"]["sync_batch_norm"],
        teacher=teacher,
    )


def context_of(network: ResidualNetwork, data: ImageData | ImageManifest) -> str:
    """A digest of what a run depends on beside its recipe and weights.

    That is its data, its normalisation, and the revisions of what builds and trains networks.
    """
    told = repr((MODELS_REVISION, REVISION, network.header, data.digest()))
    return hashlib.sha256(told.encode()).hexdigest()
