"""Ranks of all blocks by all metrics of one criterion, step by step."""

from layer_pruning.job import job

import pandas as pd

from layer_pruning.report import figures

with job(snakemake.log[0]):
    title = "{criterion}, {dataset}, {architecture}, seed {seed}".format(**snakemake.wildcards)
    tables = {step: pd.read_csv(path) for step, path in enumerate(snakemake.input, start=1)}
    figures.save(figures.ranks(tables, title), snakemake.output[0])
