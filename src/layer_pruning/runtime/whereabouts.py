"""Where a relative path that is missing may have been meant.

Paths count from the working folder, which is another than the one a command was started from where
Snakemake is told a ``--directory``.
"""

import os
from pathlib import Path

# of the configurations that were read, the last first
_configured: dict[Path, None] = {}


def configured_in(folder: Path) -> None:
    """Remember the folder of a configuration, beside which its paths may lie."""
    _configured.pop(folder, None)
    _configured[folder] = None


def right_path(path: str | os.PathLike[str], usual: str) -> str:
    """What would be right in place of the missing ``path``: where it lies instead, or ``usual``."""
    given, here = Path(path), Path.cwd()
    # of whoever started Snakemake, which changes its own folder and not this
    started = os.environ.get("PWD")
    for folder in (*([Path(started)] if started else ()), *reversed(_configured)):
        there = folder.resolve() / given
        if folder.is_absolute() and not given.is_absolute() and there.exists():
            return f"relative paths count from {here}, and {there} would be right"
    return usual
