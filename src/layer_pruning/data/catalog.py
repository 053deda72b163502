"""The known data sets and the sizes of their splits, without loading any image. No torch."""

from dataclasses import dataclass


@dataclass(frozen=True)
class DatasetInfo:
    """What is known of a data set before it is read."""

    description: str
    images_per_class: tuple[int, ...]
    input_shape: tuple[int, int, int]
    """Channels, height, width."""


DATASETS = {
    "digits": DatasetInfo(
        "1,797 handwritten digits of 8 × 8 pixels that scikit-learn ships (Alpaydin and Kaynak "
        "1998, UCI Machine Learning Repository, doi 10.24432/C50P49)",
        images_per_class=(178, 182, 177, 183, 181, 182, 181, 179, 174, 180),
        input_shape=(1, 8, 8),
    ),
}


def split_sizes(
    images: int, *, validation_fraction: float, test_fraction: float
) -> tuple[int, int, int]:
    """Images of one class in train, validation and test, each share rounded to a whole image."""
    test = round(images * test_fraction)
    validation = round(images * validation_fraction)
    return images - validation - test, validation, test
