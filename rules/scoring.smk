from layer_pruning.activations import REVISION as ACTIVATIONS_REVISION
from layer_pruning.consensus import REVISION as CONSENSUS_REVISION
from layer_pruning.energy import REVISION as ENERGY_REVISION
from layer_pruning.evaluation import REVISION as EVALUATION_REVISION
from layer_pruning.scoring import RESAMPLES_REVISION, REVISION as SCORING_REVISION
from layer_pruning.similarity import REVISION as SIMILARITY_REVISION


localrules:
    consensus,
    list_blocks,


# how a watch on power is kept, here and beside the baseline
METERED = named(
    config, *(f"energy.{key}" for key in ("repeats", "window_seconds", "cpu_power_watts"))
)

# params: what the activations of a network follow from
OF_SWEEP = {
    "images_per_class": config["probe"]["images_per_class"],
    "min_blocks_per_stage": config["min_blocks_per_stage"],
    "protect": config["protect"],
    "seed": seed_of,
    "revisions": (
        *(MODELS_REVISION, ACTIVATIONS_REVISION),
        *named(config, "probe.images_per_class", "min_blocks_per_stage"),
    ),
}


rule extract_baseline_activations:
    input:
        data="results/{dataset}/data.npz",
        network=f"{RUN}/baseline/network.safetensors",
        shards=SHARDED.joined("activations", f"{RUN}/baseline"),
        usages=SHARDED.joined("activations", f"{RUN}/baseline", "kept"),
    output:
        activations=f"{RUN}/baseline/activations.npz",
        usage=f"{RUN}/baseline/usage/extract_activations.json",
    log:
        f"{RUN}/baseline/logs/extract_activations.log",
    # no benchmark, as for train_baseline
    cache: workflow.enable_cache
    priority: AT_ONCE
    conda:
        "../envs/torch.yaml"
    threads: config["threads"]
    resources:
        gpu=GPU,
        mem_mb=memory_for("activations"),
        runtime=SHARDED.minutes("activations", f"{RUN}/baseline"),
        disk_mb=disk_for("activations"),
    params:
        **OF_SWEEP,
    message:
        "Extracting activations of the baseline, {wildcards.architecture}, seed {wildcards.seed}"
    script:
        "../workflow/scripts/extract_activations.py"


# The same work, but folders share none of it: a pruned network is seldom that of another run.
use rule extract_baseline_activations as extract_activations with:
    input:
        data="results/{dataset}/data.npz",
        network=f"{PRUNED}/network.safetensors",
        shards=SHARDED.joined("activations", PRUNED),
        usages=SHARDED.joined("activations", PRUNED, "kept"),
    output:
        activations=f"{PRUNED}/activations.npz",
        usage=f"{PRUNED}/usage/extract_activations.json",
    log:
        f"{PRUNED}/logs/extract_activations.log",
    benchmark:
        f"{PRUNED}/benchmarks/extract_activations.tsv"
    cache: False
    resources:
        gpu=GPU,
        mem_mb=memory_for("activations"),
        runtime=SHARDED.minutes("activations", PRUNED),
        disk_mb=disk_for("activations"),
    message:
        "Extracting activations of {wildcards.criterion} after removal {wildcards.step}, {wildcards.architecture}, seed {wildcards.seed}"


# Where one job would take long, several have a part of the probe set each.
use rule extract_baseline_activations as sweep_shard with:
    input:
        data="results/{dataset}/data.npz",
        network=f"{NETWORK}/network.safetensors",
    output:
        activations=temp(f"{NETWORK}/activations/shard-{{shard}}.npz"),
        usage=f"{NETWORK}/usage/extract_activations/shard-{{shard}}.json",
    log:
        f"{NETWORK}/logs/sweep_shard/{{shard}}.log",
    benchmark:
        f"{NETWORK}/benchmarks/sweep_shard/{{shard}}.tsv"
    cache: False
    resources:
        gpu=GPU,
        mem_mb=memory_for("activations"),
        runtime=SHARDED.minutes("activations", NETWORK),
        disk_mb=disk_for("activations"),
    params:
        **OF_SWEEP,
        shard=SHARDED.this,
    message:
        "Extracting activations of {wildcards.network} on part {wildcards.shard} of the probe set, {wildcards.architecture}, seed {wildcards.seed}"


