"""The handwritten digits that scikit-learn ships."""

import numpy as np


def load_digits() -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Images (1797, 1, 8, 8) in [0, 1] as float32, labels (1797,), and the class names."""
    # scikit-learn takes over a second to import, and one job in a workflow needs it
    from sklearn import datasets

    digits = datasets.load_digits()
    images = (digits.images / 16.0).astype(np.float32)[:, None]
    return images, digits.target.astype(np.int64), tuple(str(n) for n in digits.target_names)
