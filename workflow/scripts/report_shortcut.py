"""Shortcut learning of one data set and architecture: figure and table."""

from layer_pruning.job import job

from layer_pruning.report import figures
from layer_pruning.report.html_page import write_html
from layer_pruning.report.shortcut import outcomes
from layer_pruning.report.shortcut_views import shortcut_figure, shortcut_page

with job(snakemake.log[0]):
    figures.save(shortcut_figure(outcomes(snakemake.input)), snakemake.output.figure)
    write_html(shortcut_page(snakemake.input), snakemake.output.table)
