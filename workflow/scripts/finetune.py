"""Fine-tune a network: after a removal, in the last phase, or an unpruned one beside those."""

from layer_pruning.job import job

from functools import partial

from layer_pruning.data.image_file import read_data
from layer_pruning.devices import select_device
from layer_pruning.energy.record import EnergySettings
from layer_pruning.models.residual import load_network
from layer_pruning.training.loop import derived_seed
from layer_pruning.training.recipe import Recipe
from layer_pruning.training.run import train_to_files

with job(snakemake.log[0], processes=snakemake.config["training"]["processes"]):
    params, files = dict(snakemake.params.items()), snakemake.input
    names = snakemake.wildcards
    kind = snakemake.config["architectures"][names.architecture]
    load = partial(load_network, build=kind.get("build"))
    # the last phase, and the baseline trained for longer, draw images in an order of their own
    phase = next((way for way in ("final", "continued") if names.get(way)), "removal")
    train_to_files(
        load(files.network),
        read_data(files.data),
        Recipe.of(params),
        seed=derived_seed(params["seed"], phase, names.step),
        device=select_device(snakemake.config["device"], snakemake.config["threads"]),
        energy=EnergySettings.of(snakemake.config["energy"]),
        state_path=params["state"],
        outputs=dict(snakemake.output.items()),
        sync_batch_norm=snakemake.config["training"]["sync_batch_norm"],
        teacher=load(files.teacher) if files.teacher else None,
    )
