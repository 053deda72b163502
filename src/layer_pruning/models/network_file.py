"""The network file: one ``.safetensors`` that says itself what network it holds. No torch.

Its metadata carries the architecture, the blocks removed so far in order, the input shape, the
normalisation and the class names, so that nothing but the file is needed to rebuild the network.
No pickle is involved: a network file cannot run code. Two checksums, of the tensors and of the
rest of the metadata, tell a file with a changed bit, which the format does not.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from layer_pruning.access import check_opens
from layer_pruning.atomic import written_whole
from layer_pruning.checksums import array_checksum, text_checksum
from layer_pruning.models.architectures import Block, architecture

FORMAT = "layer-pruning network 1"
REMEDY = "delete it and run the workflow again"


@dataclass(frozen=True)
class NetworkHeader:
    """What a network file says of its network."""

    architecture: str
    arguments: dict[str, Any]
    blocks: tuple[Block, ...]
    """All blocks of the unpruned network, in network order."""
    input_shape: tuple[int, int, int]
    """Channels, height and width of an image in [0, 1]."""
    mean: tuple[float, ...]
    std: tuple[float, ...]
    class_names: tuple[str, ...]
    removed_blocks: tuple[str, ...] = ()
    """Names in the order of their removal."""

    @classmethod
    def of(
        cls,
        name: str,
        options: Mapping[str, Any],
        *,
        input_shape: tuple[int, int, int],
        mean: tuple[float, ...],
        std: tuple[float, ...],
        class_names: tuple[str, ...],
    ) -> "NetworkHeader":
        """The header of an unpruned network: architecture ``name`` with its ``options``.

        ``mean`` and ``std`` among the options go before those given, which are the data's.
        """
        shape = architecture(name, options, input_shape)
        return cls(
            architecture=name,
            arguments=shape.arguments(),
            blocks=shape.blocks(),
            input_shape=input_shape,
            mean=tuple(options.get("mean") or mean),
            std=tuple(options.get("std") or std),
            class_names=class_names,
        )

    def kept_blocks(self) -> list[str]:
        """Names of the blocks that are left, in network order."""
        return [block.name for block in self.blocks if block.name not in self.removed_blocks]


def write_network(
    path: str | os.PathLike[str], header: NetworkHeader, tensors: Mapping[str, np.ndarray]
) -> None:
    """Write a network file, whole. Raises ValueError for weights that are not finite."""
    for name, tensor in tensors.items():
        if not np.isfinite(tensor).all():
            raise ValueError(
                f"{path}: {name} holds values that are not finite; nothing was written"
            )
    tensors = {name: np.asarray(value, order="C") for name, value in tensors.items()}
    metadata = {"format": FORMAT, "tensors_checksum": array_checksum(tensors)}
    for key, value in asdict(header).items():
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
            raise ValueError(f"{path}: its tensors are damaged ({error}); {REMEDY}") from error
    if array_checksum(tensors) != metadata["tensors_checksum"]:
        raise ValueError(f"{path}: its tensors do not have their checksum; {REMEDY}")
    return header, tensors


def _opened(path: str | os.PathLike[str]) -> Any:
    if not Path(path).is_file():
        raise FileNotFoundError(f"{path}: there is no such network file")
    check_opens(path)
    try:
        return safe_open(path, framework="numpy")
    except SafetensorError as error:
        raise ValueError(f"{path}: not a readable network file ({error}); {REMEDY}") from error


def _header(path: str | os.PathLike[str], metadata: Mapping[str, str] | None) -> NetworkHeader:
    if not metadata or metadata.get("format") != FORMAT:
        raise ValueError(
            f"{path}: not a network file of this workflow (its metadata lacks 'format: {FORMAT}')"
        )
    if metadata.get("metadata_checksum") != _metadata_checksum(metadata):
        raise ValueError(f"{path}: its metadata do not have their checksum; {REMEDY}")
    try:
        header = NetworkHeader(
            architecture=metadata["architecture"],
            arguments=json.loads(metadata["arguments"]),
            blocks=tuple(Block(**block) for block in json.loads(metadata["blocks"])),
            input_shape=tuple(json.loads(metadata["input_shape"])),
            mean=tuple(json.loads(metadata["mean"])),
            std=tuple(json.loads(metadata["std"])),
            class_names=tuple(json.loads(metadata["class_names"])),
            removed_blocks=tuple(json.loads(metadata["removed_blocks"])),
        )
        # the metadata promise it, and read_network compares
        metadata["tensors_checksum"]
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: its metadata is damaged ({error}); {REMEDY}") from error
    unknown = set(header.removed_blocks) - {block.name for block in header.blocks}
    if unknown:
        raise ValueError(f"{path}: it lists removed blocks that it never had: {sorted(unknown)}")
    return header
