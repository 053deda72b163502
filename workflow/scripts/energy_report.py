"""Energy of making a pruned network, and of running it beside its baseline; its latency."""

from layer_pruning.job import job

import torch

from layer_pruning.atomic import write_json
from layer_pruning.data.image_file import read_data
from layer_pruning.devices import select_device
from layer_pruning.energy.account import energy_account
from layer_pruning.energy.inference import inference_energy
from layer_pruning.energy.record import EnergySettings, read_record
from layer_pruning.evaluation.latency import latency_record
from layer_pruning.evaluation.machine_load import LoadWatch
from layer_pruning.evaluation.throughput import batch_runner
from layer_pruning.models.residual import load_network

with job(snakemake.log[0]) as logger:
    settings, files = snakemake.config["energy"], snakemake.input
    device = select_device(snakemake.config["device"], snakemake.config["threads"])
    kind = snakemake.config["architectures"][snakemake.wildcards.architecture]
    pair = (files.baseline, files.network)
    networks = [load_network(path, device, build=kind.get("build")) for path in pair]
    latency = latency_record(*networks, **snakemake.config["latency"])
    logger.info("other processes used %s cores", latency["load"]["other_cores_during"])
    write_json(snakemake.output.latency, latency)
    images = read_data(files.data).part("validation", slice(settings["batch_size"]))[0]
    batch = torch.from_numpy(images).to(device)
    runs = [batch_runner(network, batch) for network in networks]
    energy, count = EnergySettings.of(settings), len(images)
    options = {key: settings[key] for key in ("repeats", "window_seconds")} | {"seed": 0}
    watch = LoadWatch()
    inference = inference_energy(*runs, images=count, batch_size=count, settings=energy, **options)
    records = [read_record(path) for path in files.finetuning]
    account = energy_account(read_record(files.training), records, inference, energy)
    write_json(snakemake.output.energy, account | {"load": watch.record()})
