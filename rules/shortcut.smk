rule shortcut:
    input:
        data="results/{dataset}/data.npz",
        network=f"{NETWORK}/network.safetensors",
    output:
        f"{NETWORK}/shortcut.json",
    log:
        f"{NETWORK}/logs/shortcut.log",
    benchmark:
        f"{NETWORK}/benchmarks/shortcut.tsv"
    conda:
        "../envs/torch.yaml"
    threads: config["threads"]
    resources:
        gpu=GPU,
        mem_mb=memory_for("evaluation"),
        runtime=minutes_for("evaluation"),
    params:
        revisions=(MODELS_REVISION, EVALUATION_REVISION),
    message:
        "Testing {wildcards.network} for shortcut learning, {wildcards.architecture}, seed {wildcards.seed}"
    script:
        "../workflow/scripts/shortcut.py"
