"""Train an unpruned network from new weights, or from those that its architecture names."""

from layer_pruning.runtime.script import job

from layer_pruning.data.image_file import read_data
from layer_pruning.models.header import NetworkHeader
from layer_pruning.models.weights import start_network
from layer_pruning.training.loop import derived_seed
from layer_pruning.training.run import train_as_configured

with job(snakemake.log[0], processes=snakemake.config["training"]["processes"]):
    params, name = dict(snakemake.params.items()), snakemake.wildcards.architecture
    data = read_data(snakemake.input.data)
    header = NetworkHeader.of(name, params["architecture"], **data.description())
    train_as_configured(
        start_network(header, params["architecture"], derived_seed(params["seed"], "weights")),
        data,
        params,
        snakemake.config,
        seed=derived_seed(params["seed"], "baseline"),
        outputs=dict(snakemake.output.items()),
    )
