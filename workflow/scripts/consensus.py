"""Rank the candidate blocks of a network; the first one goes."""

from layer_pruning.runtime.script import job

from layer_pruning.consensus.catalog import Aggregation
from layer_pruning.consensus.ranking import rank_blocks, read_scores, write_ranking
from layer_pruning.models.candidates import Limits
from layer_pruning.models.network_file import read_header

with job(snakemake.log[0]) as logger:
    params = snakemake.params
    blocks = read_header(snakemake.input.network).candidates(Limits.of(params))
    scores = read_scores(snakemake.input.scores, blocks)
    ranking = rank_blocks(scores, blocks, Aggregation.of(params))
    write_ranking(ranking, snakemake.output[0])
    logger.info("%s goes next", ranking.removed_block)
