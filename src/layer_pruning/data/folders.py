"""Which images a folder of classes holds, by listing it. No torch, no numpy."""

import hashlib
import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from layer_pruning.data.walk import Walk
from layer_pruning.runtime.whereabouts import right_path

# changed when the same files become other pixels, so that folders are prepared anew
DECODING = b"upright, on white"
IMAGE_SUFFIXES = (".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
OTHER_IMAGES = (".avif", ".dng", ".eps", ".gif", ".heic", ".heif", ".jfif", ".jp2", ".jxl", ".svg")
"""Images too, by their names, that are not read."""
# what file servers, archives and operating systems put into folders, in small letters
_NOT_THE_USERS = (
    "$recycle.bin",
    "#recycle",
    "#snapshot",
    "@eadir",
    "@recently-snapshot",
    "@recycle",
    "__macosx",
    "lost+found",
    "system volume information",
)

# what people call the folders of splits, in small letters
_SPLIT_OF = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
}


@dataclass(frozen=True)
class FolderImages:
    """The image files of a folder by split and class."""

    root: Path
    class_names: tuple[str, ...]
    """Names of the class folders, sorted: the order of the labels."""
    files: Mapping[str, tuple[tuple[str, ...], ...]]
    """For each split of the folder's own, paths below ``root`` for each class."""
    others: int
    """Files that are no images, by their names."""
    not_read: Mapping[str, int] = field(default_factory=dict)
    """Images in formats that are not read: how many, by suffix."""
    repeated: tuple[str, ...] = ()
    """Paths that links lead to a second time within a class; they are left out."""

    def images_per_class(self, split: str) -> tuple[int, ...]:
        """Images of each class in a split; empty where the folder has no such split."""
        return tuple(len(files) for files in self.files.get(split, ()))

    def first(self) -> Path:
        """The first image of the first class."""
        return self.root / self.files["train"][0][0]

    def left_out(self) -> str | None:
        """One line on images that are not read or were reached before; None without any."""
        said = []
        if self.not_read:
            said.append(
                f"{_counted(self.not_read)} left out, as such images are not "
                f"read; convert them to one of {', '.join(IMAGE_SUFFIXES)}"
            )
        if self.repeated:
            said.append(
                f"{len(self.repeated)} files or folders left out that links lead to a second time, "
                f"the first {self.repeated[0]}"
            )
        return f"{self.root}: {'; '.join(said)}" if said else None

    def digest(self) -> str:
        """A digest of the names of all images, and of how their files become pixels."""
        names = hashlib.sha256(DECODING)
        for split, classes in self.files.items():
            for files in classes:
                names.update("\n".join((split, *files, "")).encode(errors="surrogateescape"))
        return names.hexdigest()[:16]


