"""What a network says on a part of the validation and test images."""

from layer_pruning.runtime.script import job

from layer_pruning.data.image_file import read_data
from layer_pruning.evaluation.accuracy import outputs_of_splits, write_outputs
from layer_pruning.models.configured import network_of
from layer_pruning.runtime.devices import device_of

with job(snakemake.log[0]):
    config, device = snakemake.config, device_of(snakemake.config)
    architecture = snakemake.wildcards.architecture
    network = network_of(snakemake.input.network, config, architecture, device)
    data, shard = read_data(snakemake.input.data), snakemake.params.shard
    write_outputs(snakemake.output[0], outputs_of_splits(network, data, device, shard))
