"""Fine-tune a network: after a removal, in the last phase, or an unpruned one beside those."""

from layer_pruning.runtime.script import job

from layer_pruning.data.image_file import read_data
from layer_pruning.models.configured import network_of
from layer_pruning.training.loop import derived_seed
from layer_pruning.training.run import train_as_configured

with job(snakemake.log[0], processes=snakemake.config["training"]["processes"]):
    params, config, files = dict(snakemake.params.items()), snakemake.config, snakemake.input
    names, kind = snakemake.wildcards, snakemake.wildcards.architecture
    # the last phase, and the baseline trained for longer, draw images in an order of their own
    phase = next((way for way in ("final", "continued") if names.get(way)), "removal")
    train_as_configured(
        network_of(files.network, config, kind, "cpu"),
        read_data(files.data),
        params,
        config,
        seed=derived_seed(params["seed"], phase, names.step),
        outputs=dict(snakemake.output.items()),
        teacher=network_of(files.teacher, config, kind, "cpu") if files.teacher else None,
    )
