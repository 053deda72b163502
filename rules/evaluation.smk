from layer_pruning.attacks import REVISION as ATTACKS_REVISION


rule evaluate:
    input:
        data="results/{dataset}/data.npz",
        network=f"{NETWORK}/network.safetensors",
    output:
        accuracy=f"{NETWORK}/accuracy.json",
        complexity=f"{NETWORK}/complexity.json",
    log:
        f"{NETWORK}/logs/evaluate.log",
    benchmark:
        f"{NETWORK}/benchmarks/evaluate.tsv"
    conda:
        "../envs/torch.yaml"
    threads: config["threads"]
    resources:
        gpu=1,
        mem_mb=4000,
        runtime=60,
    params:
        revisions=(MODELS_REVISION, EVALUATION_REVISION),
    message:
        "Evaluating {wildcards.network}, {wildcards.architecture}, seed {wildcards.seed}"
    script:
        "../workflow/scripts/evaluate.py"


rule attack:
    input:
        data="results/{dataset}/data.npz",
        network=f"{NETWORK}/network.safetensors",
    output:
        f"{NETWORK}/attacks/{{attack}}.json",
    log:
        f"{NETWORK}/logs/attack/{{attack}}.log",
    benchmark:
        f"{NETWORK}/benchmarks/attack/{{attack}}.tsv"
    conda:
        "../envs/torch.yaml"
    threads: config["threads"]
    resources:
        gpu=1,
        mem_mb=4000,
        runtime=1440,
    params:
        attack=of_attack("attack"),
        norm=of_attack("norm"),
        epsilons=of_attack("epsilons"),
        images=config["attacked_images"]["count"],
        seed=config["attacked_images"]["seed"],
        revisions=(MODELS_REVISION, ATTACKS_REVISION),
    message:
        "Attacking {wildcards.network} with {wildcards.attack}, {wildcards.architecture}, seed {wildcards.seed}"
    script:
        "../workflow/scripts/attack.py"


rule energy_report:
    input:
        data="results/{dataset}/data.npz",
        network=f"{PRUNED}/network.safetensors",
        baseline=f"{RUN}/baseline/network.safetensors",
        training=f"{RUN}/baseline/emissions.json",
        finetuning=finetunings,
    output:
        f"{PRUNED}/energy.json",
    log:
        f"{PRUNED}/logs/energy_report.log",
    benchmark:
        f"{PRUNED}/benchmarks/energy_report.tsv"
    conda:
        "../envs/torch.yaml"
    threads: ALONE
    resources:
        gpu=1,
        exclusive=1,
        mem_mb=4000,
        runtime=120,
    params:
        **{f"energy_{key}": value for key, value in config["energy"].items()},
        revisions=(MODELS_REVISION, ENERGY_REVISION),
    message:
        "Measuring the energy of {wildcards.criterion} after removal {wildcards.step} beside the baseline, seed {wildcards.seed}"
    script:
        "../workflow/scripts/energy_report.py"
