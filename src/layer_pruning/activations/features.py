"""The activations file: features and logits of one sweep, one ``.npz``. No torch."""

import os
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from layer_pruning.atomic import written_whole


@dataclass(frozen=True)
class Activations:
    """Features and logits of n probe images, intact and with each of c candidates bypassed."""

    features: np.ndarray
    """(n, d), float32, after global pooling."""
    features_bypassed: np.ndarray
    """(c, n, d)."""
    logits: np.ndarray
    """(n, k)."""
    logits_bypassed: np.ndarray
    """(c, n, k)."""
    labels: np.ndarray
    """(n,)."""
    blocks: np.ndarray
    """(c,), names of the candidates in network order."""
    probe_indices: np.ndarray
    """(n,), which images of the training split these are."""


def write_activations(path: str | os.PathLike[str], activations: Activations) -> None:
    """Write an activations file, whole. Raises ValueError for features that are not finite."""
    for name, values in asdict(activations).items():
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            raise ValueError(f"{path}: {name} holds values that are not finite")
    with written_whole(path) as temporary:
        np.savez(temporary, **asdict(activations))


def read_activations(path: str | os.PathLike[str]) -> Activations:
    """Read an activations file. Raises FileNotFoundError, or ValueError naming the file."""
    if not Path(path).is_file():
        raise FileNotFoundError(f"{path}: there is no such activations file")
    try:
        with np.load(path, allow_pickle=False) as file:
            return Activations(**{name: file[name] for name in Activations.__dataclass_fields__})
    except (KeyError, ValueError, OSError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"{path}: not a readable activations file ({error}); delete it and run again"
        ) from error
