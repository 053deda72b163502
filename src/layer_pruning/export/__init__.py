"""Networks that travel: formats that load without this package, and the proof that they agree."""

# Raised when exported files change, so that Snakemake redoes them.
REVISION = 2
