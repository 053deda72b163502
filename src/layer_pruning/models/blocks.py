"""A block of a network: what it is called, and whether it can go. Imports no torch."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

LONGEST_ROUTE = 10_000
"""Characters."""


@dataclass(frozen=True)
class Block:
    """One block of a network. Its name never changes, whatever is removed around it."""

    name: str
    stage: str
    removable: bool
    reason: str | None = None
    """Why the block cannot go; None where it can."""
    aliases: tuple[str, ...] = ()
    """Other paths under which the network holds the same module."""
    route: str | None = None
    """What it gives back of its arguments when its branch is gone, as JSON
    (:mod:`layer_pruning.models.pass_through`); None: its one argument, a tensor."""

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> "Block":
        """The block of a :meth:`record`. Raises TypeError or ValueError for anything else."""
        block = cls(**{**record, "aliases": tuple(record.get("aliases", ()))})
        optional = (block.reason, block.route)
        texts = [block.name, block.stage, *block.aliases, *(t for t in optional if t is not None)]
        if not all(isinstance(text, str) for text in texts):
            raise TypeError("a block has names and texts")
        if block.route is not None:
            if len(block.route) > LONGEST_ROUTE:
                raise ValueError(f"the route of {block.name} is longer than any that is written")
            json.loads(block.route)
        return block

    def record(self) -> dict[str, Any]:
        """What JSON can hold of it: fields that most blocks leave empty only where they are not."""
        late = {field.name: field.default for field in fields(self)[4:]}
        return {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in asdict(self).items()
            if key not in late or value != late[key]
        }

    @property
    def paths(self) -> tuple[str, ...]:
        """All paths under which the network holds the block."""
        return (self.name, *self.aliases)
