"""How the results were made: seeds, machines, versions and the configuration."""

from layer_pruning.script import job

from layer_pruning.machine import machine
from layer_pruning.report.html_page import write_html
from layer_pruning.report.provenance import provenance_page

with job(snakemake.log[0]):
    files = snakemake.input
    page = provenance_page(
        files.emissions, files.latencies, snakemake.params.configuration, machine()
    )
    write_html(page, snakemake.output[0])
