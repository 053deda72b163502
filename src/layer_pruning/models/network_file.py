"""The network file: one ``.safetensors`` that says itself what network it holds. No torch.

Its metadata carries the architecture, the blocks removed so far in order, the input shape, the
normalisation and the class names, so that nothing but the file is needed to rebuild the network.
Of blocks whose weights are not their tensors here it says how many there are, and how large.
No pickle is involved. A file of a user's own network names the function that builds it, which is a
claim and no more: that function is imported and called only where the configuration or the caller
names it too (:func:`check_build`). Two checksums, of the tensors and of the rest of the metadata,
tell a file with a changed bit, which the format does not.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from layer_pruning.models.architectures import architecture
from layer_pruning.models.block_weights import BlockWeights
from layer_pruning.models.blocks import Block
from layer_pruning.models.header import NetworkHeader
from layer_pruning.models.header_checks import check_header, check_tensors
from layer_pruning.models.specifications import OwnNetwork
from layer_pruning.runtime.access import check_opens
from layer_pruning.runtime.atomic import written_whole
from layer_pruning.runtime.checksums import array_checksum, text_checksum
from layer_pruning.runtime.record_files import REMEDY, below_results

FORMAT = "layer-pruning network 1"
SEQUENCES = ("input_shape", "mean", "std", "class_names", "removed_blocks")
LONGEST_REASON = 300
"""Characters of what is wrong with a file, which may quote what the file says."""


def write_network(
    path: str | os.PathLike[str], header: NetworkHeader, tensors: Mapping[str, np.ndarray]
) -> None:
    """Write a network file, whole.

    Raises ValueError in one line for weights that are not finite, and for a header or tensors that
    a reader would refuse.
    """
    try:
        check_header(header)
        check_tensors(header, {name: tensor.shape for name, tensor in tensors.items()})
    except ValueError as error:
        raise ValueError(f"{path}: {error}; nothing was written") from error
    for name, tensor in tensors.items():
        if not np.isfinite(tensor).all():
            raise ValueError(
                f"{path}: {name} holds values that are not finite; nothing was written"
            )
    tensors = {name: np.asarray(value, order="C") for name, value in tensors.items()}
    metadata = {"format": FORMAT, "tensors_checksum": array_checksum(tensors)}
    for key, value in _written(header).items():
        metadata[key] = value if isinstance(value, str) else json.dumps(value)
    metadata["metadata_checksum"] = _metadata_checksum(metadata)
    with written_whole(path) as temporary:
        save_file(tensors, temporary, metadata)
        _sort_metadata(temporary)


def _sort_metadata(path: Path) -> None:
    """Put the keys of the metadata of a file in order, so that equal networks are equal files.

    safetensors writes them in an order that changes from call to call. The header is JSON after
    eight bytes that say how long it is.
    """
    with path.open("r+b") as file:
        size = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(size))
        header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
        text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode().ljust(size)
        # only the order changed; what does not fit stays as it is
        if len(text) == size:
            file.seek(8)
            file.write(text)


def check_build(header: NetworkHeader) -> None:
    """Raise ValueError where only a file says which function builds the network of ``header``."""
    network = architecture(header.architecture, header.arguments, header.input_shape)
    if isinstance(network, OwnNetwork) and not header.may_build:
        raise ValueError(
            f"it says that '{network.build}' builds its network, and a file is not trusted to name "
            f"code; if you do trust that function, say build='{network.build}' (on the command "
            f"line --build {network.build})"
        )


def named_by_caller(header: NetworkHeader, build: str | None) -> NetworkHeader:
    """``header`` of a file, which may be built where the caller's ``build`` is what it names.

    Raises ValueError where the two differ.
    """
    network = architecture(header.architecture, header.arguments, header.input_shape)
    if build is None or not isinstance(network, OwnNetwork):
        return header
    if build != network.build:
        raise ValueError(f"'{network.build}' builds its network, not '{build}'")
    return replace(header, may_build=True)


def _written(header: NetworkHeader) -> dict[str, Any]:
    """What a file holds of a header: whom to trust is for its reader to say."""
    written = {key: value for key, value in asdict(header).items() if key != "may_build"}
    # the usual file has none
    if not header.weights:
        del written["weights"]
    return written | {"blocks": [block.record() for block in header.blocks]}


def _metadata_checksum(metadata: Mapping[str, str]) -> str:
    """Of all metadata but itself."""
    return text_checksum(
        text for item in sorted(metadata.items()) if item[0] != "metadata_checksum" for text in item
    )


def read_header(path: str | os.PathLike[str]) -> NetworkHeader:
    """Read what a network file says of its network, without its weights.

    Raises FileNotFoundError, or ValueError in one line naming the file, where it is no network
    file or is damaged.
    """
    with _opened(path) as file:
        return _header(path, file.metadata())


def read_network(path: str | os.PathLike[str]) -> tuple[NetworkHeader, dict[str, np.ndarray]]:
    """Read a network file: its header, and its tensors by name. Raises as :func:`read_header`."""
    with _opened(path) as file:
        metadata = file.metadata()
        header = _header(path, metadata)
        try:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        # a type that numpy lacks, such as a flipped bit makes
        except (SafetensorError, TypeError, ValueError, AttributeError) as error:
            wrong = f"{path}: its tensors are damaged ({error})"
            raise ValueError(f"{wrong}; {_right(path)}") from error
    if array_checksum(tensors) != metadata["tensors_checksum"]:
        raise ValueError(f"{path}: its tensors do not have their checksum; {_right(path)}")
    try:
        check_tensors(header, {name: tensor.shape for name, tensor in tensors.items()})
    except ValueError as error:
        raise ValueError(f"{path}: {error}; {_right(path)}") from error
    return header, tensors


def _right(path: str | os.PathLike[str]) -> str:
    """What to do about a file that is damaged, or no network file, wherever it lies."""
    if below_results(path):
        return REMEDY
    return "a .safetensors file as the workflow wrote it would be right"


def _opened(path: str | os.PathLike[str]) -> Any:
    if not Path(path).is_file():
        raise FileNotFoundError(f"{path}: there is no such network file")
    check_opens(path)
    try:
        return safe_open(path, framework="numpy")
    except SafetensorError as error:
        wrong = f"{path}: not a readable network file ({error})"
        raise ValueError(f"{wrong}; {_right(path)}") from error


def _header(path: str | os.PathLike[str], metadata: Mapping[str, str] | None) -> NetworkHeader:
    if not metadata or metadata.get("format") != FORMAT:
        raise ValueError(
            f"{path}: not a network file of this workflow (its metadata lacks 'format: {FORMAT}')"
        )
    if metadata.get("metadata_checksum") != _metadata_checksum(metadata):
        raise ValueError(f"{path}: its metadata do not have their checksum; {_right(path)}")
    try:
        parsed: dict[str, Any] = {
            key: json.loads(metadata[key], parse_constant=_no_number)
            for key in ("arguments", "blocks", *SEQUENCES)
        }
        weights = dict(json.loads(metadata.get("weights", "{}"), parse_constant=_no_number))
        header = NetworkHeader(
            architecture=metadata["architecture"],
            arguments=parsed["arguments"],
            blocks=tuple(Block.of(block) for block in parsed["blocks"]),
            input_shape=_sequence("input_shape", parsed),
            mean=_sequence("mean", parsed),
            std=_sequence("std", parsed),
            class_names=_sequence("class_names", parsed),
            removed_blocks=_sequence("removed_blocks", parsed),
            weights={block: BlockWeights(**told) for block, told in weights.items()},
        )
        # the metadata promise it, and read_network compares
        metadata["tensors_checksum"]
        check_header(header)
    except (KeyError, TypeError, ValueError, RecursionError, OverflowError) as error:
        said = " ".join(str(error).split())[:LONGEST_REASON]
        raise ValueError(f"{path}: its metadata is damaged ({said}); {_right(path)}") from error
    return header


def _sequence(key: str, parsed: Mapping[str, Any]) -> Any:
    if not isinstance(parsed[key], list):
        raise ValueError(f"{key} should be a list")
    return tuple(parsed[key])


def _no_number(word: str) -> None:
    raise ValueError(f"{word} is no number")
