"""What a network is worth and what it costs: accuracy, multiply-accumulates, parameters."""

# Raised when results change, so that Snakemake redoes what depends on them.
REVISION = 2
