"""What scoring needs of an activations file."""

from typing import Protocol

import numpy as np


class Probe(Protocol):
    """Features (n, d) and logits (n, k) of n probe images, and with each of c blocks bypassed.

    An activations file, as it is read, is one.
    """

    @property
    def features(self) -> np.ndarray:
        """(n, d)."""

    @property
    def features_bypassed(self) -> np.ndarray:
        """(c, n, d)."""

    @property
    def logits(self) -> np.ndarray:
        """(n, k)."""

    @property
    def logits_bypassed(self) -> np.ndarray:
        """(c, n, k)."""

    @property
    def labels(self) -> np.ndarray:
        """(n,)."""

    @property
    def blocks(self) -> np.ndarray:
        """(c,), names of the candidates in network order."""
