"""What each removal would save: counted, timed, and metered where a criterion asks for it."""

import torch

from layer_pruning.data.image_file import read_data
from layer_pruning.devices import select_device
from layer_pruning.energy.inference import energies_of_calls
from layer_pruning.energy.record import EnergySettings
from layer_pruning.evaluation import savings
from layer_pruning.evaluation.records import write_record
from layer_pruning.job import job
from layer_pruning.models.residual import load_network

with job(snakemake.log[0]):
    params, settings = snakemake.params, EnergySettings.of(snakemake.config["energy"])
    device = select_device(snakemake.config["device"], snakemake.config["threads"])
    network = load_network(snakemake.input.network, device)
    images = read_data(snakemake.input.data).part("train")[0][: params.batch_size]
    names = savings.removable_blocks(network)
    blocks = savings.counted_savings(network, names)
    runs = savings.block_runners(network, torch.from_numpy(images).to(device), names)
    for name, seconds in savings.latencies(runs, repeats=params.repeats, seed=0).items():
        blocks[name]["latency"] = seconds
    if params.energy:
        for name, joules in energies_of_calls(runs, settings=settings, **params.energy).items():
            blocks[name]["energy"] = joules
    units = {"macs": "an image", "latency": "seconds a batch", "energy": "joules a batch"}
    write_record(snakemake.output[0], {"units": units, "blocks": blocks})
