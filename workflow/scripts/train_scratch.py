"""Train the architecture that a criterion arrived at from new weights."""

from layer_pruning.runtime.script import job

from layer_pruning.data.image_file import read_data
from layer_pruning.models.configured import header_of, network_of
from layer_pruning.models.residual import new_network
from layer_pruning.training.loop import derived_seed
from layer_pruning.training.run import train_as_configured

with job(snakemake.log[0], processes=snakemake.config["training"]["processes"]):
    params, config, files = dict(snakemake.params.items()), snakemake.config, snakemake.input
    name, kind = snakemake.wildcards.scratch, snakemake.wildcards.architecture
    header = header_of(files.model, config, kind)
    train_as_configured(
        new_network(header, derived_seed(params["seed"], name, "weights")),
        read_data(files.data),
        params,
        config,
        seed=derived_seed(params["seed"], name),
        outputs=dict(snakemake.output.items()),
        teacher=network_of(files.teacher, config, kind, "cpu") if files.teacher else None,
    )
