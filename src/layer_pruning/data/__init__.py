"""Images and labels as arrays, their splits, the probe set, and augmentation."""

# Raised when prepared data change, so that Snakemake redoes what depends on them.
REVISION = 2
