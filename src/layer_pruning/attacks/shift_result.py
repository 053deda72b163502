"""The file ``corruptions.json``, as others read it. No torch."""

import math
from typing import Any

from layer_pruning.runtime.record_files import PathLike, read_record_file


def read_shift(path: PathLike) -> dict[str, Any]:
    """Read a record of shifted images; raises as :func:`read_record_file`.

    Counts by corruption and severity add up to those by image, and to the accuracy.
    """
    return read_record_file(path, _check)


def _check(record: dict[str, Any]) -> None:
    images = len(record["image_indices"])
    of_image, counts = record["correct_of_image"], record["corruptions"]
    if len(of_image) != images:
        raise ValueError(f"correct_of_image has {len(of_image)} entries for {images} images")
    for name, by_severity in counts.items():
        if len(by_severity) != len(record["severities"]):
            raise ValueError(f"corruptions.{name} has {len(by_severity)} severities")
        if not all(type(count) is int and 0 <= count <= images for count in by_severity):
            raise ValueError(f"corruptions.{name} should be counts of at most {images} images")
    total = sum(map(sum, counts.values()))
    if total != sum(of_image):
        raise ValueError(f"corruptions add up to {total}, and correct_of_image to {sum(of_image)}")
    tests = images * sum(map(len, counts.values()))
    accuracy = record["corrupted_accuracy"]
    if tests and not math.isclose(accuracy, total / tests, abs_tol=1e-9):
        raise ValueError(f"corrupted_accuracy is {accuracy}, and {total} of {tests} are correct")
    for name, shifted in record["shifted"].items():
        if not set(shifted["correct"]) <= {0, 1}:
            raise ValueError(f"shifted.{name}.correct should be 0 or 1 an image")
