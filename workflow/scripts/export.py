"""Write a network in formats that load without this project, and check each against it."""

from layer_pruning.job import job

from pathlib import Path

from layer_pruning.configuration import phases, recipe_of
from layer_pruning.data.image_file import read_data
from layer_pruning.data.splits import fixed_subset
from layer_pruning.devices import select_device
from layer_pruning.evaluation.records import read_accuracy, read_complexity
from layer_pruning.export.bundle import CHECKED_IMAGES, export_network
from layer_pruning.models.starts import started_from

with job(snakemake.log[0]):
    files, named = snakemake.input, dict(snakemake.wildcards.items())
    select_device("cpu", snakemake.config["threads"])
    data = read_data(files.data)
    chosen = fixed_subset(len(data.labels_of("test")), CHECKED_IMAGES, seed=0)
    criterion, _, removal = named["network"].partition("/removed-")
    config = snakemake.config
    kind = config["architectures"][named["architecture"]]
    settings = {"criterion": config["criteria"].get(criterion)}
    settings |= {p: recipe_of(config, p, named["architecture"]) for p in phases(config)}
    export_network(
        files.network,
        Path(snakemake.output.manifest).parent,
        data.part("test", chosen)[0],
        build=kind.get("build"),
        opset=snakemake.params.opset,
        license=snakemake.params.license,
        images_from=f"test split of {named['dataset']}",
        metrics={"accuracy": read_accuracy(files.accuracy)}
        | {"complexity": read_complexity(files.complexity)},
        provenance={"data_set": named["dataset"], "data_sha256": data.digest()}
        | {"seed": int(named["seed"]), "criterion": criterion if removal else None}
        | {"removals": int(removal or 0), "settings": settings}
        | {"started_from": started_from(kind, named["architecture"])},
    )
