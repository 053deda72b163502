"""One attack result from those of its shards."""

from layer_pruning.runtime.script import job

from layer_pruning.attacks.result import join_results, read_result, write_result

with job(snakemake.log[0]) as logger:
    result = join_results([read_result(path) for path in snakemake.input])
    write_result(snakemake.output[0], result)
    logger.info("%d images in %d shards", len(result["labels"]), len(snakemake.input))
