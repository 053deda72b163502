"""Walk through folders of images, links followed, and reach every folder and file once.

A link to a folder above itself would multiply images, and a class or split that is a link to
another puts the same images into both. No torch, no numpy.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

Identity = tuple[int, int]
"""Device and number of a file or folder: the same by whatever name it is reached."""


class Walk:
    """One walk through the classes of all splits below ``root``."""

    def __init__(self, root: Path, enters: Callable[[str], bool]) -> None:
        self.root = root
        self.enters = enters
        self.repeated: list[str] = []
        """Paths below ``root`` that were reached by another name before, in their own class."""
        self._reached: dict[Identity, tuple[str, str]] = {}

    def files(self, place: str) -> Iterator[str]:
        """Paths below ``root`` of all files in the folder ``place``, of one class in one split.

        ``enters`` says by its name whether a folder is looked into. A folder or file that was
        reached before in the same place is skipped and remembered in ``repeated``. Raises
        ValueError, naming both, for one that was reached in another place.
        """
        waiting = [place]
        while waiting:
            folder = waiting.pop()
            if not self._first(folder, place):
                continue
            inner: list[tuple[str, os.DirEntry[str]]] = []
            names: list[tuple[str, os.DirEntry[str]]] = []
            with os.scandir(self.root / folder) as entries:
                for entry in entries:
                    below = os.path.normpath(f"{folder}/{entry.name}")
                    # a link that leads nowhere is a file, as any reader will say
                    (inner if entry.is_dir() else names).append((below, entry))
            # the last is walked first
            waiting += sorted((name for name, e in inner if self.enters(e.name)), reverse=True)
            for below, entry in sorted(names, key=lambda item: item[0]):
                if self._is_file_once(below, entry, place):
                    yield below

    def _is_file_once(self, below: str, entry: "os.DirEntry[str]", place: str) -> bool:
        try:
            status = entry.stat()
        except OSError:
            # whoever reads it will say what is wrong
            return True
        return self._known((status.st_dev, status.st_ino), below, place)

    def _first(self, below: str, place: str) -> bool:
        status = (self.root / below).stat()
        return self._known((status.st_dev, status.st_ino), below, place)

    def _known(self, identity: Identity, below: str, place: str) -> bool:
        """Whether something is reached for the first time."""
        before = self._reached.setdefault(identity, (below, place))
        if before == (below, place):
            return True
        if before[1] != place:
            raise ValueError(
                f"{self.root}: {below} and {before[0]} are the same by links, so that images would "
                "count twice; one of them should go"
            )
        self.repeated.append(below)
        return False
