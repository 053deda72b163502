"""Shortcut learning of one data set and architecture: figure and table."""

from layer_pruning.runtime.script import job

from layer_pruning.report.figures.shortcut import shortcut_figure
from layer_pruning.report.figures.style import save
from layer_pruning.report.findings.shortcut import outcomes
from layer_pruning.report.html_page import write_html
from layer_pruning.report.pages.table_pages import shortcut_page

with job(snakemake.log[0]):
    save(shortcut_figure(outcomes(snakemake.input)), snakemake.output.figure, snakemake.output.png)
    write_html(shortcut_page(snakemake.input), snakemake.output.table)
