"""Fetch one file of a data set and check it."""

from layer_pruning.runtime.script import job

from layer_pruning.data.downloads import download

with job(snakemake.log[0]):
    download(snakemake.params.kind, snakemake.output[0])
