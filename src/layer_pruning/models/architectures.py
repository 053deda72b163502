"""Architectures as data: which blocks a network has, and which of them can go.

Imports no torch. The blocks of a CIFAR ResNet follow from its depth; those of torchvision's
networks and of a user's own are found by building one, which imports torch then.
"""

import difflib
import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from layer_pruning.named_function import WRITTEN

SHORTCUTS = ("parameter_free", "projection")

TORCHVISION = (
    "resnet18",
    "resnet34",
    "resnet50",
    "resnet101",
    "resnet152",
    "wide_resnet50_2",
    "resnext50_32x4d",
    "mobilenet_v2",
    "convnext_tiny",
    "vit_b_16",
    "swin_t",
)
"""Networks of torchvision, by their names there."""

START_OPTIONS = ("weights", "names", "new_classifier", "mean", "std")
"""Options of an architecture that say what a run starts from, not what the network is."""

DEEPEST = 2000
"""Layers of a CIFAR ResNet; the deepest that was published has 1202."""

PICKLES = (".pth", ".pt", ".bin", ".pkl", ".pickle", ".ckpt", ".tar")

Shape: TypeAlias = tuple[int, int, int]
"""Channels, height and width of an image."""


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

    @property
    def renamed(self) -> dict[str, str]:
        """No tensor has another name here than in the network itself."""
        return {}

    def blocks(self) -> tuple[Block, ...]:
        """All blocks in network order. Raises ValueError in one line where there is no trunk."""
        return self._found().blocks

    @property
    def features(self) -> int:
        """Width of the pooled representation."""
        return self._found().features

    def _found(self) -> Any:
        # torch and torchvision take seconds to import: only where such a network is named
        from layer_pruning.models.discovery import found

        return found(self)

    @abstractmethod
    def arguments(self) -> dict[str, Any]:
        """What :func:`architecture` needs to build this again, as JSON can hold it."""


@dataclass(frozen=True)
class TorchvisionNetwork(FoundNetwork):
    """A network of torchvision, by its name there."""

    network: str

    def arguments(self) -> dict[str, Any]:
        """What :func:`architecture` needs to build this again, as JSON can hold it."""
        return {"family": "torchvision", "network": self.network}


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

    def arguments(self) -> dict[str, Any]:
        """What :func:`architecture` needs to build this again, as JSON can hold it."""
        return {"family": "own", "build": self.build, "arguments": dict(self.build_arguments)}


@dataclass(frozen=True)
class WrappedModule(FoundNetwork):
    """A module that was there before its architecture was asked for, by the name of its class.

    Nothing here can build it again: whoever loads its network file brings another module like it.
    """

    module: str

    def arguments(self) -> dict[str, Any]:
        """What :func:`architecture` needs to know this again, as JSON can hold it."""
        return {"family": "wrapped", "module": self.module}


Architecture: TypeAlias = CifarResNet | TorchvisionNetwork | OwnNetwork | WrappedModule


def architecture(
    name: str, options: Mapping[str, Any] | None = None, input_shape: Shape | None = None
) -> Architecture:
    """The architecture called ``name``.

    ``resnet{6n + 2}`` is a CIFAR ResNet, unless torchvision has a network of that name; any name
    is one with ``depth``, ``widths`` and ``shortcut`` among its ``options``. ``network`` says
    which known network a name of one's own stands for. ``build`` with ``arguments`` is a user's
    own network. ``input_shape`` is that of the data, (3, 224, 224) by default; CIFAR ResNets have
    the same blocks whatever it is. Raises ValueError naming what is wrong.
    """
    given = {
        key: value
        for key, value in (options or {}).items()
        if value is not None and key not in (*START_OPTIONS, "family")
    }
    shape = input_shape or FoundNetwork.input_shape
    if (options or {}).get("family") == "wrapped":
        return WrappedModule(given["module"], input_shape=shape)
    if "build" in given or ":" in name:
        build = given.pop("build", name)
        arguments = given.pop("arguments", {})
        if given:
            raise ValueError(
                f"{name}: 'build' takes no {', '.join(given)}; what the function is to be called "
                "with goes into 'arguments'"
            )
        return OwnNetwork(build, arguments, input_shape=shape)
    if "arguments" in given:
        raise ValueError(f"{name}: 'arguments' are for a network of your own; 'build' is missing")
    called = given.pop("network", name)
    if called in TORCHVISION and "depth" not in given:
        if given:
            raise ValueError(
                f"{name}: {called} of torchvision takes no {', '.join(given)}; "
                "a CIFAR ResNet has a depth, such as 'depth: 56'"
            )
        return TorchvisionNetwork(called, input_shape=shape)
    return _cifar_resnet(called, given)


