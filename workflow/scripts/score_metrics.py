"""Score every candidate block of a network by every metric of a criterion."""

from layer_pruning.runtime.script import job

from layer_pruning.activations.features import read_activations
from layer_pruning.energy.job_usage import usage_recorded
from layer_pruning.models.network_file import read_network
from layer_pruning.scoring.savings import read_savings
from layer_pruning.scoring.scores import score, write_scores

with job(snakemake.log[0]) as logger, usage_recorded(snakemake.output.usage):
    probe = read_activations(snakemake.input.activations)
    header, tensors = read_network(snakemake.input.network)
    scores = score(
        snakemake.params.metrics,
        probe,
        header=header,
        tensors=tensors,
        draw=snakemake.params.draw.format(**snakemake.wildcards),
        savings=read_savings(snakemake.input.get("savings", [])),
    )
    write_scores(snakemake.output[0], scores)
    logger.info("%d blocks by %s", len(probe.blocks), ", ".join(scores))
