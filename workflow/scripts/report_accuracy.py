"""The accuracy of the networks of one data set and architecture, before anything is attacked."""

from layer_pruning.runtime.script import job

from pathlib import Path

from layer_pruning.report.figures.accuracy import accuracy_figure
from layer_pruning.report.figures.style import save
from layer_pruning.report.summary import summarise

with job(snakemake.log[0]):
    params, folders = snakemake.params, [Path(file).parent for file in snakemake.input.accuracy]
    options = {key: params[key] for key in ("origins", "blocks_per_step", "searched")}
    table = summarise(folders, **options)
    save(accuracy_figure(table), snakemake.output.svg, snakemake.output.png)
