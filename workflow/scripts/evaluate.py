"""Accuracy and calibration on validation and test, multiply-accumulates and parameters."""

from layer_pruning.runtime.script import job

from layer_pruning.data.image_file import read_data
from layer_pruning.evaluation.accuracy import accuracy_record, join_outputs, outputs_of_splits
from layer_pruning.evaluation.calibration import calibration_record
from layer_pruning.evaluation.complexity import complexity_record
from layer_pruning.models.configured import network_of
from layer_pruning.runtime.devices import device_of
from layer_pruning.runtime.record_files import write_record_file
from layer_pruning.training.scratch import forget_training

with job(snakemake.log[0]) as logger:
    device, names = device_of(snakemake.config), snakemake.wildcards
    network = network_of(snakemake.input.network, snakemake.config, names.architecture, device)
    data = None if (shards := snakemake.input.get("shards")) else read_data(snakemake.input.data)
    outputs = join_outputs(shards) if shards else outputs_of_splits(network, data, device)
    accuracy = accuracy_record(outputs)
    write_record_file(snakemake.output.accuracy, accuracy)
    write_record_file(snakemake.output.calibration, calibration_record(outputs))
    write_record_file(snakemake.output.complexity, complexity_record(network))
    forget_training(snakemake.input.network)
    for split, record in accuracy["splits"].items():
        logger.info("%s accuracy %.2f %%", split, 100 * record["accuracy"])
