"""Everything a criterion may name, by kind, and the criteria known by name. No numpy, no torch."""

from typing import Any

from layer_pruning.similarity.catalog import CATALOG, PAPER_METRICS

FUNCTIONAL_METRICS = {
    "loss_increase": "probe cross-entropy with the block bypassed, minus that of the network",
    "disagreement": "share of probe images whose predicted class changes when it is bypassed",
    "kl": "Kullback-Leibler divergence of the network's predictions from the bypassed ones, nats",
}
WEIGHT_METRICS = {
    "magnitude": "mean absolute weight of the block",
    "fewest_weights": "weights of the block, fewest first",
}
SAVINGS = {
    "saves_macs": "multiply-accumulates that the block's removal saves, most first",
    "saves_parameters": "parameters that the block's removal saves, most first",
    "saves_latency": "time of a batch in the block, measured, most first",
    "saves_energy": "energy of a batch in the block, measured, most first",
}
CONTROLS = {
    "random": "a number drawn from a digest of data set, architecture, seed, criterion, network "
    "and block",
    "shallowest": "the block's depth: what the paper's released code does, whatever its scores",
}
LISTED = "listed"
"""The metric of a criterion that lists its blocks: a block's place in that list."""
SEARCHING_METRICS = {"stochastic": 1.0, "stochastic_covariances": 0.0}
"""The similarity metrics that search from a start, and their weight of the class means."""
OWN_METRIC_TAKES = ("features", "features with a block bypassed", "labels")
"""What a metric of the user's own, ``my_package.my_module:function``, is called with."""
OF_IMAGES = (*CATALOG, *FUNCTIONAL_METRICS)
"""The metrics that compare what networks make of the probe images, as those of a user's own do."""
METRIC_NAMES = (*CATALOG, *FUNCTIONAL_METRICS, *WEIGHT_METRICS, *SAVINGS, *CONTROLS)

CRITERIA: dict[str, dict[str, Any]] = {
    "consensus": {"metrics": list(PAPER_METRICS)},
    "consensus_by_family": {"metrics": list(PAPER_METRICS), "aggregation": "borda_by_family"},
    "consensus_median": {"metrics": list(PAPER_METRICS), "aggregation": "median"},
    "consensus_latency": {"metrics": [*PAPER_METRICS, "saves_latency"]},
    "consensus_functional": {"metrics": [*PAPER_METRICS, *FUNCTIONAL_METRICS]},
    "functional": {"metrics": list(FUNCTIONAL_METRICS)},
    "recommended": {"metrics": ["fewest_weights", "kl"], "aggregation": "lexicographic"},
    **{name: {"metrics": [name]} for name in METRIC_NAMES},
}
"""Criteria that a configuration may name without spelling them out; every metric alone is one."""
