"""Errors of the system rather than of a file's content, and what would help.

Deleting a file that only could not be opened loses work. So whoever reads files lets these errors
pass, and says "damaged" of the others.
"""

import errno
import os
import resource
import shutil
from pathlib import Path

FULL = (errno.ENOSPC, errno.EDQUOT)
_NO_PERMISSION = (errno.EACCES, errno.EPERM)
_NO_DESCRIPTOR = (errno.EMFILE, errno.ENFILE)
_OF_THE_SYSTEM = (
    *(*FULL, *_NO_PERMISSION, *_NO_DESCRIPTOR),
    *(errno.ENOMEM, errno.EROFS, errno.EIO, errno.ESTALE, errno.EINTR, errno.EAGAIN),
    *(errno.ELOOP, errno.ENAMETOOLONG, errno.ETIMEDOUT, errno.ENXIO, errno.ENODEV),
)

_IN_THE_WAY = {
    errno.EEXIST: "it stays as it is; another name would be right",
    errno.EISDIR: "it is a folder; the name of a file would be right",
    errno.ENOTDIR: "a part of that path is a file; the name of a folder would be right",
}


def of_the_system(error: BaseException) -> bool:
    """Whether an error says nothing of what is in a file: it was not opened, or not read whole."""
    if isinstance(error, MemoryError):
        return True
    return _number(error) in _OF_THE_SYSTEM


def _number(error: BaseException) -> int | None:
    """The errno of an error, also where a library in Rust wrote it into its text."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    said = str(error)
    for number in _OF_THE_SYSTEM:
        if f"(os error {number})" in said or f"[Errno {number}]" in said:
            return number
    return None


def access_remedy(error: BaseException) -> str | None:
    """What would help where :func:`of_the_system`, or where a path is taken; or else None."""
    number = _number(error)
    name = getattr(error, "filename", None)
    if number in _NO_PERMISSION:
        return "this user may not do that; change its owner or mode (chown, chmod): nothing is lost"
    if number in _NO_DESCRIPTOR:
        soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        return (
            f"a process may have {soft} files open here; 'ulimit -n' raises that, and fewer "
            "'threads' open fewer"
        )
    if number in FULL:
        return space_on_disk(Path(name) if isinstance(name, str | os.PathLike) else Path(), number)
    if number == errno.EROFS:
        return "its disk is mounted read-only; another --directory would be right"
    if number == errno.EIO:
        return "the disk did not answer; look at its health (dmesg) before running again"
    if number in (errno.ESTALE, errno.ETIMEDOUT):
        return "the file server did not answer; run the same command again"
    if number == errno.ENOMEM or isinstance(error, MemoryError):
        return address_space()
    return _IN_THE_WAY.get(error.errno or 0) if isinstance(error, OSError) else None


def access_said(error: BaseException) -> str:
    """An error of the system in one line, with what would help where that is known."""
    said = str(getattr(error, "strerror", None) or " ".join(str(error).split()))
    helps = access_remedy(error)
    return said if helps is None else f"{said}: {helps}"


def check_opens(path: str | os.PathLike[str]) -> None:
    """Raise OSError, with its number, where a file cannot be opened.

    Some libraries say "no such file" of whatever keeps them from it.
    """
    with Path(path).open("rb"):
        pass


def check_home() -> None:
    """Raise PermissionError, with the remedy, where Snakemake cannot write its cache.

    It does before it reads a workflow, and fails with a traceback.
    """
    home = os.environ.get("HOME") or str(Path.home())
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path(home, ".cache")).absolute()
    there = next(path for path in (cache, *cache.parents) if path.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise PermissionError(
            f"{cache} cannot be written to, and Snakemake keeps a cache there; another HOME, or "
            "XDG_CACHE_HOME set to a folder that this user may write to, would be right"
        )


def address_space() -> str | None:
    """One line where a limit of this process, rather than the machine, leaves little memory."""
    soft = resource.getrlimit(resource.RLIMIT_AS)[0]
    if soft == resource.RLIM_INFINITY:
        return None
    return f"this process may use {soft / 1e9:.3g} GB of address space ('ulimit -v' raises that)"


def has_inodes(path: Path) -> bool:
    """Whether the disk of ``path`` can hold another file, however small."""
    found = os.statvfs(next(p for p in (path.absolute(), *path.absolute().parents) if p.is_dir()))
    # some file systems count none
    return not found.f_files or found.f_favail > 0


def space_on_disk(path: Path, number: int | None) -> str:
    """Whether room, a quota or inodes are missing, and on which disk."""
    folder = next(p for p in (path.absolute(), *path.absolute().parents) if p.is_dir())
    disk = next(p for p in (folder, *folder.parents) if p.is_mount())
    then = "run the same command again, what is finished stays"
    if number == errno.EDQUOT:
        return f"this user's quota on {disk} is used up; free some of it and {then}"
    if not has_inodes(folder):
        return f"{disk} has no inode left for another file; delete small files there and {then}"
    free = shutil.disk_usage(folder).free
    return f"{disk} has {free / 1e6:,.1f} MB left; make space there and {then}"
