"""How far a network relies on the cue that was planted on its training images."""

from layer_pruning.runtime.script import job

from layer_pruning.data.image_file import read_data
from layer_pruning.evaluation.shortcut import shortcut_record
from layer_pruning.models.configured import network_of
from layer_pruning.runtime.devices import device_of
from layer_pruning.runtime.record_files import write_record_file

with job(snakemake.log[0]) as logger:
    device, names = device_of(snakemake.config), snakemake.wildcards
    network = network_of(snakemake.input.network, snakemake.config, names.architecture, device)
    record = shortcut_record(network, read_data(snakemake.input.data), device)
    write_record_file(snakemake.output[0], record, indent=None)
    logger.info("shortcut reliance %.2f points", 100 * record["shortcut_reliance"])
