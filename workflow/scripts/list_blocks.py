"""Score blocks by their place in a list: its first goes first."""

from layer_pruning.runtime.script import job

from layer_pruning.models.candidates import Limits
from layer_pruning.models.network_file import read_header
from layer_pruning.scoring.catalog import LISTED
from layer_pruning.scoring.controls import listed_scores
from layer_pruning.scoring.scores import write_scores

with job(snakemake.log[0]):
    params = snakemake.params
    blocks = read_header(snakemake.input.network).candidates(Limits.of(params))
    write_scores(snakemake.output[0], {LISTED: listed_scores(blocks, params.blocks)})
