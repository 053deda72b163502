"""Write a network in formats that load without this project, and check each against it."""

from layer_pruning.runtime.script import job

from pathlib import Path

from layer_pruning.data.image_file import read_data
from layer_pruning.data.splits import fixed_subset
from layer_pruning.evaluation.records import read_accuracy, read_complexity
from layer_pruning.export.bundle import CHECKED_IMAGES, export_network
from layer_pruning.export.provenance import provenance
from layer_pruning.runtime.devices import select_device

with job(snakemake.log[0]):
    files, named, config = snakemake.input, dict(snakemake.wildcards.items()), snakemake.config
    data, folder = read_data(files.data), Path(snakemake.output.manifest).parent
    select_device("cpu", config["threads"])
    chosen = fixed_subset(len(data.labels_of("test")), CHECKED_IMAGES, seed=0)
    accuracy, complexity = read_accuracy(files.accuracy), read_complexity(files.complexity)
    told = {"metrics": {"accuracy": accuracy, "complexity": complexity}}
    told["provenance"] = provenance(config, named, data.digest())
    told["build"] = config["architectures"][named["architecture"]].get("build")
    told["images_from"] = f"test split of {named['dataset']}"
    told |= {key: snakemake.params[key] for key in ("opset", "license")}
    export_network(files.network, folder, data.part("test", chosen)[0], **told)
