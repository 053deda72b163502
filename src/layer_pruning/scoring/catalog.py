"""Everything a criterion may name, by kind. No numpy, no torch."""

from layer_pruning.similarity.catalog import CATALOG

FUNCTIONAL_METRICS = {
    "loss_increase": "probe cross-entropy with the block bypassed, minus that of the network",
    "disagreement": "share of probe images whose predicted class changes when it is bypassed",
    "kl": "Kullback-Leibler divergence of the network's predictions from the bypassed ones, nats",
}
WEIGHT_METRICS = {"magnitude": "mean absolute weight of the block"}
CONTROLS = {
    "random": "a number drawn from a digest of data set, architecture, seed, criterion, network "
    "and block",
    "shallowest": "the block's depth: what the paper's released code does, whatever its scores",
}
METRIC_NAMES = (*CATALOG, *FUNCTIONAL_METRICS, *WEIGHT_METRICS, *CONTROLS)
