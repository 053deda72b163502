"""Search beyond greedy removal: whole sets of blocks, held against the intact network."""

# Raised when what a search finds changes, so that Snakemake redoes what depends on it.
REVISION = 1
