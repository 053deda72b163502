"""The probe set as callers give it: images and labels, checked."""

import numpy as np
from numpy.typing import ArrayLike
from torch import Tensor

from layer_pruning.models.header import NetworkHeader
from layer_pruning.models.images import checked_images


def checked_probe(
    header: NetworkHeader, images: ArrayLike | Tensor, labels: ArrayLike | Tensor
) -> tuple[Tensor, np.ndarray]:
    """Images (n, channels, height, width), float32 on the CPU, and labels (n,), whole numbers.

    Raises ValueError in one line for images as
    :func:`layer_pruning.models.images.checked_images`, and for anything but a class for each.
    """
    given = checked_images(header, images)
    return given, _checked_labels(labels, len(given))


def _checked_labels(labels: ArrayLike | Tensor, images: int) -> np.ndarray:
    try:
        found = np.asarray(labels.detach().cpu() if isinstance(labels, Tensor) else labels)
    # a ragged list, or a number format that NumPy lacks
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(
            f"labels: the number of a class for each image, (n,), would be right, not a "
            f"{type(labels).__name__}"
        ) from error
    if found.shape != (images,):
        given = "are None" if labels is None else f"have shape {found.shape}"
        raise ValueError(
            f"labels {given}, and there are {images} images: one for each, (n,), would be right"
        )
    if not np.issubdtype(found.dtype, np.integer) or found.min() < 0:
        raise ValueError("labels should be the numbers of classes, 0 and up")
    return found
