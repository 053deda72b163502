"""What each removal would save, counted (multiply-accumulates, parameters) and timed."""

from layer_pruning.runtime.script import job

import torch

from layer_pruning.data.image_file import read_data
from layer_pruning.energy.job_usage import usage_recorded
from layer_pruning.evaluation.savings import latency_savings
from layer_pruning.models.configured import network_of
from layer_pruning.runtime.devices import device_of
from layer_pruning.runtime.record_files import write_record_file

with job(snakemake.log[0]), usage_recorded(snakemake.output.usage):
    params, config, names = snakemake.params, snakemake.config, snakemake.wildcards
    device = device_of(config)
    network = network_of(snakemake.input.network, config, names.architecture, device)
    images = read_data(snakemake.input.data).part("train", slice(params.batch_size))[0]
    batch = torch.from_numpy(images).to(device)
    write_record_file(snakemake.output[0], latency_savings(network, batch, repeats=params.repeats))
