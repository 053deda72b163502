# What trackers of experiments are told. Nothing depends on it: it can be turned on at any time.
from layer_pruning.tracking import REVISION as TRACKING_REVISION
from layer_pruning.tracking.catalog import TRACKERS, wanted


localrules:
    track_figures,
    track_network,


wildcard_constraints:
    tracker="|".join(TRACKERS),


TRACKED = "results/tracking/{tracker}/{dataset}/{architecture}/seed-{seed}/{network}.json"


rule track_network:
    input:
        history=f"{NETWORK}/history.csv",
        accuracy=f"{NETWORK}/accuracy.json",
        complexity=f"{NETWORK}/complexity.json",
    output:
        "results/tracking/{tracker}/{dataset}/{architecture}/seed-{seed}/{network}.json",
    log:
        f"{NETWORK}/logs/track_network/{{tracker}}.log",
    benchmark:
        f"{NETWORK}/benchmarks/track_network/{{tracker}}.tsv"
    priority: SOON
    conda:
        "../envs/tracking.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        revision=TRACKING_REVISION,
    message:
        "Telling {wildcards.tracker} of {wildcards.network}, {wildcards.architecture}, seed {wildcards.seed}"
    script:
        "../workflow/scripts/track_network.py"


rule track_figures:
    input:
        rules.report_accuracy.output.png,
        rules.report_figures.output.png,
    output:
        "results/tracking/{tracker}/{dataset}/{architecture}/figures.json",
    log:
        f"{FIGURES}/logs/track_figures/{{tracker}}.log",
    benchmark:
        f"{FIGURES}/benchmarks/track_figures/{{tracker}}.tsv"
    conda:
        "../envs/tracking.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        revision=TRACKING_REVISION,
    message:
        "Telling {wildcards.tracker} of the figures of {wildcards.architecture} on {wildcards.dataset}"
    script:
        "../workflow/scripts/track_figures.py"


TOLD = [
    path
    for tracker in wanted(config["tracking"])
    for path in [
        *CHAIN.everywhere(TRACKED, CHAIN.all, tracker=tracker),
        *expand(rules.track_figures.output[0], tracker=tracker, **OF_FAMILIES),
    ]
]
