"""Files of networks on the Hugging Face hub: where they are there, where here, and fetching them.

Imports no torch.
"""

import hashlib
import json
import os
import re
import shutil
import urllib.request
from pathlib import Path
from typing import Any

from layer_pruning.runtime.atomic import written_whole
from layer_pruning.runtime.named_function import one_line

WEIGHTS = "model.safetensors"
CONFIGURATION = "config.json"
PREPROCESSING = "preprocessor_config.json"
TIMEOUT_SECONDS = 60

_REPOSITORY = re.compile(r"(?!\.{1,2}/)[\w.-]+/(?!\.{1,2}$)[\w.-]+", re.ASCII)


def file_address(repository: str, file: str) -> str:
    """Where the hub has a file. ``HF_ENDPOINT`` names another hub, as for the hub's own client."""
    hub = os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")
    return f"{hub}/{repository}/resolve/main/{file}"


def hub_path(repository: str, file: str) -> str:
    """Where a file of the hub lies in the working folder."""
    return f"downloads/hub/{repository}/{file}"


def told(repository: str, file: str) -> dict[str, Any]:
    """What a JSON file of a repository says.

    Raises ValueError in one line where it is not here or no JSON object, or where ``repository`` is
    not written as the hub writes one.
    """
    if not _REPOSITORY.fullmatch(repository):
        raise ValueError(
            f"'hf/{repository}' should be 'hf/owner/name', a repository of the hub, or 'hf/' and a "
            "type of model"
        )
    path = Path(hub_path(repository, file))
    try:
        # some editors write a byte order mark
        content = json.loads(path.read_text(encoding="utf-8-sig"), parse_constant=_no_number)
    except FileNotFoundError as error:
        raise ValueError(
            f"hf/{repository}: its {file} says what it is, and is not here: put "
            f"{file_address(repository, file)} at {path.absolute()}"
        ) from error
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: no JSON ({one_line(error)}); fetch it anew") from error
    if not isinstance(content, dict):
        raise ValueError(
            f"{path}: it holds a {type(content).__name__}, expected a JSON object; fetch it anew"
        )
    return content


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no number")


def fetch(repository: str, file: str, path: str | os.PathLike[str], sha256: str | None) -> str:
    """Fetch a file of the hub, check it, write it whole, and return its SHA-256.

    It should have ``sha256`` where that is given, and what the hub itself tells of large files. A
    file that is there is left alone, unless it has not the checksum that is given.

    Raises OSError, saying which file to put where, without a network, and ValueError for a file
    with another checksum.
    """
    path = Path(path)
    address = file_address(repository, file)
    if path.is_file() and (sha256 is None or _sha256(path) == sha256):
        return _sha256(path)
    with written_whole(path) as temporary:
        try:
            with (
                urllib.request.urlopen(address, timeout=TIMEOUT_SECONDS) as answer,
                temporary.open("wb") as copy,
            ):
                promised = _linked_checksum(answer.headers)
                shutil.copyfileobj(answer, copy)
        except OSError as error:
            raise OSError(
                f"no connection to {address} ({one_line(error)}); fetch it where there is one, "
                f"put it at {path.absolute()} and run again"
            ) from error
        found = _sha256(temporary)
        for wanted in (sha256, promised):
            if wanted is not None and found != wanted:
                raise ValueError(
                    f"what came from {address} has the SHA-256 {found}, not {wanted}; run again, "
                    "or put the right file there"
                )
    return found


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _linked_checksum(headers: Any) -> str | None:
    """The SHA-256 that the hub tells of a large file as its tag; small files have another."""
    for name in ("X-Linked-Etag", "Etag"):
        found = re.fullmatch(r'(?:W/)?"?([0-9a-f]{64})"?', headers.get(name) or "")
        if found:
            return found[1]
    return None
