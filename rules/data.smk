from layer_pruning.data import REVISION as DATA_REVISION
from layer_pruning.models.hub_files import hub_path

# the SHA-256 that the user gave for files of the hub
PROMISED = promised_checksums(config)


localrules:
    download_data,
    download_weights,


# The only rules that use the network. `update` has Snakemake leave alone what a user put there.
rule download_data:
    output:
        update("downloads/{kind}/{file}"),
    log:
        "downloads/{kind}/logs/{file}.log",
    benchmark:
        "downloads/{kind}/benchmarks/{file}.tsv"
    priority: AT_ONCE
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=120,
    params:
        kind="{kind}",
    message:
        "Downloading {wildcards.file} of {wildcards.kind}"
    script:
        "../workflow/scripts/download_data.py"


rule download_weights:
    output:
        # where the architecture looks for it, in a module too
        local(update("downloads/hub/{repository}/{file}")),
    log:
        "downloads/hub/{repository}/logs/{file}.log",
    benchmark:
        "downloads/hub/{repository}/benchmarks/{file}.tsv"
    priority: AT_ONCE
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=120,
    params:
        sha256=lambda names: PROMISED.get(hub_path(names.repository, names.file)),
    message:
        "Downloading {wildcards.file} of {wildcards.repository}"
    script:
        "../workflow/scripts/download_weights.py"


rule prepare_data:
    input:
        files=downloads,
    output:
        "results/{dataset}/data.npz",
    log:
        "results/{dataset}/logs/prepare_data.log",
    benchmark:
        "results/{dataset}/benchmarks/prepare_data.tsv"
    priority: AT_ONCE
    conda:
        "../envs/data.yaml"
    threads: config["threads"]
    resources:
        mem_mb=lambda wildcards, attempt: attempt * (2000 + info_of_dataset(wildcards).megabytes()),
        runtime=240,
    params:
        kind=of_dataset("kind"),
        path=of_dataset("path"),
        image_size=of_dataset("image_size"),
        channels=of_dataset("channels"),
        stream=of_dataset("stream"),
        cue=of_dataset("cue"),
        content=lambda wildcards: info_of_dataset(wildcards).content,
        validation_fraction=config["split"]["validation_fraction"],
        test_fraction=config["split"]["test_fraction"],
        seed=config["split"]["seed"],
        revision=lambda names: named_data(config, names.dataset, DATA_REVISION),
    message:
        "Preparing {wildcards.dataset}: images, labels and splits"
    script:
        "../workflow/scripts/prepare_data.py"
