"""Features of a network on the probe set: intact, and with each candidate block bypassed."""

from layer_pruning.script import job

from layer_pruning.activations.sweep import extract_activations
from layer_pruning.data.image_file import read_data
from layer_pruning.data.splits import probe_set
from layer_pruning.energy.job_usage import usage_recorded
from layer_pruning.job_settings import device_of, network_of
from layer_pruning.models.candidates import Limits
from layer_pruning.training.scratch import forget_training

with job(snakemake.log[0]), usage_recorded(snakemake.output.usage):
    params, config, names = snakemake.params, snakemake.config, snakemake.wildcards
    data = read_data(snakemake.input.data)
    labels = data.labels_of("train")
    probe = probe_set(labels, images_per_class=params.images_per_class, seed=params.seed)
    device = device_of(config)
    network = network_of(snakemake.input.network, config, names.architecture, device)
    blocks = network.header.candidates(Limits.of(params))
    # a chunk at a time: as floats, all images would take four times their memory
    given = (lambda chosen: data.part("train", chosen)[0], labels[probe], probe, blocks)
    extract_activations(snakemake.output[0], network, *given)
    forget_training(snakemake.input.network)
