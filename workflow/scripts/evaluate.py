"""Accuracy and calibration on validation and test, multiply-accumulates and parameters."""

from layer_pruning.script import job

from layer_pruning.data.image_file import read_data
from layer_pruning.devices import select_device
from layer_pruning.evaluation.accuracy import accuracy_record, outputs_of_splits
from layer_pruning.evaluation.calibration import calibration_record
from layer_pruning.evaluation.complexity import complexity_record
from layer_pruning.models.residual import load_network
from layer_pruning.record_files import write_record_file
from layer_pruning.training.scratch import forget_training

with job(snakemake.log[0]) as logger:
    device = select_device(snakemake.config["device"], snakemake.config["threads"])
    kind = snakemake.config["architectures"][snakemake.wildcards.architecture]
    network = load_network(snakemake.input.network, device, build=kind.get("build"))
    outputs = outputs_of_splits(network, read_data(snakemake.input.data), device)
    accuracy = accuracy_record(outputs)
    write_record_file(snakemake.output.accuracy, accuracy)
    write_record_file(snakemake.output.calibration, calibration_record(outputs))
    write_record_file(snakemake.output.complexity, complexity_record(network))
    forget_training(snakemake.input.network)
    for split, record in accuracy["splits"].items():
        logger.info("%s accuracy %.2f %%", split, 100 * record["accuracy"])
