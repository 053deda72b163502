"""Train an unpruned network from new weights, or from those that its architecture names."""

from layer_pruning.job import job

from layer_pruning.data.image_file import read_data
from layer_pruning.devices import select_device
from layer_pruning.energy.record import EnergySettings
from layer_pruning.models.network_file import NetworkHeader
from layer_pruning.models.weights import start_network
from layer_pruning.training.loop import derived_seed
from layer_pruning.training.recipe import Recipe
from layer_pruning.training.run import train_to_files

with job(snakemake.log[0], processes=snakemake.config["training"]["processes"]):
    params, name = dict(snakemake.params.items()), snakemake.wildcards.architecture
    data = read_data(snakemake.input.data)
    header = NetworkHeader.of(name, params["architecture"], **data.description())
    train_to_files(
        start_network(header, params["architecture"], derived_seed(params["seed"], "weights")),
        data,
        Recipe.of(params),
        seed=derived_seed(params["seed"], "baseline"),
        device=select_device(snakemake.config["device"], snakemake.config["threads"]),
        energy=EnergySettings.of(snakemake.config["energy"]),
        state_path=params["state"],
        outputs=dict(snakemake.output.items()),
        sync_batch_norm=snakemake.config["training"]["sync_batch_norm"],
    )
