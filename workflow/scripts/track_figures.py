"""Tell a tracker of the figures of a data set and architecture."""

from layer_pruning.runtime.script import job

from layer_pruning.tracking.runs import run_of_figures, track

with job(snakemake.log[0]):
    names = dict(snakemake.wildcards.items())
    track(names["tracker"], run_of_figures(names, snakemake.input), snakemake.output[0])