def published_name(network: Architecture) -> str:
    """The name under which others publish results of a network; empty where they cannot.

    CIFAR ResNets of other widths than the usual ones are not the networks that others mean.
    """
    if isinstance(network, TorchvisionNetwork):
        return network.network
    if isinstance(network, CifarResNet) and network.widths == CifarResNet.widths:
        name = f"resnet{network.depth}"
        return "" if name in TORCHVISION else name
    return ""


def _cifar_resnet(name: str, options: dict[str, Any]) -> CifarResNet:
    match = re.fullmatch(r"resnet(\d+)", name)
    if "depth" not in options:
        if match is None:
            known = [*TORCHVISION, *(f"resnet{depth}" for depth in (20, 32, 44, 56, 110))]
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean '{near[0]}'? " if near else ""
            raise ValueError(
                f"'{name}' is unknown: {hint}known are {', '.join(TORCHVISION)}, resnet20, "
                "resnet32 … (6n + 2), and any other name with a 'depth', 'network' or 'build'"
            )
        options["depth"] = int(match[1])
    elif match is not None and int(match[1]) != options["depth"]:
        raise ValueError(f"'{name}' says another depth than its option depth: {options['depth']}")
    return CifarResNet(**options)


def check_start(name: str, options: Mapping[str, Any], network: Architecture) -> None:
    """Raise ValueError in one line where the start options of ``name`` cannot work.

    They are ``weights``, ``names``, ``new_classifier``, ``mean`` and ``std``.
    """
    given = {key: options[key] for key in START_OPTIONS if options.get(key) is not None}
    if ("mean" in given) != ("std" in given):
        raise ValueError(f"{name}: give both 'mean' and 'std', or none of them")
    if len(given.get("mean", ())) != len(given.get("std", ())):
        raise ValueError(f"{name}: 'mean' and 'std' should have one number a channel")
    if "weights" not in given:
        if useless := [key for key in ("names", "new_classifier") if given.get(key)]:
            raise ValueError(f"{name}: {' and '.join(useless)} without 'weights' to start from")
        return
    for pattern, replacement in given.get("names", {}).items():
        _check_replacement(name, pattern, replacement)
    check_weights(given["weights"], network)


def _check_replacement(name: str, pattern: str, replacement: str) -> None:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{name}: names: '{pattern}' is no pattern: {error}") from error
    try:
        # an alternative that matches nothing tries the replacement: a group may stay empty
        re.sub(f"{pattern}|\\Z", replacement, "")
    # a reference to a group that the pattern lacks is an IndexError where it has a name
    except (re.error, IndexError) as error:
        raise ValueError(
            f"{name}: names: '{replacement}' cannot replace '{pattern}': {error}"
        ) from error


def check_weights(weights: str, network: Architecture) -> None:
    """Raise ValueError, or FileNotFoundError, in one line unless ``weights`` may be read."""
    if weights == "torchvision":
        if not isinstance(network, TorchvisionNetwork):
            raise ValueError("weights: torchvision has none for this network")
        return
    suffix = Path(weights).suffix.lower()
    if suffix in PICKLES:
        safe = Path(weights).with_suffix(".safetensors")
        raise ValueError(
            f"weights: {weights} is a pickle, which can run code when it is opened; convert it "
            'once with: python -c "import torch; from safetensors.torch import save_file; '
            f"save_file(torch.load('{weights}', weights_only=True), '{safe}')\""
        )
    if suffix != ".safetensors":
        raise ValueError(f"weights: {weights} should be 'torchvision' or a .safetensors file")
    if not Path(weights).is_file():
        raise FileNotFoundError(f"weights: there is no file {weights}")
    if {"{", "}"} & set(weights):
        raise ValueError(
            f"weights: {weights}: Snakemake reads braces in a name as a wildcard; rename the file"
        )
    # a tenth of a second that few configurations need
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(weights, framework="numpy"):
            pass
    except SafetensorError as error:
        raise ValueError(
            f"weights: {weights} is not a readable .safetensors file ({error}); a pickle that is "
            "called one is not opened"
        ) from error


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
