"""Score every candidate block of a network by every metric of a criterion."""

from layer_pruning.activations.features import read_activations
from layer_pruning.job import job
from layer_pruning.models.network_file import read_network
from layer_pruning.scoring.scores import score, write_scores

with job(snakemake.log[0]) as logger:
    activations = read_activations(snakemake.input.activations)
    header, tensors = read_network(snakemake.input.network)
    scores = score(
        snakemake.params.metrics,
        blocks=activations.blocks.tolist(),
        features=activations.features,
        features_bypassed=activations.features_bypassed,
        logits=activations.logits,
        logits_bypassed=activations.logits_bypassed,
        labels=activations.labels,
        header=header,
        tensors=tensors,
        draw=snakemake.params.draw.format(**snakemake.wildcards),
    )
    write_scores(snakemake.output[0], scores)
    logger.info("%d blocks by %s", len(activations.blocks), ", ".join(scores))
