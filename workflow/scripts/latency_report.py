"""The time of a pruned network beside that of its baseline."""

from layer_pruning.script import job

from layer_pruning.devices import select_device
from layer_pruning.evaluation.latency import latency_record
from layer_pruning.models.residual import load_network
from layer_pruning.record_files import write_record_file

with job(snakemake.log[0]) as logger:
    params = snakemake.params
    device = select_device(snakemake.config["device"], snakemake.config["threads"])
    kind = snakemake.config["architectures"][snakemake.wildcards.architecture]
    pair = snakemake.input.networks
    networks = [load_network(path, device, build=kind.get("build")) for path in pair]
    options = {key: params[key] for key in ("batch_sizes", "repeats", "modes")}
    latency = latency_record(*networks, **options)
    logger.info("other processes used %s cores", latency["load"]["other_cores_during"])
    write_record_file(snakemake.output[0], latency)
