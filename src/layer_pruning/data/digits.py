"""The handwritten digits that scikit-learn ships."""

import numpy as np

from layer_pruning.data.image_file import ImageData


def load_digits() -> ImageData:
    """All 1,797 images, (1797, 1, 8, 8) with 17 levels of grey, not split yet."""
    # scikit-learn takes over a second to import, and one job in a workflow needs it
    from sklearn import datasets

    digits = datasets.load_digits()
    return ImageData(
        images=digits.images.astype(np.uint8)[:, None],
        labels=digits.target.astype(np.int64),
        split=np.zeros(len(digits.target), dtype=np.uint8),
        class_names=tuple(str(name) for name in digits.target_names),
        levels=16,
    )
