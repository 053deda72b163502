"""Distances between the features of a network and of that network less one block.

Nothing heavy is imported until a metric is asked for, so that ``similarity.catalog`` stays free
for the workflow to read while it is being parsed.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from layer_pruning.similarity.batch import METRICS, VARIANTS, distances

# raised when a distance changes, so that the workflow redoes what depends on it
REVISION = 1

__all__ = ["METRICS", "REVISION", "VARIANTS", "distances"]


def __getattr__(name: str) -> Any:
    """Import the metrics at their first use (PEP 562)."""
    if name in ("METRICS", "VARIANTS", "distances"):
        from layer_pruning.similarity import batch

        return getattr(batch, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
