"""What each block is worth: one number a block and metric, the smallest going first."""

# Raised when scores change, so that Snakemake redoes what depends on them.
REVISION = 2
# Raised alone when scores on resamples change, which decide nothing.
RESAMPLES_REVISION = 1
