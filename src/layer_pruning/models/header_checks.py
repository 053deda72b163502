"""What a network file claims is checked before anything is built of it. No torch.

A checksum shows that a file is as its writer left it, not that the writer meant well. So every
field has its type and its range here, and numbers that would decide how much is built (a depth, the
number of classes) have to agree with what the file holds.
"""

import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from layer_pruning.models.architectures import architecture
from layer_pruning.models.blocks import Block
from layer_pruning.models.header import NetworkHeader
from layer_pruning.models.specifications import CifarResNet

LARGEST_SIDE = 16_384
"""Pixels of a side of an image; more is a damaged number rather than an image."""


def check_header(header: NetworkHeader) -> None:
    """Raise ValueError, naming the field, where ``header`` describes no network that could be."""
    _check(_is_text(header.architecture), "architecture should be a name")
    _check(isinstance(header.arguments, dict), "arguments should be a mapping")
    _check_blocks(header.blocks, header.removed_blocks)
    check_input(header.input_shape, header.mean, header.std)
    names = header.class_names
    _check(bool(names) and all(map(_is_text, names)), "class_names should be names")
    known = {block.name for block in header.blocks}
    for block, told in header.weights.items():
        _check(
            block in known
            and (_is_count(told.numbers) or told.numbers == 0)
            and _is_finite(told.mean_absolute)
            and told.mean_absolute >= 0,
            "weights should be numbers and their mean of blocks",
        )
    _check_architecture(header)


def check_input(input_shape: Sequence[int], mean: Sequence[float], std: Sequence[float]) -> None:
    """Raise ValueError, naming the field, where no images have this shape or these statistics."""
    _check(
        len(input_shape) == 3
        and all(_is_count(size) and size <= LARGEST_SIDE for size in input_shape),
        f"input_shape should be three whole numbers in 1 … {LARGEST_SIDE}",
    )
    for field, values in (("mean", mean), ("std", std)):
        _check(
            len(values) in {1, 3, input_shape[0]} and all(map(_is_finite, values)),
            f"{field} should be one finite number a channel",
        )
    _check(all(value > 0 for value in std), "std should lie above 0")
    _check(len(mean) == len(std), "mean and std should have as many numbers")


def check_tensors(header: NetworkHeader, shapes: Mapping[str, Sequence[int]]) -> None:
    """Raise ValueError where the tensors, by their ``shapes``, are not those that were claimed.

    Every block that is left has some, no removed block has any, and one holds as many numbers a
    row or a column as there are classes.
    """
    owners = {name[:end] for name in shapes for end in _ends(name)}
    # a branch of one's own may hold nothing, such as pooling
    own = header.arguments.get("family") in ("own", "wrapped")
    for block in header.kept_blocks():
        _check(own or block in owners, f"blocks: '{block}' has no tensors")
    for block in header.removed_blocks:
        _check(block not in owners, f"removed_blocks: '{block}' has tensors still")
    classes = len(header.class_names)
    _check(
        any(classes in shape for shape in shapes.values()),
        f"class_names: there are {classes}, and no tensor has as many rows, as a classifier has",
    )


def _check_architecture(header: NetworkHeader) -> None:
    """The arguments are those that the workflow writes, and the blocks those of the depth."""
    try:
        network = architecture(header.architecture, header.arguments, header.input_shape)
        written = network.arguments()
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"arguments: they describe no network ({error})") from error
    _check({**written, **header.arguments} == written, "arguments: they are of no known family")
    if isinstance(network, CifarResNet):
        _check(network.blocks() == header.blocks, "blocks: they are not those of the depth")


def _check_blocks(blocks: Sequence[Block], removed: Sequence[str]) -> None:
    for block in blocks:
        _check(
            _is_text(block.name)
            and _is_text(block.stage)
            and isinstance(block.removable, bool)
            and (block.reason is None or isinstance(block.reason, str)),
            "blocks should have a name, a stage, and whether they can go",
        )
    known = [block.name for block in blocks]
    _check(len(set(known)) == len(known), "blocks: two have the same name")
    _check(all(map(_is_text, removed)), "removed_blocks should be names")
    _check(len(set(removed)) == len(removed), "removed_blocks: one was removed twice")
    unknown = sorted({*removed} - {*known})
    _check(not unknown, f"it lists removed blocks that it never had: {_few(unknown)}")
    fixed = {block.name for block in blocks if not block.removable}
    _check(not fixed & {*removed}, f"removed_blocks: {_few(fixed & {*removed})} cannot go")


def _check(right: bool, said: str) -> None:
    if not right:
        raise ValueError(said)


def _few(names: Collection[str]) -> str:
    return ", ".join(sorted(names)[:3]) + (" …" if len(names) > 3 else "")


def _ends(name: str) -> Iterable[int]:
    """Where the paths of the modules that hold a tensor end in its name."""
    return (place for place, letter in enumerate(name) if letter == ".")


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_finite(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    # whole numbers have no bound of their own
    return number and abs(value) <= sys.float_info.max
