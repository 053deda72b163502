"""What a network file says of its network. No torch."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from layer_pruning.models.architectures import architecture
from layer_pruning.models.block_weights import BlockWeights
from layer_pruning.models.blocks import Block
from layer_pruning.models.candidates import Limits, candidates
from layer_pruning.models.network_blocks import blocks_of


@dataclass(frozen=True)
class NetworkHeader:
    """What a network file says of its network."""

    architecture: str
    arguments: dict[str, Any]
    blocks: tuple[Block, ...]
    """All blocks of the unpruned network, in network order."""
    input_shape: tuple[int, int, int]
    """Channels, height and width of an image."""
    mean: tuple[float, ...]
    std: tuple[float, ...]
    class_names: tuple[str, ...]
    removed_blocks: tuple[str, ...] = ()
    """Names in the order of their removal."""
    weights: Mapping[str, BlockWeights] = field(default_factory=dict, compare=False)
    """Of blocks in a network file whose tensors there do not tell: weights are computed of them, or
    some are not learnt. Of a network in memory nothing, which may have learnt more."""
    may_build: bool = field(default=False, compare=False)
    """Whether somebody other than a file named the function that builds an own network."""

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
            blocks=blocks_of(shape),
            input_shape=input_shape,
            mean=tuple(options.get("mean") or mean),
            std=tuple(options.get("std") or std),
            class_names=class_names,
            may_build=True,
        )

    @property
    def normalises(self) -> bool:
        """Whether the network takes images in [0, 1] and normalises them itself.

        One wrapped without mean and standard deviation takes what its module takes.
        """
        wrapped = self.arguments["family"] == "wrapped"
        return not wrapped or any(self.mean) or {*self.std} != {1}

    def kept_blocks(self) -> list[str]:
        """Names of the blocks that are left, in network order."""
        removed = set(self.removed_blocks)
        return [block.name for block in self.blocks if block.name not in removed]

    def check_block(self, name: str) -> None:
        """Raise ValueError in one line where there is no such block."""
        known = [block.name for block in self.blocks]
        if name not in known:
            raise ValueError(f"'{name}' is no block of the network: {', '.join(known)}")

    def without(self, name: str) -> "NetworkHeader":
        """The header less ``name``, which is added to the history of removals.

        Raises ValueError in one line where there is no such block, or it cannot go.
        """
        self.check_block(name)
        if name in self.removed_blocks:
            raise ValueError(
                f"'{name}' was removed before; left are {', '.join(self.kept_blocks())}"
            )
        block = next(block for block in self.blocks if block.name == name)
        if not block.removable:
            raise ValueError(f"'{name}' cannot be removed: {block.reason}")
        left = {block: told for block, told in self.weights.items() if block != name}
        return replace(self, removed_blocks=(*self.removed_blocks, name), weights=left)

    def candidates(self, limits: Limits) -> list[str]:
        """Names of the blocks that may go next, in network order."""
        return candidates(self.blocks, self.removed_blocks, limits=limits)
