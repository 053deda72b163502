"""Adversarial attacks on image classifiers, and the guards that make their numbers mean something.

A network is any torch module that maps images (n, c, h, w) in [0, 1] to logits (n, k).
"""

# Raised when results change, so that Snakemake redoes what depends on them.
REVISION = 2
