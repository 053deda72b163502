"""What scoring needs of an activations file."""

from collections.abc import Sequence
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


class Unseen:
    """A probe of no images, for metrics that look at none: the candidates, in network order."""

    def __init__(self, candidates: Sequence[str]) -> None:
        self.blocks = np.array(candidates)
        self.features = self.logits = np.empty((0, 0))
        self.features_bypassed = self.logits_bypassed = np.empty((0, 0, 0))
        self.labels = np.empty(0)
