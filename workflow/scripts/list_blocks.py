"""Score blocks by their place in a list: its first goes first."""

from layer_pruning.script import job

from layer_pruning.models.candidates import candidates
from layer_pruning.models.network_file import read_header
from layer_pruning.scoring.catalog import LISTED
from layer_pruning.scoring.controls import listed_scores
from layer_pruning.scoring.scores import write_scores

with job(snakemake.log[0]):
    params, header = snakemake.params, read_header(snakemake.input.network)
    limits = {key: params[key] for key in ("min_blocks_per_stage", "protect")}
    blocks = candidates(header.blocks, header.removed_blocks, **limits)
    write_scores(snakemake.output[0], {LISTED: listed_scores(blocks, params.blocks)})
