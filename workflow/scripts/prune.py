"""Remove the blocks that a ranking names first, as many as the step asks for."""

from layer_pruning.runtime.script import job

from layer_pruning.consensus.ranking import removal_order
from layer_pruning.models.candidates import Limits
from layer_pruning.models.network_file import read_network, write_network
from layer_pruning.surgery import without_blocks

with job(snakemake.log[0]) as logger:
    params, removed = snakemake.params, int(snakemake.wildcards.step)
    header, tensors = read_network(snakemake.input.network)
    before = len(header.removed_blocks)
    header, tensors = without_blocks(
        header,
        tensors,
        removal_order(snakemake.input.ranking),
        count=removed - before,
        limits=Limits.of(params),
    )
    write_network(snakemake.output.network, header, tensors)
    gone, left = header.removed_blocks[before:], header.kept_blocks()
    logger.info("removed %s; left are %s", ", ".join(gone), ", ".join(left))
