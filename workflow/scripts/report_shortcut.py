"""Shortcut learning of one data set and architecture: figure and table."""

from layer_pruning.runtime.script import job

from layer_pruning.report.figures.shortcut import shortcut_figure
from layer_pruning.report.figures.style import save
from layer_pruning.report.findings.shortcut import outcomes
from layer_pruning.report.html_page import write_html
from layer_pruning.report.network_tables import read_csv
from layer_pruning.report.pages.table_pages import shortcut_page
from layer_pruning.report.selection import on_the_way, varying

with job(snakemake.log[0]):
    given, out = snakemake.input, snakemake.output
    save(shortcut_figure(outcomes(given.shortcuts)), out.figure, out.png)
    summary = read_csv(given.summary)
    places = {"on_the_way": on_the_way(summary), "varying": varying(summary)}
    write_html(shortcut_page(given.shortcuts, **places), out.table)
