"""Accuracy of a network on validation and test, its multiply-accumulates and its parameters."""

from layer_pruning.job import job

from layer_pruning.data.image_file import read_data
from layer_pruning.devices import select_device
from layer_pruning.evaluation.accuracy import accuracy_of_splits
from layer_pruning.evaluation.complexity import complexity_record
from layer_pruning.evaluation.records import write_record
from layer_pruning.models.residual import load_network

with job(snakemake.log[0]) as logger:
    device = select_device(snakemake.config["device"], snakemake.config["threads"])
    network = load_network(snakemake.input.network, device)
    accuracy = accuracy_of_splits(network, read_data(snakemake.input.data), device)
    write_record(snakemake.output.accuracy, accuracy)
    write_record(snakemake.output.complexity, complexity_record(network))
    for split, record in accuracy["splits"].items():
        logger.info("%s accuracy %.2f %%", split, 100 * record["accuracy"])
