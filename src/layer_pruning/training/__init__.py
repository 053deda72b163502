"""One training loop for baselines and fine-tuning."""

# Raised when trained networks change, so that Snakemake redoes what depends on them.
REVISION = 4
