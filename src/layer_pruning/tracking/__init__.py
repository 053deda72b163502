"""Results for the trackers of experiments that people have: TensorBoard and MLflow."""

# Raised when what is written for trackers changes, so that Snakemake redoes it.
REVISION = 1
