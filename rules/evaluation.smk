from layer_pruning.attacks import REVISION as ATTACKS_REVISION

# what an attack is called among kinds of work
ATTACK = "attack {attack}"


localrules:
    ledger,


rule evaluate:
    input:
        data="results/{dataset}/data.npz",
        network=f"{NETWORK}/network.safetensors",
        shards=SHARDED.joined("evaluation", NETWORK),
    output:
        accuracy=f"{NETWORK}/accuracy.json",
        calibration=f"{NETWORK}/calibration.json",
        complexity=f"{NETWORK}/complexity.json",
    log:
        f"{NETWORK}/logs/evaluate.log",
    benchmark:
        f"{NETWORK}/benchmarks/evaluate.tsv"
    priority: SOON
    conda:
        "../envs/torch.yaml"
    threads: config["threads"]
    resources:
        gpu=GPU,
        mem_mb=memory_for("evaluation"),
        runtime=SHARDED.minutes("evaluation", NETWORK),
    params:
        revisions=(MODELS_REVISION, EVALUATION_REVISION),
    message:
        "Evaluating {wildcards.network}, {wildcards.architecture}, seed {wildcards.seed}"
    script:
        "../workflow/scripts/evaluate.py"


# Where one job would take long, several have a part of the images each.
rule evaluate_shard:
    input:
        data="results/{dataset}/data.npz",
        network=f"{NETWORK}/network.safetensors",
    output:
        temp(f"{NETWORK}/evaluation/shard-{{shard}}.safetensors"),
    log:
        f"{NETWORK}/logs/evaluate_shard/{{shard}}.log",
    benchmark:
        f"{NETWORK}/benchmarks/evaluate_shard/{{shard}}.tsv"
    priority: SOON
    conda:
        "../envs/torch.yaml"
    threads: config["threads"]
    resources:
        gpu=GPU,
        mem_mb=memory_for("evaluation"),
        runtime=SHARDED.minutes("evaluation", NETWORK),
    params:
        revisions=(MODELS_REVISION, EVALUATION_REVISION),
        shard=SHARDED.this,
    message:
        "Evaluating {wildcards.network} on part {wildcards.shard}, {wildcards.architecture}, seed {wildcards.seed}"
    script:
        "../workflow/scripts/evaluate_shard.py"


rule attack:
    input:
        data="results/{dataset}/data.npz",
        network=f"{NETWORK}/network.safetensors",
        shards=SHARDED.joined(ATTACK, NETWORK),
        usages=SHARDED.joined(ATTACK, NETWORK, "kept"),
    output:
        result=f"{NETWORK}/attacks/{{attack}}.json",
        usage=f"{NETWORK}/usage/attack/{{attack}}.json",
    log:
        f"{NETWORK}/logs/attack/{{attack}}.log",
    benchmark:
        f"{NETWORK}/benchmarks/attack/{{attack}}.tsv"
    conda:
        "../envs/torch.yaml"
    threads: config["threads"]
    resources:
        gpu=GPU,
        mem_mb=memory_for(ATTACK),
        runtime=SHARDED.minutes(ATTACK, NETWORK),
    params:
        attack=of_attack("attack"),
        norm=of_attack("norm"),
        epsilons=lambda names: epsilons_of(config, names.dataset)[names.attack],
        images=config["attacked_images"]["count"],
        shard=SHARDED.images(config["attacked_images"]["count"], NEEDED.attacked_together),
        batch_size=config["attacked_images"]["batch_size"],
        seed=config["attacked_images"]["seed"],
        revisions=(
            *(MODELS_REVISION, ATTACKS_REVISION),
            *named(config, *(f"attacked_images.{key}" for key in ("count", "batch_size", "seed"))),
        ),
    message:
        "Attacking {wildcards.network} with {wildcards.attack}, {wildcards.architecture}, seed {wildcards.seed}"
    script:
        "../workflow/scripts/attack.py"


use rule attack as attack_shard with:
    input:
        data="results/{dataset}/data.npz",
        network=f"{NETWORK}/network.safetensors",
    output:
        result=f"{NETWORK}/attacks/{{attack}}/shard-{{shard}}.json",
        usage=f"{NETWORK}/usage/attack/{{attack}}/shard-{{shard}}.json",
    log:
        f"{NETWORK}/logs/attack/{{attack}}/shard-{{shard}}.log",
    benchmark:
        f"{NETWORK}/benchmarks/attack/{{attack}}/shard-{{shard}}.tsv"
    message:
        "Attacking {wildcards.network} with {wildcards.attack} on part {wildcards.shard} of the images, {wildcards.architecture}, seed {wildcards.seed}"


OF_SHIFT = {
    "folder": of_dataset("corrupted"),
    "corruptions": lambda wildcards: corruptions_of(config, wildcards.dataset),
    "severities": config["corruptions"]["severities"],
    "shifted": lambda names: shifted_sets(config, names.dataset),
    "images": corrupted_images(config),
    "seed": config["attacked_images"]["seed"],
    "revisions": (
        *(MODELS_REVISION, ATTACKS_REVISION),
        *named(config, "attacked_images.seed"),
    ),
}


