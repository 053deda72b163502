"""Remove the block that a ranking names from a network file."""

from layer_pruning.job import job

from layer_pruning.consensus.ranking import removed_block
from layer_pruning.models.network_file import read_network, write_network
from layer_pruning.surgery import without_block

with job(snakemake.log[0]) as logger:
    block = removed_block(snakemake.input.ranking)
    header, tensors = without_block(*read_network(snakemake.input.network), block)
    write_network(snakemake.output.network, header, tensors)
    logger.info("removed %s; left are %s", block, ", ".join(header.kept_blocks()))
