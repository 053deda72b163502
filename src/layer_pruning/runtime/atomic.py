"""Files that appear whole or not at all."""

import errno
import glob
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from layer_pruning.runtime.access import FULL, has_inodes, space_on_disk


def check_writable(*folders: Path) -> None:
    """Raise PermissionError, naming it and the remedy, for a folder that is there and read-only."""
    for folder in folders:
        if folder.exists() and not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(
                f"{folder.absolute()} cannot be written to; choose another folder for the results "
                "with --directory"
            )


def folders_below(folder: Path) -> Iterator[Path]:
    """``folder`` and all folders in it, at any depth; links are not followed."""
    yield folder
    for parent, names, _ in os.walk(folder):
        yield from (Path(parent, name) for name in names)


@contextmanager
def written_whole(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` and rename it to ``path`` on success.

    A job that is killed, or a disk that fills up, leaves the file that was there before and never
    a truncated one. Parent folders are created. The temporary name keeps the suffix of ``path``,
    because some writers choose the format, or add a suffix, by it.

    Raises OSError that names ``path`` and the remedy where the disk, or the user's share of it,
    is full.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle, name = tempfile.mkstemp(
            prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent
        )
    except OSError as error:
        raise _full_disk(path, 0) if is_full_disk(error) else error from None
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        # mkstemp makes private files; a result should be as readable as any other new file
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(path)
    except Exception as error:
        if is_full_disk(error):
            raise _full_disk(path, temporary.stat().st_size) from error
        raise
    finally:
        temporary.unlink(missing_ok=True)


def forget_unfinished(path: str | os.PathLike[str]) -> None:
    """Delete what killed processes left of writing ``path``. Nobody may be writing it now."""
    path = Path(path)
    for temporary in path.parent.glob(f".{glob.escape(path.stem)}-*{glob.escape(path.suffix)}"):
        temporary.unlink(missing_ok=True)


def write_json(path: str | os.PathLike[str], content: Any, indent: int | None = 2) -> None:
    """Write ``content`` as JSON, whole. Raises ValueError for a number that JSON cannot hold.

    ``indent`` None writes one line, for records with an entry an image.
    """
    text = json.dumps(content, indent=indent, allow_nan=False, ensure_ascii=False)
    with written_whole(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def is_full_disk(error: BaseException) -> bool:
    """Whether an error says that there is no space left, in the words of Python or of Rust."""
    if isinstance(error, OSError) and error.errno in FULL:
        return True
    return any(f"(os error {number})" in str(error) for number in FULL)


def _full_disk(path: Path, written: int) -> OSError:
    if not has_inodes(path):
        return OSError(errno.ENOSPC, f"{path}: {space_on_disk(path, errno.ENOSPC)}")
    free = shutil.disk_usage(path.parent).free
    return OSError(
        errno.ENOSPC,
        f"{path} needs more than the {(written + free) / 1e6:,.1f} MB that its disk has for it; "
        "make space there and run the same command again, what is finished stays",
    )
