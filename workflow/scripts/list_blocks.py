"""Score blocks by their place in a list: its first goes first."""

from layer_pruning.job import job

from layer_pruning.models.network_file import read_header
from layer_pruning.scoring.catalog import LISTED
from layer_pruning.scoring.controls import listed_scores
from layer_pruning.scoring.scores import write_scores

with job(snakemake.log[0]):
    kept = read_header(snakemake.input.network).kept_blocks()
    write_scores(snakemake.output[0], {LISTED: listed_scores(kept, snakemake.params.blocks)})
