from layer_pruning.report import REVISION as REPORT_REVISION


localrules:
    report_shortcut,


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
        gpu=1,
        mem_mb=memory_for("evaluation"),
        runtime=minutes_for("evaluation"),
    params:
        revisions=(MODELS_REVISION, EVALUATION_REVISION),
    message:
        "Testing {wildcards.network} for shortcut learning, {wildcards.architecture}, seed {wildcards.seed}"
    script:
        "../workflow/scripts/shortcut.py"


rule report_shortcut:
    input:
        of_one(f"{NETWORK}/shortcut.json", CHAIN.attacked),
    output:
        figure=report(
            f"{FIGURES}/shortcut.svg",
            caption="../workflow/report/shortcut.rst",
            category="4 Robustness",
            subcategory="{dataset} {architecture}",
            labels={"figure": "shortcut learning"},
        ),
        png=f"{FIGURES}/shortcut.png",
        table=report(
            "results/tables/shortcut/{dataset}-{architecture}.html",
            caption="../workflow/report/shortcut.rst",
            category="4 Robustness",
            subcategory="{dataset} {architecture}",
            labels={"figure": "shortcut learning, table"},
        ),
    log:
        f"{FIGURES}/logs/report_shortcut.log",
    benchmark:
        f"{FIGURES}/benchmarks/report_shortcut.tsv"
    conda:
        "../envs/tables.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        revision=REPORT_REVISION,
    message:
        "Drawing what {wildcards.architecture} learnt of the cue on {wildcards.dataset}"
    script:
        "../workflow/scripts/report_shortcut.py"
