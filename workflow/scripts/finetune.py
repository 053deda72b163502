"""Fine-tune a network: after a removal, in the last phase, or an unpruned one beside those."""

from layer_pruning.job import job

from layer_pruning.data.image_file import read_data
from layer_pruning.devices import select_device
from layer_pruning.energy.record import EnergySettings
from layer_pruning.models.residual import load_network
from layer_pruning.training.loop import derived_seed
from layer_pruning.training.recipe import Recipe
from layer_pruning.training.run import train_to_files

with job(snakemake.log[0]):
    params, names = dict(snakemake.params.items()), snakemake.wildcards
    # the last phase, and the baseline trained for longer, draw images in an order of their own
    phase = next((way for way in ("final", "continued") if names.get(way)), "removal")
    train_to_files(
        load_network(snakemake.input.network),
        read_data(snakemake.input.data),
        Recipe.of(params),
        seed=derived_seed(params["seed"], phase, names.step),
        device=select_device(snakemake.config["device"], snakemake.config["threads"]),
        energy=EnergySettings.of(snakemake.config["energy"]),
        state_path=params["state"],
        outputs=dict(snakemake.output.items()),
        teacher=load_network(snakemake.input.teacher) if snakemake.input.teacher else None,
    )
