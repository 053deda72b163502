"""The energy of an image of a pruned network, beside that of its baseline."""

from layer_pruning.script import job

import torch

from layer_pruning.data.image_file import read_data
from layer_pruning.devices import select_device
from layer_pruning.energy.inference import inference_energy
from layer_pruning.energy.record import EnergySettings
from layer_pruning.evaluation.machine_load import LoadWatch
from layer_pruning.evaluation.throughput import batch_runner
from layer_pruning.models.residual import load_network
from layer_pruning.record_files import write_record_file

with job(snakemake.log[0]):
    files, params, config = snakemake.input, snakemake.params, snakemake.config
    device = select_device(config["device"], config["threads"])
    build = config["architectures"][snakemake.wildcards.architecture].get("build")
    images = read_data(files.data).part("validation", slice(params.batch_size))[0]
    batch, settings = torch.from_numpy(images).to(device), EnergySettings.of(config["energy"])
    runs = [batch_runner(load_network(file, device, build=build), batch) for file in files.networks]
    options = {key: params[key] for key in ("repeats", "window_seconds")} | {"seed": 0}
    options |= {"images": len(images), "batch_size": len(images), "settings": settings}
    watch = LoadWatch()
    record = inference_energy(*runs, **options)
    write_record_file(snakemake.output[0], {"inference": record, "load": watch.record()})