def from_home(path: str | os.PathLike[str]) -> Path:
    """A path that the user gave, where ``~`` is the home folder.

    Raises FileNotFoundError in one line where it is that of somebody unknown.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise FileNotFoundError(
            f"{path}: the home folder that ~ stands for is not known here; write the path out"
        ) from None


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name.lower() in _NOT_THE_USERS


def _counted(suffixes: Mapping[str, int]) -> str:
    kinds = [f"{count} {suffix}" for suffix, count in sorted(suffixes.items())]
    return f"{', '.join(kinds)} {'file' if sum(suffixes.values()) == 1 else 'files'}"


def _folders(path: Path) -> list[str]:
    """Names of the folders in ``path``, sorted, hidden ones left out."""
    with os.scandir(path) as entries:
        return sorted(e.name for e in entries if e.is_dir() and not _is_hidden(e.name))


def _check_name(root: Path, folder: str, name: str) -> None:
    """Raise ValueError unless a class may be called so: it is printed, and written as UTF-8."""
    try:
        name.encode()
    except UnicodeEncodeError:
        raise ValueError(
            f"{root / folder}: the name of class folder {os.fsencode(name)!r} is no UTF-8; "
            "rename it"
        ) from None


def _images_below(walk: Walk, folder: str) -> tuple[tuple[str, ...], Counter[str]]:
    """Paths below the root of all images in ``folder``, at any depth, and others by suffix."""
    found: list[str] = []
    others: Counter[str] = Counter()
    for path in walk.files(folder):
        name = path.rpartition("/")[2]
        if name.startswith("."):
            continue
        if name.lower().endswith(IMAGE_SUFFIXES):
            found.append(path)
        else:
            others[Path(name.lower()).suffix] += 1
    return tuple(found), others


def _split_folders(root: Path) -> dict[str, str]:
    """Split to its folder. One folder of class folders is all ``train``."""
    named: dict[str, list[str]] = {"train": [], "validation": [], "test": []}
    for name in _folders(root):
        if name.lower() in _SPLIT_OF:
            named[_SPLIT_OF[name.lower()]].append(name)
    # a class may be called so
    if not any(_folders(root / name) for name in named["train"]):
        return {"train": "."}
    for names in named.values():
        if len(names) > 1:
            raise ValueError(f"{root} holds both {' and '.join(names)}; one should go")
    found = {split: names[0] for split, names in named.items() if names}
    if "test" in found:
        return found
    if "validation" not in found:
        raise ValueError(
            f"{root} holds {found['train']} and neither val nor test; add one, or give "
            f"{root / found['train']} as path to have all splits taken from it"
        )
    # the ImageNet layout, whose test images have no labels
    return {"train": found["train"], "test": found["validation"]}


def _check_no_splits(root: Path, folders: Sequence[str]) -> None:
    """Raise ValueError where all folders are called after splits and hold folders of one kind."""
    if not all(re.match(r"(train|val|dev|test|eval)", name.lower()) for name in folders):
        return
    below = [_folders(root / name) for name in folders]
    if all(len(names) > 1 and names == below[0] for names in below):
        raise ValueError(
            f"{root} holds {', '.join(folders)}, each with the same folders: splits, it seems, not "
            "classes; call them train, val and test"
        )


@lru_cache
def find_images(root: Path) -> FolderImages:
    """List a folder of class folders, or one with ``train`` and ``val``, ``test`` or both.

    ``val`` alone is the test split, as for ImageNet. These may be called ``training``, ``valid``,
    ``validation`` and ``testing`` too, in large or small letters. Images lie in their class folder
    at any depth.

    Links are followed, and every folder and file counts once.

    Raises FileNotFoundError, or ValueError for a folder without classes, an empty class, class
    folders that differ between splits, or links by which two classes or splits share a folder or
    file, in one line that names the folder.
    """
    if not root.is_dir():
        right = right_path(root, "give the path of one")
        raise FileNotFoundError(f"{root.absolute()} is no folder; {right}")
    splits = _split_folders(root)
    names = {split: _folders(root / folder) for split, folder in splits.items()}
    classes = names["train"]
    if len(classes) < 2:
        raise ValueError(
            f"{root / splits['train']} holds {len(classes)} class folders; at least two, each with "
            "the images of one class, would be right"
        )
    if len(splits) == 1:
        _check_no_splits(root, classes)
    for split, folder in splits.items():
        for name in sorted(set(names[split]) ^ set(classes)):
            here, there = folder, splits["train"]
            if name not in names[split]:
                here, there = there, here
            raise ValueError(
                f"{root}: class folder '{name}' is in {here} and not in {there}; both should have "
                "the same"
            )
    for name in classes:
        _check_name(root, splits["train"], name)
    files: dict[str, tuple[tuple[str, ...], ...]] = {}
    others: Counter[str] = Counter()
    walk = Walk(root, lambda name: not _is_hidden(name))
    for split, folder in splits.items():
        listed = []
        for name in classes:
            images, rest = _images_below(walk, os.path.normpath(f"{folder}/{name}"))
            if not images:
                unread = {kind: rest[kind] for kind in OTHER_IMAGES if rest[kind]}
                but = f" but {_counted(unread)}, which are not read" if unread else ""
                raise ValueError(
                    f"class folder {root / folder / name} holds no image{but}; put some there or "
                    "delete it"
                )
            listed.append(images)
            others += rest
        files[split] = tuple(listed)
    not_read = {kind: others.pop(kind) for kind in OTHER_IMAGES if kind in others}
    return FolderImages(root, tuple(classes), files, others.total(), not_read, tuple(walk.repeated))
