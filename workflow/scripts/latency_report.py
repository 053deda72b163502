"""The time of a pruned network beside that of its baseline."""

from layer_pruning.runtime.script import job

from layer_pruning.evaluation.latency import latency_record
from layer_pruning.models.configured import networks_of
from layer_pruning.runtime.record_files import write_record_file

with job(snakemake.log[0]) as logger:
    params, config, names = snakemake.params, snakemake.config, snakemake.wildcards
    networks = networks_of(snakemake.input.networks, config, names.architecture)
    options = {key: params[key] for key in ("batch_sizes", "repeats", "modes")}
    latency = latency_record(*networks, **options)
    logger.info("other processes used %s cores", latency["load"]["other_cores_during"])
    write_record_file(snakemake.output[0], latency)
