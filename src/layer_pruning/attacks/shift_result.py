"""The file ``corruptions.json``, as others read it. No torch."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from layer_pruning.runtime.record_files import PathLike, read_record_file, write_record_file


def read_shift(path: PathLike) -> dict[str, Any]:
    """Read a record of shifted images; raises as :func:`read_record_file`.

    Counts by corruption and severity add up to those by image, and to the accuracy.
    """
    return read_record_file(path, _check)


def write_shift(path: PathLike, record: Mapping[str, Any]) -> None:
    """Write what ``shift_record`` returned; it appears whole."""
    write_record_file(path, record, indent=None)


def join_files(path: PathLike, shards: Sequence[PathLike]) -> None:
    """Write the record of all images from the files of its shards, in their order.

    Raises ValueError naming a file that is none, or as :func:`join_shifts`.
    """
    write_shift(path, join_shifts([read_shift(shard) for shard in shards]))


def join_shifts(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The record of all images from those of its shards, in their order.

    Raises ValueError where the shards are not of the same corruptions, or hold an image twice.
    """
    first = parts[0]
    for key in ("source", "severities", "corruptions", "shifted"):
        if any(_names(part[key]) != _names(first[key]) for part in parts):
            raise ValueError(f"parts of different corruptions cannot be joined: {key}")
    indices = [index for part in parts for index in part["image_indices"]]
    if len(set(indices)) < len(indices):
        raise ValueError("parts of corrupted images hold an image twice")
    counts = {name: [0] * len(first["severities"]) for name in first["corruptions"]}
    shifted: dict[str, list[int]] = {name: [] for name in first["shifted"]}
    for part in parts:
        for name, before in counts.items():
            of_part = part["corruptions"][name]
            counts[name] = [sum(pair) for pair in zip(before, of_part, strict=True)]
        for name, correct in shifted.items():
            correct += part["shifted"][name]["correct"]
    clean = [part["clean_correct"] for part in parts]
    tests = len(counts) * len(first["severities"]) * len(indices)
    return {
        **first,
        "image_indices": indices,
        "clean_correct": None if None in clean else sum(clean),
        "corruptions": counts,
        "correct_of_image": [right for part in parts for right in part["correct_of_image"]],
        "corrupted_accuracy": sum(map(sum, counts.values())) / tests if tests else None,
        "shifted": {name: {"correct": correct} for name, correct in shifted.items()},
    }


def _names(value: Any) -> Any:
    return list(value) if isinstance(value, Mapping) else value


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
