"""Energy and carbon of work: of one job, of inference, and of a network in all."""

# Raised when records change, so that Snakemake redoes what depends on them.
REVISION = 3
