"""The energy of an image of a pruned network, beside that of its baseline."""

from layer_pruning.runtime.script import job

import torch

from layer_pruning.data.image_file import read_data
from layer_pruning.energy.inference import inference_energy
from layer_pruning.energy.record import EnergySettings
from layer_pruning.evaluation.machine_load import LoadWatch
from layer_pruning.evaluation.throughput import batch_runner
from layer_pruning.models.configured import networks_of
from layer_pruning.runtime.record_files import write_record_file

with job(snakemake.log[0]):
    files, params, config = snakemake.input, snakemake.params, snakemake.config
    networks = networks_of(files.networks, config, snakemake.wildcards.architecture)
    images = read_data(files.data).part("validation", slice(params.batch_size))[0]
    batch = torch.from_numpy(images).to(networks[0].mean.device)
    runs = [batch_runner(network, batch) for network in networks]
    options = {key: params[key] for key in ("repeats", "window_seconds")}
    options |= {"images": len(images), "batch_size": len(images), "seed": 0}
    settings, watch = EnergySettings.of(config["energy"]), LoadWatch()
    record = {"inference": inference_energy(*runs, settings=settings, **options)}
    write_record_file(snakemake.output[0], record | {"load": watch.record()})
