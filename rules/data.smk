from layer_pruning.data import REVISION as DATA_REVISION


rule prepare_data:
    output:
        "results/{dataset}/data.npz",
    log:
        "results/{dataset}/logs/prepare_data.log",
    benchmark:
        "results/{dataset}/benchmarks/prepare_data.tsv"
    conda:
        "../envs/tables.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        validation_fraction=config["split"]["validation_fraction"],
        test_fraction=config["split"]["test_fraction"],
        seed=config["split"]["seed"],
        revision=DATA_REVISION,
    message:
        "Preparing {wildcards.dataset}: images, labels and splits"
    script:
        "../workflow/scripts/prepare_data.py"
