"""What each removal would save, counted (multiply-accumulates, parameters) and timed."""

from layer_pruning.script import job

import torch

from layer_pruning.data.image_file import read_data
from layer_pruning.devices import select_device
from layer_pruning.energy.job_usage import usage_recorded
from layer_pruning.evaluation import savings
from layer_pruning.models.residual import load_network
from layer_pruning.record_files import write_record_file

with job(snakemake.log[0]), usage_recorded(snakemake.output.usage):
    params = snakemake.params
    device = select_device(snakemake.config["device"], snakemake.config["threads"])
    kind = snakemake.config["architectures"][snakemake.wildcards.architecture]
    network = load_network(snakemake.input.network, device, build=kind.get("build"))
    images = read_data(snakemake.input.data).part("train", slice(params.batch_size))[0]
    runs = savings.part_runners(network, torch.from_numpy(images).to(device))
    seconds = savings.latencies(runs, repeats=params.repeats, seed=0)
    blocks = savings.counted_savings(network, savings.removable_blocks(network))
    for name, saved in blocks.items():
        saved["latency"] = seconds[name]
    units = {"macs": "an image", "latency": "seconds a batch"}
    whole = {"latency": sum(seconds.values())}
    write_record_file(snakemake.output[0], {"units": units, "network": whole, "blocks": blocks})
