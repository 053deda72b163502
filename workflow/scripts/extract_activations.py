"""Features of a network on the probe set: intact, and with each candidate block bypassed."""

from layer_pruning.runtime.script import job

from layer_pruning.activations.sweep import extract_activations, join_activations
from layer_pruning.data.image_file import read_data
from layer_pruning.data.splits import probe_set
from layer_pruning.energy.job_usage import usage_recorded
from layer_pruning.models.candidates import Limits
from layer_pruning.models.configured import network_of
from layer_pruning.training.scratch import forget_training

files, params, config = snakemake.input, snakemake.params, snakemake.config
with job(snakemake.log[0]), usage_recorded(snakemake.output.usage, files.get("usages", ())):
    if shards := files.get("shards"):
        join_activations(snakemake.output[0], shards)
    else:
        labels = (data := read_data(files.data)).labels_of("train")
        probe = probe_set(labels, images_per_class=params.images_per_class, seed=params.seed)
        network = network_of(files.network, config, snakemake.wildcards.architecture)
        blocks = network.header.candidates(Limits.of(params))
        given = (lambda chosen: data.part("train", chosen)[0], labels[probe], probe, blocks)
        extract_activations(snakemake.output[0], network, *given, shard=params.get("shard"))
    forget_training(files.network)