# what it used is in a file of its former name: with another, users' blocks would be timed again
rule measure_block_latency:
    input:
        data="results/{dataset}/data.npz",
        network=f"{NETWORK}/network.safetensors",
    output:
        latency=f"{NETWORK}/savings/latency.json",
        usage=f"{NETWORK}/usage/measure_latency.json",
    log:
        f"{NETWORK}/logs/measure_block_latency.log",
    benchmark:
        f"{NETWORK}/benchmarks/measure_block_latency.tsv"
    priority: AT_ONCE
    conda:
        "../envs/torch.yaml"
    threads: ALONE
    resources:
        gpu=GPU,
        exclusive=1,
        mem_mb=memory_for("measurement"),
        runtime=minutes_for("measurement"),
    params:
        batch_size=config["savings"]["batch_size"],
        repeats=config["savings"]["repeats"],
        revisions=(
            *(MODELS_REVISION, EVALUATION_REVISION),
            *named(config, "savings.batch_size"),
        ),
    message:
        "Timing the blocks of {wildcards.network}, {wildcards.architecture}, seed {wildcards.seed}"
    script:
        "../workflow/scripts/measure_block_latency.py"


rule measure_block_energy:
    input:
        data="results/{dataset}/data.npz",
        network=f"{NETWORK}/network.safetensors",
    output:
        energy=f"{NETWORK}/savings/energy.json",
        usage=f"{NETWORK}/usage/measure_block_energy.json",
    log:
        f"{NETWORK}/logs/measure_block_energy.log",
    benchmark:
        f"{NETWORK}/benchmarks/measure_block_energy.tsv"
    priority: AT_ONCE
    conda:
        "../envs/torch.yaml"
    threads: ALONE
    resources:
        gpu=GPU,
        exclusive=1,
        mem_mb=memory_for("measurement"),
        runtime=minutes_for("metering of blocks"),
    params:
        batch_size=config["savings"]["batch_size"],
        repeats=config["energy"]["repeats"],
        window_seconds=config["energy"]["window_seconds"],
        cpu_power_watts=config["energy"]["cpu_power_watts"],
        tracking_mode=config["energy"]["tracking_mode"],
        revisions=(
            *(MODELS_REVISION, EVALUATION_REVISION, ENERGY_REVISION),
            *METERED,
            *named(config, "savings.batch_size"),
        ),
    message:
        "Metering the blocks of {wildcards.network}, {wildcards.architecture}, seed {wildcards.seed}"
    script:
        "../workflow/scripts/measure_block_energy.py"


rule score_metrics:
    input:
        unpack(savings_of_criterion),
        activations=f"{NETWORK}/activations.npz",
        network=f"{NETWORK}/network.safetensors",
        own_metrics=own_metrics,
    output:
        scores=f"{NETWORK}/scores/{{criterion}}.csv",
        usage=f"{NETWORK}/usage/score_metrics/{{criterion}}.json",
    log:
        f"{NETWORK}/logs/score_metrics/{{criterion}}.log",
    benchmark:
        f"{NETWORK}/benchmarks/score_metrics/{{criterion}}.tsv"
    wildcard_constraints:
        criterion="|".join(CHAIN.ranked) or NOTHING,
    priority: AT_ONCE
    conda:
        "../envs/tables.yaml"
    threads: 1
    resources:
        mem_mb=memory_for("scoring"),
        runtime=minutes_for("scoring"),
    params:
        metrics=of_criterion("metrics"),
        draw=f"{NETWORK}/{{criterion}}",
        revisions=(SIMILARITY_REVISION, SCORING_REVISION),
    message:
        "Scoring the blocks of {wildcards.network} for {wildcards.criterion}, seed {wildcards.seed}"
    script:
        "../workflow/scripts/score_metrics.py"