rule corrupt:
    input:
        data="results/{dataset}/data.npz",
        network=f"{NETWORK}/network.safetensors",
        files=lambda names: [local(file) for file in files_of_shift(config, names.dataset)],
        shards=SHARDED.joined("corruptions", NETWORK),
    output:
        f"{NETWORK}/corruptions.json",
    log:
        f"{NETWORK}/logs/corrupt.log",
    benchmark:
        f"{NETWORK}/benchmarks/corrupt.tsv"
    conda:
        "../envs/torch.yaml"
    threads: config["threads"]
    resources:
        gpu=GPU,
        mem_mb=memory_for("corruptions"),
        runtime=SHARDED.minutes("corruptions", NETWORK),
    params:
        **OF_SHIFT,
    message:
        "Testing {wildcards.network} on corrupted images, {wildcards.architecture}, seed {wildcards.seed}"
    script:
        "../workflow/scripts/corrupt.py"


use rule corrupt as corrupt_shard with:
    input:
        data="results/{dataset}/data.npz",
        network=f"{NETWORK}/network.safetensors",
        files=lambda names: [local(file) for file in files_of_shift(config, names.dataset)],
    output:
        temp(f"{NETWORK}/corruptions/shard-{{shard}}.json"),
    log:
        f"{NETWORK}/logs/corrupt_shard/{{shard}}.log",
    benchmark:
        f"{NETWORK}/benchmarks/corrupt_shard/{{shard}}.tsv"
    params:
        **OF_SHIFT,
        shard=SHARDED.this,
    message:
        "Testing {wildcards.network} on part {wildcards.shard} of the corrupted images, {wildcards.architecture}, seed {wildcards.seed}"


rule latency_report:
    input:
        networks=[f"{RUN}/baseline/network.safetensors", f"{NETWORK}/network.safetensors"],
    output:
        f"{NETWORK}/latency.json",
    log:
        f"{NETWORK}/logs/latency_report.log",
    benchmark:
        f"{NETWORK}/benchmarks/latency_report.tsv"
    conda:
        "../envs/torch.yaml"
    threads: ALONE
    resources:
        gpu=GPU,
        exclusive=1,
        mem_mb=memory_for("measurement"),
        runtime=minutes_for("measurement"),
    params:
        batch_sizes=config["latency"]["batch_sizes"],
        repeats=config["latency"]["repeats"],
        modes=config["latency"]["modes"],
        revisions=(MODELS_REVISION, EVALUATION_REVISION),
    message:
        "Timing {wildcards.network} beside the baseline, seed {wildcards.seed}"
    script:
        "../workflow/scripts/latency_report.py"


rule energy_report:
    input:
        data="results/{dataset}/data.npz",
        networks=[f"{RUN}/baseline/network.safetensors", f"{NETWORK}/network.safetensors"],
    output:
        f"{NETWORK}/energy.json",
    log:
        f"{NETWORK}/logs/energy_report.log",
    benchmark:
        f"{NETWORK}/benchmarks/energy_report.tsv"
    conda:
        "../envs/torch.yaml"
    threads: ALONE
    resources:
        gpu=GPU,
        exclusive=1,
        mem_mb=memory_for("measurement"),
        runtime=minutes_for("measurement"),
    params:
        batch_size=config["energy"]["batch_size"],
        repeats=config["energy"]["repeats"],
        window_seconds=config["energy"]["window_seconds"],
        cpu_power_watts=config["energy"]["cpu_power_watts"],
        tracking_mode=config["energy"]["tracking_mode"],
        revisions=(
            *(MODELS_REVISION, ENERGY_REVISION, EVALUATION_REVISION),
            *METERED,
            *named(config, "energy.batch_size"),
        ),
    message:
        "Metering {wildcards.network} beside the baseline, seed {wildcards.seed}"
    script:
        "../workflow/scripts/energy_report.py"


rule ledger:
    input:
        unpack(below_run(CHAIN.training_records)),
        scoring=below_run(CHAIN.scoring_usages),
        attacks=below_run(CHAIN.attack_usages),
        energy=f"{NETWORK}/energy.json",
    output:
        f"{NETWORK}/ledger.json",
    log:
        f"{NETWORK}/logs/ledger.log",
    benchmark:
        f"{NETWORK}/benchmarks/ledger.tsv"
    conda:
        "../envs/tables.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        country=config["energy"]["country_iso_code"],
        carbon_intensity=config["energy"]["carbon_intensity_g_per_kwh"],
        tracking_mode=config["energy"]["tracking_mode"],
        revision=ENERGY_REVISION,
    message:
        "Adding up the energy of {wildcards.network}, seed {wildcards.seed}"
    script:
        "../workflow/scripts/ledger.py"
