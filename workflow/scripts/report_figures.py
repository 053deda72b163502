"""The figures of one data set and architecture."""

from layer_pruning.job import job

from pathlib import Path

from layer_pruning.report.figures.family import figures_of
from layer_pruning.report.figures.style import save

with job(snakemake.log[0]):
    pngs = {Path(png).stem: png for png in snakemake.output.png}
    for name, figure in figures_of(**snakemake.wildcards, **snakemake.input).items():
        save(figure, snakemake.output[name], pngs[name])
