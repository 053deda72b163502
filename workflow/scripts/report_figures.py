"""The figures of one data set and architecture."""

from layer_pruning.runtime.script import job

from pathlib import Path

from layer_pruning.installation import workflow_folder
from layer_pruning.report.figures.all import figures_of
from layer_pruning.report.figures.style import save

POINTS = workflow_folder() / "config" / "published" / "points.csv"

with job(snakemake.log[0]):
    pngs = {Path(png).stem: png for png in snakemake.output.png}
    setting = snakemake.params.published_setting
    drawn = figures_of(**snakemake.wildcards, **snakemake.input, published=POINTS, setting=setting)
    for name, figure in drawn.items():
        save(figure, snakemake.output[name], pngs[name])
