"""What each removal would save: counted, timed, and metered where a criterion asks for it."""

from layer_pruning.data.image_file import read_data
from layer_pruning.devices import select_device
from layer_pruning.energy.inference import energies_of_calls
from layer_pruning.energy.record import EnergySettings
from layer_pruning.evaluation.records import write_record
from layer_pruning.evaluation.savings import (
    block_runners,
    counted_savings,
    latencies,
    removable_blocks,
)
from layer_pruning.job import job
from layer_pruning.models.residual import load_network

with job(snakemake.log[0]):
    params, settings = snakemake.params, EnergySettings.of(snakemake.config["energy"])
    device = select_device(snakemake.config["device"], snakemake.config["threads"])
    network = load_network(snakemake.input.network, device)
    images = read_data(snakemake.input.data).part("train", slice(params.batch_size))[0]
    blocks = removable_blocks(network)
    savings = counted_savings(network, blocks)
    runners = block_runners(network, images, blocks)
    for name, seconds in latencies(runners, repeats=params.repeats, seed=0).items():
        savings[name]["latency"] = seconds
    if params.energy:
        for name, joules in energies_of_calls(runners, settings=settings, **params.energy).items():
            savings[name]["energy"] = joules
    units = {"macs": "an image", "latency": "seconds a batch", "energy": "joules a batch"}
    write_record(snakemake.output[0], {"units": units, "blocks": savings})
