"""Checksums of what files hold: formats that notice a missing byte seldom notice a changed bit."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def text_checksum(parts: Iterable[str]) -> str:
    """A 64-bit BLAKE2b digest of texts in order, in hexadecimal."""
    digest = hashlib.blake2b(digest_size=8)
    for part in parts:
        # a separator that no text holds: ("a", "b") differs from ("ab",)
        digest.update(part.encode(errors="surrogateescape") + b"\0")
    return digest.hexdigest()


def array_checksum(arrays: "Mapping[str, np.ndarray]") -> str:
    """A 128-bit BLAKE2b digest of named arrays, with their types and shapes, in any order."""
    # records of text need no numpy
    import numpy as np

    digest = hashlib.blake2b(digest_size=16)
    for name, array in sorted(arrays.items()):
        digest.update(repr((name, array.dtype.str, array.shape)).encode())
        # 0-dimensional arrays have no buffer of bytes to view
        digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()
