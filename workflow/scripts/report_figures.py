"""The figures of one data set and architecture."""

from layer_pruning.job import job

from layer_pruning.report.figures.family import figures_of
from layer_pruning.report.figures.style import save

with job(snakemake.log[0]):
    for name, figure in figures_of(**snakemake.wildcards, **snakemake.input).items():
        save(figure, snakemake.output[name])
