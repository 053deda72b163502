"""What the stochastic metrics of a baseline's blocks would be from other starts."""

from layer_pruning.runtime.script import job

from layer_pruning.activations.features import read_activations
from layer_pruning.scoring.starts import spread_over_starts, write_starts

with job(snakemake.log[0]):
    probe = read_activations(snakemake.input.activations)
    record = spread_over_starts(probe, snakemake.params.metrics, seed=snakemake.params.seed)
    write_starts(snakemake.output[0], record)
