"""Residual networks as an ordered trunk of named blocks, and the file that holds one.

``architectures`` and ``network_file`` import no torch: the Snakefile validates against the first
and the ``prune`` job works on the second.
"""

# Raised when built or loaded networks change, so that Snakemake redoes what depends on them.
REVISION = 2
