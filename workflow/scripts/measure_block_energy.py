"""The energy that each removal would save, metered."""

from layer_pruning.runtime.script import job

import torch

from layer_pruning.data.image_file import read_data
from layer_pruning.energy.inference import energies_of_calls
from layer_pruning.energy.job_usage import usage_recorded
from layer_pruning.energy.record import EnergySettings
from layer_pruning.evaluation.savings import block_runners, energy_savings, removable_blocks
from layer_pruning.models.configured import network_of
from layer_pruning.runtime.devices import device_of
from layer_pruning.runtime.record_files import write_record_file

with job(snakemake.log[0]), usage_recorded(snakemake.output.usage):
    params, config, names = snakemake.params, snakemake.config, snakemake.wildcards
    device = device_of(config)
    network = network_of(snakemake.input.network, config, names.architecture, device)
    images = read_data(snakemake.input.data).part("train", slice(params.batch_size))[0]
    runs = block_runners(network, torch.from_numpy(images).to(device), removable_blocks(network))
    windows = {key: params[key] for key in ("repeats", "window_seconds")}
    settings = EnergySettings.of(config["energy"])
    joules = energies_of_calls(runs, settings=settings, seed=0, **windows)
    write_record_file(snakemake.output[0], energy_savings(joules))
