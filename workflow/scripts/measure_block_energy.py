"""The energy that each removal would save, metered."""

from layer_pruning.script import job

import torch

from layer_pruning.data.image_file import read_data
from layer_pruning.devices import select_device
from layer_pruning.energy.inference import energies_of_calls
from layer_pruning.energy.job_usage import usage_recorded
from layer_pruning.energy.record import EnergySettings
from layer_pruning.evaluation import savings
from layer_pruning.models.residual import load_network
from layer_pruning.record_files import write_record_file

with job(snakemake.log[0]), usage_recorded(snakemake.output.usage):
    params, settings = snakemake.params, EnergySettings.of(snakemake.config["energy"])
    device = select_device(snakemake.config["device"], snakemake.config["threads"])
    kind = snakemake.config["architectures"][snakemake.wildcards.architecture]
    network = load_network(snakemake.input.network, device, build=kind.get("build"))
    images = read_data(snakemake.input.data).part("train", slice(params.batch_size))[0]
    batch, names = torch.from_numpy(images).to(device), savings.removable_blocks(network)
    runs = savings.block_runners(network, batch, names)
    windows = {key: params[key] for key in ("repeats", "window_seconds")}
    joules = energies_of_calls(runs, settings=settings, seed=0, **windows)
    blocks = {name: {"energy": value} for name, value in joules.items()}
    write_record_file(
        snakemake.output[0], {"units": {"energy": "joules a batch"}, "blocks": blocks}
    )
