"""Energy of making a pruned network, and of running it beside its baseline."""

from layer_pruning.data.image_file import read_data
from layer_pruning.devices import select_device
from layer_pruning.energy.account import energy_account, write_account
from layer_pruning.energy.inference import inference_energy
from layer_pruning.energy.record import EnergySettings, read_record
from layer_pruning.evaluation.throughput import batch_runner
from layer_pruning.job import job
from layer_pruning.models.residual import load_network

with job(snakemake.log[0]):
    settings = snakemake.config["energy"]
    images = read_data(snakemake.input.data).part("test")[0]
    device = select_device(snakemake.config["device"], snakemake.config["threads"])
    energy, size = EnergySettings.of(settings), min(settings["batch_size"], len(images))
    runners = [
        batch_runner(load_network(path, device), images[:size])
        for path in (snakemake.input.baseline, snakemake.input.network)
    ]
    options = {key: settings[key] for key in ("repeats", "window_seconds")}
    inference = inference_energy(
        *runners, images=size, batch_size=size, settings=energy, seed=0, **options
    )
    records = [read_record(path) for path in snakemake.input.finetuning]
    account = energy_account(read_record(snakemake.input.training), records, inference, energy)
    write_account(snakemake.output[0], account)