# A criterion that lists its blocks looks at nothing.
rule list_blocks:
    input:
        network=f"{NETWORK}/network.safetensors",
    output:
        f"{NETWORK}/scores/{{listed}}.csv",
    log:
        f"{NETWORK}/logs/list_blocks/{{listed}}.log",
    benchmark:
        f"{NETWORK}/benchmarks/list_blocks/{{listed}}.tsv"
    conda:
        "../envs/tables.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        blocks=lambda wildcards: config["criteria"][wildcards.listed]["blocks"],
        min_blocks_per_stage=config["min_blocks_per_stage"],
        protect=config["protect"],
        revision=SCORING_REVISION,
    message:
        "Listing the blocks of {wildcards.network} for {wildcards.listed}, seed {wildcards.seed}"
    script:
        "../workflow/scripts/list_blocks.py"


rule consensus:
    input:
        scores=f"{NETWORK}/scores/{{criterion}}.csv",
        network=f"{NETWORK}/network.safetensors",
    output:
        f"{NETWORK}/ranking/{{criterion}}.csv",
    log:
        f"{NETWORK}/logs/consensus/{{criterion}}.log",
    benchmark:
        f"{NETWORK}/benchmarks/consensus/{{criterion}}.tsv"
    priority: AT_ONCE
    conda:
        "../envs/tables.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        aggregation=of_criterion("aggregation"),
        weights=of_criterion("weights"),
        families=of_criterion("families"),
        min_blocks_per_stage=config["min_blocks_per_stage"],
        protect=config["protect"],
        revision=CONSENSUS_REVISION,
    message:
        "Ranking the blocks of {wildcards.network} by {wildcards.criterion}, seed {wildcards.seed}"
    script:
        "../workflow/scripts/consensus.py"


rule stochastic_starts:
    input:
        activations=f"{RUN}/baseline/activations.npz",
    output:
        f"{RUN}/baseline/stochastic_starts.json",
    log:
        f"{RUN}/baseline/logs/stochastic_starts.log",
    benchmark:
        f"{RUN}/baseline/benchmarks/stochastic_starts.tsv"
    conda:
        "../envs/tables.yaml"
    threads: 1
    resources:
        mem_mb=memory_for("scoring"),
        runtime=minutes_for("scoring"),
    params:
        metrics=CHAIN.searching,
        seed=seed_of,
        revisions=(SIMILARITY_REVISION, SCORING_REVISION),
    message:
        "Trying other starts of the stochastic metrics, {wildcards.architecture}, seed {wildcards.seed}"
    script:
        "../workflow/scripts/stochastic_starts.py"


rule agreement:
    input:
        activations=f"{NETWORK}/activations.npz",
        scores=f"{NETWORK}/scores/{{criterion}}.csv",
        own_metrics=own_metrics,
    output:
        f"{NETWORK}/ranking/{{criterion}}.json",
    log:
        f"{NETWORK}/logs/agreement/{{criterion}}.log",
    benchmark:
        f"{NETWORK}/benchmarks/agreement/{{criterion}}.tsv"
    conda:
        "../envs/tables.yaml"
    threads: 1
    resources:
        mem_mb=memory_for("agreement"),
        runtime=minutes_for("agreement"),
    params:
        aggregation=of_criterion("aggregation"),
        weights=of_criterion("weights"),
        families=of_criterion("families"),
        resamples=config["bootstrap"]["resamples"],
        seed=seed_of,
        revisions=(
            *(SIMILARITY_REVISION, SCORING_REVISION, CONSENSUS_REVISION, RESAMPLES_REVISION),
        ),
    message:
        "Resampling the probe set of {wildcards.network} for {wildcards.criterion}, seed {wildcards.seed}"
    script:
        "../workflow/scripts/agreement.py"
