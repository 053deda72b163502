"""Rank the candidate blocks of a network, and say how far the metrics agree."""

from layer_pruning.consensus.agreement import describe_agreement, write_agreement
from layer_pruning.consensus.ranking import rank_blocks, read_scores, write_ranking
from layer_pruning.job import job
from layer_pruning.models.architectures import candidates
from layer_pruning.models.network_file import read_header
from layer_pruning.scoring.bootstrap import read_resamples

with job(snakemake.log[0]) as logger:
    params = dict(snakemake.params.items())
    header = read_header(snakemake.input.network)
    limits = {key: params[key] for key in ("min_blocks_per_stage", "protect")}
    blocks = candidates(header.blocks, header.removed_blocks, **limits)
    scores = read_scores(snakemake.input.scores, blocks)
    resamples = list(read_resamples(snakemake.input.resamples, blocks).tables()) or None
    options = {key: params[key] for key in ("aggregation", "weights", "families")}
    ranking = rank_blocks(scores, blocks, **options)
    agreement = describe_agreement(scores, blocks, resampled_scores=resamples, **options)
    write_ranking(ranking, snakemake.output.ranking)
    write_agreement(agreement, snakemake.output.agreement)
    logger.info("%s goes next", ranking.removed_block)
