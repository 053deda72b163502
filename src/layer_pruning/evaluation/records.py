"""The records of this room, as others read them: what they say has to fit together. No torch."""

import math
from collections.abc import Mapping
from typing import Any

from layer_pruning.runtime.record_files import (
    PathLike,
    check_numbers,
    check_share,
    part_of_record,
    read_record_file,
)


def read_accuracy(path: PathLike) -> dict[str, Any]:
    """``accuracy.json``: accuracy is the share of correct images. Raises as `read_record_file`."""
    return read_record_file(path, _check_accuracy)


def read_calibration(path: PathLike) -> dict[str, Any]:
    """``calibration.json``: bins hold every image once. Raises as `read_record_file`."""
    return read_record_file(path, _check_calibration)


def read_complexity(path: PathLike) -> dict[str, Any]:
    """``complexity.json``: the reduction is that of the counts. Raises as `read_record_file`."""
    return read_record_file(path, _check_complexity)


def read_latency(path: PathLike) -> dict[str, Any]:
    """``latency.json``: times are positive, intervals hold them. Raises as `read_record_file`."""
    return read_record_file(path, _check_latency)


def read_shortcut(path: PathLike) -> dict[str, Any]:
    """``shortcut.json``: shares are those of the predictions. Raises as `read_record_file`."""
    return read_record_file(path, _check_shortcut)


def _check_accuracy(record: Mapping[str, Any]) -> None:
    for split in ("validation", "test"):
        with part_of_record(f"splits.{split}"):
            said = record["splits"][split]
            check_share(said, part="correct", whole="images", share="accuracy")


def _check_calibration(record: Mapping[str, Any]) -> None:
    if record["temperature"] is not None:
        check_numbers(record, "temperature")
    for name, split in record["splits"].items():
        for kind in ("as_trained", "scaled"):
            if split[kind] is not None:
                with part_of_record(f"splits.{name}.{kind}"):
                    _check_errors(split[kind], split["images"])


def _check_errors(errors: Mapping[str, Any], images: int) -> None:
    names = ("expected_calibration_error", "negative_log_likelihood", "brier_score")
    check_numbers(errors, *names)
    for name, most in (("expected_calibration_error", 1), ("brier_score", 2)):
        if errors[name] > most + 1e-9:
            raise ValueError(f"{name} is {errors[name]}, expected at most {most}")
    found = sum(place["images"] for place in errors["bins"])
    if found != images:
        raise ValueError(f"bins hold {found} images, expected {images}")


def _check_complexity(record: Mapping[str, Any]) -> None:
    check_numbers(record, "macs", "parameters", "baseline_macs")
    reduction = 100 * (1 - record["macs"] / record["baseline_macs"])
    said = record["macs_reduction_percent"]
    if not math.isclose(said, reduction, abs_tol=1e-6):
        raise ValueError(f"macs_reduction_percent is {said}, and the counts say {reduction}")
    both = set(record["blocks"]) & set(record["removed_blocks"])
    if both:
        raise ValueError(f"removed_blocks: {', '.join(sorted(both))} is among the blocks left")


def _check_latency(record: Mapping[str, Any]) -> None:
    check_numbers(record, "macs", "baseline_macs", least=1)
    for place, timing in enumerate(record["timings"]):
        with part_of_record(f"timings[{place}]"):
            check_numbers(timing, "seconds", "baseline_seconds")


def _check_shortcut(record: Mapping[str, Any]) -> None:
    labels = record["labels"]
    for name, found in record["predictions"].items():
        if len(found) != len(labels):
            raise ValueError(
                f"expected one prediction for each of {len(labels)} labels in "
                f"predictions.{name}, not {len(found)}"
            )
        said = record["accuracy"][name]
        with part_of_record(f"accuracy.{name}"):
            check_share(said, part="count", whole="of", share="share")
        right = sum(one == other for one, other in zip(found, labels, strict=True))
        if said["count"] != right:
            raise ValueError(
                f"accuracy.{name}.count is {said['count']}, and {right} predictions are right"
            )
    for name in ("follows_cue", "cue_alone"):
        with part_of_record(name):
            check_share(record[name], part="count", whole="of", share="share")
