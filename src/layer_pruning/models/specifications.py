"""Architectures as data: what a network is, without building it. Imports no torch."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeAlias

from layer_pruning.models.blocks import Block
from layer_pruning.models.network_size import NetworkSize
from layer_pruning.runtime.named_function import WRITTEN

SHORTCUTS = ("parameter_free", "projection")

DEEPEST = 2000
"""Layers of a CIFAR ResNet; the deepest that was published has 1202."""

GRANULARITIES = ("block", "sublayer")

Shape: TypeAlias = tuple[int, int, int]
"""Channels, height and width of an image."""


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
        if self.depth > DEEPEST:
            raise ValueError(f"depth: {self.depth} is above {DEEPEST}, the most that is built")
        object.__setattr__(self, "widths", tuple(self.widths))
        if len(self.widths) != 3 or not all(type(w) is int and w > 0 for w in self.widths):
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

    @property
    def renamed(self) -> dict[str, str]:
        """Names of tensors elsewhere, as regular expressions, and what they are here.

        Covers the widespread implementations of Idelbayev (``conv1``, ``layer1.0.conv1``,
        ``shortcut.0``, ``linear``) and in the style of torchvision (``downsample.0``, ``fc``).
        """
        blocks = {
            rf"^layer{stage}\.{position - 1}\.": f"stage{stage}.block{position}."
            for stage in (1, 2, 3)
            for position in range(1, self.blocks_per_stage + 1)
        }
        return blocks | {
            r"^conv1\.": "stem.conv.",
            r"^bn1\.": "stem.bn.",
            r"\.(shortcut|downsample)\.0\.": ".shortcut.conv.",
            r"\.(shortcut|downsample)\.1\.": ".shortcut.bn.",
            r"^(linear|fc)\.": "classifier.",
        }

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

    def size(self, input_shape: Shape, classes: int) -> NetworkSize:
        """The size of a network for images of ``input_shape`` (channels, height, width)."""
        channels, height, width = input_shape
        # inputs, outputs, size of the kernel and pixels put out, of every convolution
        layers = [(channels, self.widths[0], 9, height * width)]
        inputs = self.widths[0]
        for stage, outputs in enumerate(self.widths):
            if stage:
                height, width = -(-height // 2), -(-width // 2)
            pixels = height * width
            for position in range(self.blocks_per_stage):
                layers += [(inputs, outputs, 9, pixels), (outputs, outputs, 9, pixels)]
                changes_shape = bool(stage) and position == 0
                if self.shortcut == "projection" and changes_shape:
                    layers.append((inputs, outputs, 1, pixels))
                inputs = outputs
        maps = [outputs * pixels for _, outputs, _, pixels in layers]
        norms = sum(2 * outputs for _, outputs, _, _ in layers)
        weights = sum(inputs * outputs * kernel for inputs, outputs, kernel, _ in layers)
        last = (self.features + 1) * classes
        macs = sum(i * o * kernel * pixels for i, o, kernel, pixels in layers)
        return NetworkSize(
            weights + norms + last,
            sum(maps) + classes,
            max(maps),
            macs + self.features * classes,
        )

    def arguments(self) -> dict[str, Any]:
        """What :func:`architecture` needs to build this again, as JSON can hold it."""
        return {
            "family": "cifar_resnet",
            "depth": self.depth,
            "widths": list(self.widths),
            "shortcut": self.shortcut,
        }


@dataclass(frozen=True)
class FoundNetwork(ABC):
    """A network whose blocks are found by building it (:mod:`layer_pruning.models.discovery`)."""

    input_shape: Shape = field(default=(3, 224, 224), kw_only=True)
    granularity: str = field(default="block", kw_only=True)
    """``sublayer``: halves of blocks that are residual on their own are blocks themselves."""

    colour: ClassVar[bool] = False
    """Whether it takes images of three channels only; grey ones get three that are equal."""

    @property
    def renamed(self) -> dict[str, str]:
        """No tensor has another name here than in the network itself."""
        return {}

    @property
    def channels(self) -> int:
        """Channels of what the network itself is given."""
        return 3 if self.colour else self.input_shape[0]

    def arguments(self) -> dict[str, Any]:
        """What :func:`architecture` needs to build this again, as JSON can hold it."""
        finer = {} if self.granularity == "block" else {"granularity": self.granularity}
        return self._arguments() | finer

    @property
    def called(self) -> str:
        """What messages call it."""
        return str([*self._arguments().values()][1])

    @abstractmethod
    def _arguments(self) -> dict[str, Any]:
        """The family, what says which network of it this is, and the rest."""


@dataclass(frozen=True)
class TorchvisionNetwork(FoundNetwork):
    """A network of torchvision, by its name there."""

    network: str

    colour: ClassVar[bool] = True

    def _arguments(self) -> dict[str, Any]:
        return {"family": "torchvision", "network": self.network}


@dataclass(frozen=True)
class TimmNetwork(FoundNetwork):
    """A network of timm, ``timm/`` and its name there, with what it is built with beside that."""

    network: str
    build_arguments: Mapping[str, Any] = field(default_factory=dict)

    colour: ClassVar[bool] = True

    def _arguments(self) -> dict[str, Any]:
        more = {"arguments": dict(self.build_arguments)} if self.build_arguments else {}
        return {"family": "timm", "network": self.network, **more}


@dataclass(frozen=True)
class HuggingFaceNetwork(FoundNetwork):
    """An image classifier of transformers, ``hf/`` and a type of model there.

    A type, such as ``hf/swin``, has the sizes of its default configuration, but for
    ``build_arguments``, which are keys of it.
    """

    network: str
    build_arguments: Mapping[str, Any] = field(default_factory=dict)
    repository: str = field(default="", compare=False)
    """Of the hub, where its weights are; empty for none. A built network is one without it."""

    colour: ClassVar[bool] = True

    def _arguments(self) -> dict[str, Any]:
        more = {"arguments": dict(self.build_arguments)} if self.build_arguments else {}
        return {"family": "hf", "network": self.network, **more}


@dataclass(frozen=True)
class OwnNetwork(FoundNetwork):
    """A user's own: what ``build``, written ``package.module:function``, returns.

    Called as ``function(num_classes=…, input_shape=(channels, height, width), **build_arguments)``.
    Raises ValueError where ``build`` is not written so.
    """

    build: str
    build_arguments: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not WRITTEN.fullmatch(self.build):
            raise ValueError(
                f"build: '{self.build}' should be written 'my_package.my_module:function'"
            )

    def _arguments(self) -> dict[str, Any]:
        return {"family": "own", "build": self.build, "arguments": dict(self.build_arguments)}


@dataclass(frozen=True)
class WrappedModule(FoundNetwork):
    """A module that was there before its architecture was asked for, by the name of its class.

    Nothing here can build it again: whoever loads its network file brings another module like it.
    """

    module: str

    def _arguments(self) -> dict[str, Any]:
        return {"family": "wrapped", "module": self.module}


NamedNetwork: TypeAlias = TimmNetwork | HuggingFaceNetwork
"""Networks of optional packages, by their names there."""

Architecture: TypeAlias = (
    CifarResNet | TorchvisionNetwork | TimmNetwork | HuggingFaceNetwork | OwnNetwork | WrappedModule
)


@dataclass(frozen=True)
class Record:
    """What is known of a network's pretrained weights."""

    repository: str
    """Where the hub has them; empty where it has none."""
    input_shape: Shape
    classes: int
    mean: tuple[float, ...] | None
    std: tuple[float, ...] | None
