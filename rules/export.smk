from layer_pruning.export import REVISION as EXPORT_REVISION


rule export:
    input:
        data="results/{dataset}/data.npz",
        network=f"{NETWORK}/network.safetensors",
        accuracy=f"{NETWORK}/accuracy.json",
        complexity=f"{NETWORK}/complexity.json",
    output:
        manifest=f"{NETWORK}/export/manifest.json",
        network=f"{NETWORK}/export/network.safetensors",
        onnx=f"{NETWORK}/export/network.onnx",
        pt2=f"{NETWORK}/export/network.pt2",
        loader=f"{NETWORK}/export/load_network.py",
        card=f"{NETWORK}/export/README.md",
    log:
        f"{NETWORK}/logs/export.log",
    benchmark:
        f"{NETWORK}/benchmarks/export.tsv"
    conda:
        "../envs/export.yaml"
    threads: config["threads"]
    resources:
        mem_mb=memory_for("export"),
        runtime=minutes_for("export"),
        disk_mb=disk_for("export"),
    params:
        opset=config["export"]["opset"],
        license=config["export"]["license"],
        revisions=(MODELS_REVISION, EXPORT_REVISION),
    message:
        "Exporting {wildcards.network}, {wildcards.architecture}, seed {wildcards.seed}"
    script:
        "../workflow/scripts/export.py"
