"""Score every candidate block of a network by every metric of a criterion."""

from layer_pruning.activations.features import read_activations
from layer_pruning.job import job
from layer_pruning.models.network_file import read_network
from layer_pruning.scoring.bootstrap import resample, write_resamples
from layer_pruning.scoring.savings import read_savings
from layer_pruning.scoring.scores import score, write_scores

with job(snakemake.log[0]) as logger:
    params = snakemake.params
    probe = read_activations(snakemake.input.activations)
    header, tensors = read_network(snakemake.input.network)
    draw = params.draw.format(**snakemake.wildcards)
    savings = read_savings(snakemake.input.get("savings"))
    scores = score(
        params.metrics, probe, header=header, tensors=tensors, draw=draw, savings=savings
    )
    write_scores(snakemake.output.scores, scores)
    logger.info("%d blocks by %s", len(probe.blocks), ", ".join(scores))
    resamples = resample(scores, probe, resamples=params.resamples, seed=params.seed)
    write_resamples(snakemake.output.resamples, resamples)
