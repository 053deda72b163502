"""Penultimate features of a network on the probe set: intact, and with each block bypassed."""

# Raised when extracted features change, so that Snakemake redoes what depends on them.
REVISION = 1
