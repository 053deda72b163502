"""Tell a tracker of a network: its training, its accuracy and its cost."""

from layer_pruning.runtime.script import job

from layer_pruning.tracking.runs import run_of_network, track

with job(snakemake.log[0]):
    names = dict(snakemake.wildcards.items())
    track(names["tracker"], run_of_network(names, **snakemake.input), snakemake.output[0])
