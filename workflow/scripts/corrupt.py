"""Accuracy of a network on corrupted test images, and on test sets that were collected anew."""

from layer_pruning.runtime.script import job

from functools import partial

from layer_pruning.attacks.shift import BuiltIn, shift_record
from layer_pruning.data.image_file import read_data
from layer_pruning.data.shifted import open_corrupted, read_shifted
from layer_pruning.data.splits import fixed_subset
from layer_pruning.models.configured import network_of
from layer_pruning.runtime.record_files import write_record_file

with job(snakemake.log[0]) as logger:
    params, config, names = snakemake.params, snakemake.config, snakemake.wildcards
    data = read_data(snakemake.input.data)
    own = BuiltIn(len(data.labels_of("test")), partial(data.part, "test"), params.seed)
    source = open_corrupted(params.folder, params.corruptions, data) if params.folder else own
    network = network_of(snakemake.input.network, config, names.architecture)
    options = {key: params[key] for key in ("corruptions", "severities")}
    options |= {"batch_size": config["attacked_images"]["batch_size"], "progress": logger.info}
    options["shifted"] = {name: read_shifted(path) for name, path in params.shifted.items()}
    chosen = fixed_subset(source.images, params.images, params.seed)
    record = shift_record(network, source, chosen=chosen, **options)
    write_record_file(snakemake.output[0], record, indent=None)
