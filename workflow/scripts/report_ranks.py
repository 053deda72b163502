"""Ranks of all blocks by all metrics of one criterion, step by step."""

from layer_pruning.runtime.script import job

from layer_pruning.report.figures.ranks import ranks_figure
from layer_pruning.report.figures.style import save
from layer_pruning.report.network_tables import ranking_table
from layer_pruning.report.records import read_steps

with job(snakemake.log[0]):
    title = "{criterion}, {dataset}, {architecture}, seed {seed}".format(**snakemake.wildcards)
    gone = read_steps(snakemake.input.outcomes)
    tables = map(ranking_table, snakemake.input.rankings)
    figure = ranks_figure(dict(zip(gone, tables, strict=True)), title, gone)
    save(figure, snakemake.output.svg, snakemake.output.png)
