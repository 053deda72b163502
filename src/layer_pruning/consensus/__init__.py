"""Many metrics, one decision: rank the blocks, join the ranks, and say how far they agree.

The room takes tables of scores keyed by block name, and returns the block to remove next. A
criterion of a single metric is a consensus of one and takes the same way.
"""

# Raised when results change, so that Snakemake redoes what depends on them.
REVISION = 1
