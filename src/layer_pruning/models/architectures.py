"""Architectures as data: which blocks a network has, and which of them can go. No torch."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

SHORTCUTS = ("parameter_free", "projection")


@dataclass(frozen=True)
class Block:
    """One block of a trunk. Its name never changes, whatever is removed around it."""

    name: str
    stage: str
    removable: bool
    reason: str | None = None
    """Why the block cannot go; None where it can."""


@dataclass(frozen=True)
class CifarResNet:
    """A CIFAR residual network of depth 6n + 2 (He et al. 2016, arXiv 1512.03385, section 4.2).

    Three stages of n basic blocks. ``shortcut`` is what a block that changes shape uses:
    ``parameter_free`` (subsampling and zero-padded channels, the paper's option A) or
    ``projection`` (1 × 1 convolution, option B).

    Raises ValueError, naming the key, for a depth, widths or a shortcut that no network has.
    """

    depth: int
    widths: tuple[int, int, int] = (16, 32, 64)
    shortcut: str = "parameter_free"

    def __post_init__(self) -> None:
        if not isinstance(self.depth, int) or self.depth < 8 or self.depth % 6 != 2:
            raise ValueError(f"depth: {self.depth} is not 6n + 2 (8, 14, 20, 32, 44, 56, 110 …)")
        object.__setattr__(self, "widths", tuple(self.widths))
        if len(self.widths) != 3 or min(self.widths) < 1:
            raise ValueError(f"widths: {list(self.widths)} should be three numbers above 0")
        if list(self.widths) != sorted(self.widths):
            raise ValueError(f"widths: {list(self.widths)} should not fall from stage to stage")
        if self.shortcut not in SHORTCUTS:
            raise ValueError(f"shortcut: '{self.shortcut}' should be one of {', '.join(SHORTCUTS)}")

    @property
    def blocks_per_stage(self) -> int:
        """Blocks of each of the three stages."""
        return (self.depth - 2) // 6

    @property
    def features(self) -> int:
        """Width of the pooled representation."""
        return self.widths[2]

    def blocks(self) -> tuple[Block, ...]:
        """All blocks in network order. A block is removable when its shortcut is the identity."""
        blocks = []
        for stage in (1, 2, 3):
            for position in range(1, self.blocks_per_stage + 1):
                # with projection shortcuts, the first stage opens with one if its width changes;
                # the stem has that width already, so only stages 2 and 3 change shape
                changes_shape = stage > 1 and position == 1
                blocks.append(
                    Block(
                        name=f"stage{stage}.block{position}",
                        stage=f"stage{stage}",
                        removable=not changes_shape,
                        reason="its shortcut changes the shape" if changes_shape else None,
                    )
                )
        return tuple(blocks)

    def arguments(self) -> dict[str, Any]:
        """What :func:`architecture` needs to build this again, as JSON can hold it."""
        return {
            "family": "cifar_resnet",
            "depth": self.depth,
            "widths": list(self.widths),
            "shortcut": self.shortcut,
        }


def architecture(name: str, options: dict[str, Any] | None = None) -> CifarResNet:
    """The architecture called ``name``: ``resnet{depth}``, or any name with options of its own.

    ``options`` holds depth, widths and shortcut; a depth in the name need not be repeated.
    Raises ValueError naming what is wrong.
    """
    options = dict(options or {})
    options.pop("family", None)
    match = re.fullmatch(r"resnet(\d+)", name)
    if "depth" not in options:
        if match is None:
            raise ValueError(
                f"'{name}' is unknown: known are resnet8, resnet14, resnet20 … (6n + 2), "
                "and any other name with a depth of its own"
            )
        options["depth"] = int(match[1])
    elif match is not None and int(match[1]) != options["depth"]:
        raise ValueError(f"'{name}' says another depth than its option depth: {options['depth']}")
    return CifarResNet(**options)


def candidates(
    blocks: Iterable[Block],
    removed: Collection[str] = (),
    *,
    min_blocks_per_stage: int,
    protect: Collection[str] = (),
) -> list[str]:
    """Names of the blocks that may go next, in network order.

    A block may go when its shortcut is the identity, it is not protected, and its stage keeps
    at least ``min_blocks_per_stage`` blocks without it.
    """
    kept = [block for block in blocks if block.name not in removed]
    left = Counter(block.stage for block in kept)
    return [
        block.name
        for block in kept
        if block.removable
        and block.name not in protect
        and left[block.stage] > min_blocks_per_stage
    ]


def most_removals(
    blocks: Sequence[Block], *, min_blocks_per_stage: int, protect: Collection[str] = ()
) -> int:
    """How many blocks can be removed in all, whatever the order."""
    removed: list[str] = []
    while remaining := candidates(
        blocks, removed, min_blocks_per_stage=min_blocks_per_stage, protect=protect
    ):
        removed.append(remaining[0])
    return len(removed)
