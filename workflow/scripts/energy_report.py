"""The energy of an image of a pruned network, beside that of its baseline."""

from layer_pruning.script import job

import torch

from layer_pruning.data.image_file import read_data
from layer_pruning.energy.inference import inference_energy
from layer_pruning.energy.record import EnergySettings
from layer_pruning.evaluation.machine_load import LoadWatch
from layer_pruning.evaluation.throughput import batch_runner
from layer_pruning.job_settings import device_of, network_of
from layer_pruning.record_files import write_record_file

with job(snakemake.log[0]):
    files, params, config = snakemake.input, snakemake.params, snakemake.config
    device, kind = device_of(config), snakemake.wildcards.architecture
    images = read_data(files.data).part("validation", slice(params.batch_size))[0]
    batch, settings = torch.from_numpy(images).to(device), EnergySettings.of(config["energy"])
    runs = [batch_runner(network_of(file, config, kind, device), batch) for file in files.networks]
    options = {"images": len(images), "batch_size": len(images), "settings": settings, "seed": 0}
    options |= {key: params[key] for key in ("repeats", "window_seconds")}
    watch = LoadWatch()
    record = {"inference": inference_energy(*runs, **options)}
    write_record_file(snakemake.output[0], record | {"load": watch.record()})
