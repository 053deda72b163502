"""Features of a network on the probe set: intact, and with each candidate block bypassed."""

from layer_pruning.script import job

from layer_pruning.activations.sweep import extract_activations
from layer_pruning.data.image_file import read_data
from layer_pruning.data.splits import probe_set
from layer_pruning.devices import select_device
from layer_pruning.energy.job_usage import usage_recorded
from layer_pruning.models.candidates import candidates
from layer_pruning.models.residual import load_network
from layer_pruning.training.scratch import forget_training

with job(snakemake.log[0]), usage_recorded(snakemake.output.usage):
    params = snakemake.params
    data = read_data(snakemake.input.data)
    labels = data.labels_of("train")
    probe = probe_set(labels, images_per_class=params.images_per_class, seed=params.seed)
    device = select_device(snakemake.config["device"], snakemake.config["threads"])
    kind = snakemake.config["architectures"][snakemake.wildcards.architecture]
    network = load_network(snakemake.input.network, device, build=kind.get("build"))
    blocks = candidates(
        network.header.blocks,
        network.header.removed_blocks,
        min_blocks_per_stage=params.min_blocks_per_stage,
        protect=params.protect,
    )
    extract_activations(
        snakemake.output[0],
        network,
        # a chunk at a time: as floats, all images would take four times their memory
        lambda chosen: data.part("train", chosen)[0],
        labels[probe],
        probe,
        blocks,
    )
    forget_training(snakemake.input.network)
