"""Rank the candidate blocks of a network; the first one goes."""

from layer_pruning.script import job

from layer_pruning.consensus.ranking import rank_blocks, read_scores, write_ranking
from layer_pruning.models.candidates import candidates
from layer_pruning.models.network_file import read_header

with job(snakemake.log[0]) as logger:
    params = dict(snakemake.params.items())
    header = read_header(snakemake.input.network)
    limits = {key: params[key] for key in ("min_blocks_per_stage", "protect")}
    blocks = candidates(header.blocks, header.removed_blocks, **limits)
    options = {key: params[key] for key in ("aggregation", "weights", "families")}
    ranking = rank_blocks(read_scores(snakemake.input.scores, blocks), blocks, **options)
    write_ranking(ranking, snakemake.output[0])
    logger.info("%s goes next", ranking.removed_block)
