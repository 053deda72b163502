"""Accuracy of a network on corrupted test images, and on test sets that were collected anew."""

from layer_pruning.script import job

from functools import partial

from layer_pruning.attacks.shift import BuiltIn, shift_record
from layer_pruning.data.image_file import read_data
from layer_pruning.data.shifted import open_corrupted, read_shifted
from layer_pruning.data.splits import fixed_subset
from layer_pruning.devices import select_device
from layer_pruning.models.residual import load_network
from layer_pruning.record_files import write_record_file

with job(snakemake.log[0]) as logger:
    params = snakemake.params
    data = read_data(snakemake.input.data)
    source = BuiltIn(len(data.labels_of("test")), partial(data.part, "test"), params.seed)
    if params.folder:
        source = open_corrupted(params.folder, params.corruptions, data)
    device = select_device(snakemake.config["device"], snakemake.config["threads"])
    kind = snakemake.config["architectures"][snakemake.wildcards.architecture]
    network = load_network(snakemake.input.network, device, build=kind.get("build"))
    options = {key: params[key] for key in ("corruptions", "severities")}
    options["batch_size"] = snakemake.config["attacked_images"]["batch_size"]
    options["chosen"] = fixed_subset(source.images, params.images, params.seed)
    options["shifted"] = {name: read_shifted(path) for name, path in params.shifted.items()}
    record = shift_record(network, source, progress=logger.info, **options)
    write_record_file(snakemake.output[0], record, indent=None)
