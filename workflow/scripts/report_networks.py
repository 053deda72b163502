"""A page for each network."""

from layer_pruning.runtime.script import job

import os
from pathlib import Path

from layer_pruning.models.network_file import read_header
from layer_pruning.report.html_page import write_html
from layer_pruning.report.pages.network_page import network_page
from layer_pruning.report.records import Network

with job(snakemake.log[0]) as logger:
    files = [Path(file) for file in dict.fromkeys(snakemake.input)]
    for output in map(Path, snakemake.output):
        folder = output.parent
        classes = read_header(folder / "network.safetensors").class_names
        own = [file for file in files if file.is_relative_to(folder)]
        up = os.path.relpath(Network.of(folder).results / "report.html", folder)
        write_html(network_page(folder, up, own, classes), output)
    logger.info("%d pages", len(snakemake.output))
