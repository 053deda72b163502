"""Load a data set, check it, split it and write its data file."""

from layer_pruning.runtime.script import job

from layer_pruning.data.image_file import write_data
from layer_pruning.data.prepare import prepare

with job(snakemake.log[0]) as logger:
    params = snakemake.params
    data = prepare(
        {key: params[key] for key in ("kind", "path", "image_size", "channels", "stream", "cue")},
        files=snakemake.input.files,
        validation_fraction=params.validation_fraction,
        test_fraction=params.test_fraction,
        seed=params.seed,
        workers=snakemake.threads,
    )
    write_data(snakemake.output[0], data)
    logger.info("%d images of %d classes", len(data.labels), len(data.class_names))
