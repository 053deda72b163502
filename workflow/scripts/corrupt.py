"""Accuracy of a network on corrupted test images and on test sets that were collected anew."""

from layer_pruning.runtime.script import job

from layer_pruning.attacks.shift import BuiltIn, shift_record
from layer_pruning.attacks.shift_result import join_files, write_shift
from layer_pruning.data.image_file import read_data
from layer_pruning.data.shifted import open_corrupted, read_shifted
from layer_pruning.data.splits import fixed_subset
from layer_pruning.models.configured import network_of

files, params, config = snakemake.input, snakemake.params, snakemake.config
with job(snakemake.log[0]) as logger:
    if shards := files.get("shards"):
        join_files(snakemake.output[0], shards)
    else:
        data = read_data(files.data)
        official = open_corrupted(params.folder, params.corruptions, data)
        source = official or BuiltIn.of(data, params.seed)
        network = network_of(files.network, config, snakemake.wildcards.architecture)
        options = {key: params.get(key) for key in ("corruptions", "severities", "shard")}
        options |= {"batch_size": config["attacked_images"]["batch_size"], "progress": logger.info}
        options["shifted"] = {name: read_shifted(path) for name, path in params.shifted.items()}
        chosen = fixed_subset(source.images, params.images, params.seed)
        write_shift(snakemake.output[0], shift_record(network, source, chosen=chosen, **options))
