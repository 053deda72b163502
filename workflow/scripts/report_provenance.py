"""How the results were made: seeds, machines, versions and the configuration."""

from layer_pruning.runtime.script import job

from layer_pruning.report.html_page import write_html
from layer_pruning.report.pages.provenance import provenance_page
from layer_pruning.runtime.machine import machine

with job(snakemake.log[0]):
    files = snakemake.input
    page = provenance_page(
        files.emissions, files.latencies, snakemake.params.configuration, machine()
    )
    write_html(page, snakemake.output[0])
