"""Search beyond greedy removal: sets of blocks, from the baseline alone. One job for each size.

How many removals are wanted is in no path and no param: more of them go on from what was found.
"""

from layer_pruning.searching import REVISION as SEARCH_REVISION

REVISIONS_SEARCHED = (
    *(MODELS_REVISION, ACTIVATIONS_REVISION, SIMILARITY_REVISION, SCORING_REVISION),
    *(CONSENSUS_REVISION, SEARCH_REVISION),
)
# a target tells apart profiles of one size; which accuracy a network will have is not known
TOLD_APART = {kind: value for kind, value in TARGET.items() if kind != "validation_accuracy"}


rule search_beam:
    input:
        data="results/{dataset}/data.npz",
        network=f"{RUN}/baseline/network.safetensors",
        activations=f"{RUN}/baseline/activations.npz",
        ranking=decision(fewer=1),
        own_metrics=own_metrics,
    output:
        ranking=f"{RUN}/baseline/search/{{criterion}}/removed-{{step}}.csv",
        usage=f"{RUN}/baseline/usage/search/{{criterion}}/removed-{{step}}.json",
    log:
        f"{RUN}/baseline/logs/search/{{criterion}}/removed-{{step}}.log",
    benchmark:
        f"{RUN}/baseline/benchmarks/search/{{criterion}}/removed-{{step}}.tsv"
    wildcard_constraints:
        criterion="|".join(CHAIN.searched_by("beam")) or NOTHING,
    priority: AT_ONCE
    conda:
        "../envs/torch.yaml"
    threads: config["threads"]
    resources:
        gpu=GPU,
        mem_mb=memory_for("search"),
        runtime=minutes_for("search"),
    params:
        beam=of_criterion("beam"),
        metrics=of_criterion("metrics"),
        aggregation=of_criterion("aggregation"),
        weights=of_criterion("weights"),
        families=of_criterion("families"),
        min_blocks_per_stage=config["min_blocks_per_stage"],
        protect=config["protect"],
        revisions=(*REVISIONS_SEARCHED, *named(config, "min_blocks_per_stage")),
    message:
        "Searching {wildcards.step} blocks for {wildcards.criterion} by a beam, {wildcards.architecture}, seed {wildcards.seed}"
    script:
        "../workflow/scripts/search_beam.py"


rule search_profiles:
    input:
        data="results/{dataset}/data.npz",
        network=f"{RUN}/baseline/network.safetensors",
        activations=f"{RUN}/baseline/activations.npz",
        ranking=f"{RUN}/baseline/ranking/{{criterion}}.csv",
        own_metrics=own_metrics,
        latency=([f"{RUN}/baseline/savings/latency.json"] if CHAIN.latency_is_wanted else []),
    output:
        ranking=f"{RUN}/baseline/search/{{criterion}}/removed-{{step}}.csv",
        usage=f"{RUN}/baseline/usage/search/{{criterion}}/removed-{{step}}.json",
    log:
        f"{RUN}/baseline/logs/search/{{criterion}}/removed-{{step}}.log",
    benchmark:
        f"{RUN}/baseline/benchmarks/search/{{criterion}}/removed-{{step}}.tsv"
    wildcard_constraints:
        criterion="|".join(CHAIN.searched_by("profiles")) or NOTHING,
    priority: AT_ONCE
    conda:
        "../envs/torch.yaml"
    threads: config["threads"]
    resources:
        gpu=GPU,
        mem_mb=memory_for("search"),
        runtime=minutes_for("search"),
    params:
        target=TOLD_APART,
        metrics=of_criterion("metrics"),
        aggregation=of_criterion("aggregation"),
        weights=of_criterion("weights"),
        families=of_criterion("families"),
        min_blocks_per_stage=config["min_blocks_per_stage"],
        protect=config["protect"],
        revisions=REVISIONS_SEARCHED,
    message:
        "Searching the profile of {wildcards.step} removals for {wildcards.criterion}, {wildcards.architecture}, seed {wildcards.seed}"
    script:
        "../workflow/scripts/search_profiles.py"
