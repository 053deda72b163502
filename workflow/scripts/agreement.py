"""How far the metrics of a criterion agree, and whether another probe set would decide alike."""

from layer_pruning.runtime.script import job

from layer_pruning.activations.features import read_activations
from layer_pruning.consensus.agreement import describe_agreement, write_agreement
from layer_pruning.consensus.catalog import Aggregation
from layer_pruning.consensus.ranking import read_scores
from layer_pruning.scoring.bootstrap import resample

with job(snakemake.log[0]) as logger:
    params = dict(snakemake.params.items())
    probe = read_activations(snakemake.input.activations)
    blocks = probe.blocks.tolist()
    scores = read_scores(snakemake.input.scores, blocks)
    resamples = resample(scores, probe, resamples=params["resamples"], seed=params["seed"])
    agreement = describe_agreement(
        scores,
        blocks,
        Aggregation.of(params),
        resampled_scores=list(resamples.tables()) or None,
    )
    write_agreement(agreement, snakemake.output[0])
