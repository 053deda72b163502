"""The accuracy of the networks of one data set and architecture, before anything is attacked."""

from layer_pruning.script import job

from pathlib import Path

from layer_pruning.report.figures.accuracy import accuracy_figure
from layer_pruning.report.figures.style import save
from layer_pruning.report.summary import summarise

with job(snakemake.log[0]):
    params, folders = snakemake.params, [Path(file).parent for file in snakemake.input.accuracy]
    table = summarise(folders, origins=params.origins, blocks_per_step=params.blocks_per_step)
    save(accuracy_figure(table), snakemake.output.svg, snakemake.output.png)
