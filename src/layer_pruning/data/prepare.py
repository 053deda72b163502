"""From the name of a data set to its data file."""

from layer_pruning.data.catalog import DATASETS
from layer_pruning.data.digits import load_digits
from layer_pruning.data.image_file import ImageData
from layer_pruning.data.splits import stratified_split

LOADERS = {"digits": load_digits}


def prepare(
    dataset: str, *, validation_fraction: float, test_fraction: float, seed: int
) -> ImageData:
    """Load ``dataset`` and split it, stratified and seeded. Raises ValueError if it is unknown."""
    if dataset not in LOADERS:
        raise ValueError(f"'{dataset}' is no data set: known are {', '.join(DATASETS)}")
    images, labels, class_names = LOADERS[dataset]()
    split = stratified_split(
        labels,
        validation_fraction=validation_fraction,
        test_fraction=test_fraction,
        seed=seed,
    )
    return ImageData(images, labels, split, class_names)
