"""Make residual image classifiers shallower, block by block, and measure what that costs."""

__version__ = "0.1.0"
