"""Ranks of all blocks by all metrics of one criterion, step by step."""

from layer_pruning.job import job

import pandas as pd

from layer_pruning.report import figures
from layer_pruning.report.records import read_steps

with job(snakemake.log[0]):
    title = "{criterion}, {dataset}, {architecture}, seed {seed}".format(**snakemake.wildcards)
    gone = read_steps(snakemake.input.outcomes)
    tables = map(pd.read_csv, snakemake.input.rankings)
    figure = figures.ranks(dict(zip(gone, tables, strict=True)), title, gone)
    figures.save(figure, snakemake.output[0])
