"""Load a data set, split it and write its data file."""

from layer_pruning.data.image_file import write_data
from layer_pruning.data.prepare import prepare
from layer_pruning.job import job

with job(snakemake.log[0]) as logger:
    data = prepare(
        snakemake.wildcards.dataset,
        validation_fraction=snakemake.params.validation_fraction,
        test_fraction=snakemake.params.test_fraction,
        seed=snakemake.params.seed,
    )
    write_data(snakemake.output[0], data)
    logger.info("%d images of %d classes", len(data.labels), len(data.class_names))
