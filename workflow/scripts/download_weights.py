"""Fetch one file of a network on the hub and check it."""

from layer_pruning.runtime.script import job

import logging

from layer_pruning.models.hub_files import fetch

with job(snakemake.log[0]):
    repository, file = snakemake.wildcards.repository, snakemake.wildcards.file
    sha256 = fetch(repository, file, snakemake.output[0], snakemake.params.sha256)
    logging.getLogger(__name__).info("%s of %s has the SHA-256 %s", file, repository, sha256)
