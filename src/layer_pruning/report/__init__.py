"""Tables, figures and the overview page, made from the JSON and CSV files of the other stages.

Nothing here imports torch or another room: a report is drawn in seconds, on any machine, from
files that were declared as its input.
"""

# Raised when tables or figures change, so that Snakemake redoes what depends on them.
REVISION = 12
