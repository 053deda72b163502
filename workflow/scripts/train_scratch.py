"""Train the architecture that a criterion arrived at from new weights."""

from layer_pruning.job import job

from functools import partial

from layer_pruning.data.image_file import read_data
from layer_pruning.devices import select_device
from layer_pruning.energy.record import EnergySettings
from layer_pruning.models.network_file import named_by_caller, read_header
from layer_pruning.models.residual import load_network, new_network
from layer_pruning.training.loop import derived_seed
from layer_pruning.training.recipe import Recipe
from layer_pruning.training.run import train_to_files

with job(snakemake.log[0], processes=snakemake.config["training"]["processes"]):
    params, name = dict(snakemake.params.items()), snakemake.wildcards.scratch
    kind = snakemake.config["architectures"][snakemake.wildcards.architecture]
    load, teacher = partial(load_network, build=kind.get("build")), snakemake.input.teacher
    header = named_by_caller(read_header(snakemake.input.model), kind.get("build"))
    train_to_files(
        new_network(header, derived_seed(params["seed"], name, "weights")),
        read_data(snakemake.input.data),
        Recipe.of(params),
        seed=derived_seed(params["seed"], name),
        device=select_device(snakemake.config["device"], snakemake.config["threads"]),
        energy=EnergySettings.of(snakemake.config["energy"]),
        state_path=params["state"],
        outputs=dict(snakemake.output.items()),
        sync_batch_norm=snakemake.config["training"]["sync_batch_norm"],
        teacher=load(teacher) if teacher else None,
    )
