"""Find the blocks of a network, and which of them can go, by looking at it while it runs.

A block is a module whose shortcut is the identity (:mod:`layer_pruning.models.shortcut`). Modules
of the same class that have none (they change the shape, say) are blocks that cannot go. What lies
between blocks is none. Nothing here knows any network by name, and the network's own ``forward``
stays the program: a block that goes is replaced by what gives its arguments back.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from layer_pruning.models.blocks import Block
from layer_pruning.models.calls import Call, calls_of, evaluating, paths_of
from layer_pruning.models.comparison import all_equal, seen_and_given
from layer_pruning.models.dispatch import Uncompiled, operator_by_operator
from layer_pruning.models.head import features_of, heads, logits_of
from layer_pruning.models.network_size import NetworkSize
from layer_pruning.models.pass_through import arguments, mapped, routed, tensors
from layer_pruning.models.products import macs_of
from layer_pruning.models.shortcut import Verdict, verdict
from layer_pruning.models.specifications import GRANULARITIES
from layer_pruning.models.surroundings import held_alone, without
from layer_pruning.runtime.named_function import users_code

NEEDS = (
    "a network needs residual blocks, modules whose input is added to what they compute from it, "
    "and a linear classifier after them"
)
LISTS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)


@dataclass(frozen=True)
class Found:
    """What was found in a network."""

    blocks: tuple[Block, ...]
    features: int
    """Width of the pooled representation."""
    classes: int
    """Width of the logits."""
    batch_norm: bool
    size: NetworkSize


def found_in(body: nn.Module, images: Tensor, name: str, granularity: str = "block") -> Found:
    """The blocks of a module, in evaluation mode, called ``name`` in messages.

    ``images`` as in :func:`find_blocks`. Raises ValueError in one line where it has none that can
    go, or no classifier.
    """
    try:
        blocks = find_blocks(body, images, granularity)
        modules = [body.get_submodule(block.name) for block in blocks]
        with evaluating(body), torch.no_grad():
            one = images[:1]
            paths = heads(body, one, modules)
            features = _features(body, one, body.get_submodule(paths[0]))
            classes = logits_of(body(one)).shape[1]
    except ValueError as error:
        raise ValueError(f"{name}: {error}; {NEEDS}") from error
    batch_norm = any("BatchNorm" in type(module).__name__ for module in body.modules())
    return Found(blocks, features.shape[1], classes, batch_norm, size_of(body, images[:1]))


def size_of(body: nn.Module, image: Tensor) -> NetworkSize:
    """The size of a module that is run with one image (1, channels, height, width)."""
    # with gradients, as training runs it: without, attention is one operator
    with evaluating(body), torch.enable_grad(), _Maps() as counted:
        body(image)
    parameters = sum(parameter.numel() for parameter in body.parameters())
    largest = max(counted.maps, default=0)
    return NetworkSize(parameters, sum(counted.maps), largest, counted.macs)


class _Maps(Uncompiled):
    """Counts what convolutions and products of matrices put out, and their cost."""

    def __init__(self) -> None:
        super().__init__()
        self.maps: list[int] = []
        self.macs = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        output = func(*args, **(kwargs or {}))
        if macs := macs_of(func, args, output):
            put_out = output if isinstance(output, Tensor) else output[0]
            self.maps.append(put_out.numel())
            self.macs += macs
        return output


def _features(body: nn.Module, images: Tensor, head: nn.Module) -> Tensor:
    seen: list[Tensor] = []
    handle = head.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    try:
        body(images)
    finally:
        handle.remove()
    return features_of(seen[0], head)


def probe_images(
    channels: int, height: int, width: int, mean: Sequence[float] = (), std: Sequence[float] = ()
) -> Tensor:
    """Images (3, channels, height, width) to look at a network with, normalised.

    Uniform pixels, the negative of others, and loud noise: what is the identity on images of one
    sign or of usual size only is not taken for one. ``mean`` and ``std`` are 0.5 and 0.25 by
    default.
    """
    generator = torch.Generator().manual_seed(0)
    # whatever the defaults of PyTorch are
    kind: dict[str, Any] = {"dtype": torch.float32, "device": torch.device("cpu")}
    centre, scale = (
        torch.tensor(tuple(given) or (usual,), **kind).view(1, -1, 1, 1)
        for given, usual in ((mean, 0.5), (std, 0.25))
    )
    pixels = torch.rand((2, channels, height, width), generator=generator, **kind)
    one, other = ((pixels - centre) / scale).split(1)
    noise = torch.randn((1, channels, height, width), generator=generator, **kind)
    return torch.cat([one, -other, 30 * noise])


@operator_by_operator()
@torch.no_grad()
def find_blocks(body: nn.Module, images: Tensor, granularity: str = "block") -> tuple[Block, ...]:
    """All blocks of ``body`` in the order in which they run.

    ``images`` (n, channels, height, width) are sent through it, those of :func:`probe_images` by
    default. With ``granularity`` ``sublayer``, halves of blocks that are residual modules on their
    own (attention, feed-forward) are found instead of the blocks that consist of them. Raises
    ValueError in one line where no block can go.
    """
    if granularity not in GRANULARITIES:
        raise ValueError(
            f"granularity: '{granularity}' should be one of {', '.join(GRANULARITIES)}"
        )
    with evaluating(body):
        network = _Network(body, images, granularity)
        removable = network.removable()
        if not removable:
            raise ValueError(f"no module was found whose shortcut is the identity{network.near()}")
        blocks = _with_stages(network.blocks(removable))
        return _that_can_go(body, images, blocks)


class _Network:
    """A network while it is looked at."""

    def __init__(self, body: nn.Module, images: Tensor, granularity: str) -> None:
        self.body, self.granularity = body, granularity
        self.paths = paths_of(body)
        watched = {
            paths[0]: module
            for module, paths in self.paths.items()
            if module is not body and _may_be_block(module)
        }
        try:
            with users_code():
                logits_of(body(images[:1]))
                self.calls = calls_of(body, images, watched)
        except ValueError:
            raise
        except Exception as error:
            shape = " × ".join(map(str, images.shape[1:]))
            reason = " ".join(str(error).split())
            raise ValueError(f"it cannot take images of {shape}: {reason}") from error
        self.verdicts: dict[nn.Module, Verdict] = {}

    def name(self, module: nn.Module) -> str:
        return self.paths[module][0]

    def verdict(self, module: nn.Module) -> Verdict:
        """Whether ``module`` is the identity without its branch, in all its calls."""
        if module not in self.verdicts:
            calls = self.calls.get(self.name(module), [])
            made = [verdict(module, call.positional, call.keywords) for call in calls]
            one = next((v for v in made if v.reason), made[0]) if made else Verdict("it is not run")
            if one.reason is None and any(v.route != one.route for v in made):
                one = replace(one, reason="it is called several times, in different ways")
            self.verdicts[module] = one
        return self.verdicts[module]

    def removable(self) -> list[nn.Module]:
        """The outermost modules that are residual blocks, stages taken apart."""
        found: list[nn.Module] = []
        self._search(self.body, found)
        kinds = {type(module) for module in found}
        # a part of a block of the same kind that cannot go is no block
        inside = {
            module
            for parent in self.paths
            if type(parent) in kinds and parent not in found
            for module in parent.modules()
        }
        return [module for module in found if module not in inside]

    def _search(self, parent: nn.Module, found: list[nn.Module]) -> None:
        for module in parent.children():
            if module in found:
                continue
            called = self.name(module) in self.calls
            if called and self.verdict(module).reason is None:
                parts = self._parts(module)
                if not parts or not self._is_split(module, parts):
                    found.append(module)
                    continue
            self._search(module, found)

    def _parts(self, module: nn.Module) -> list[nn.Module]:
        """The outermost residual modules inside ``module`` that hold all of its sums, if so."""
        parts: list[nn.Module] = []
        for stack in self.verdict(module).sums:
            within = [part for part in stack if part is not module]
            part = next((p for p in within if self._is_residual(p)), None)
            if part is None:
                return []
            if part not in parts:
                parts.append(part)
        return parts

    def _is_residual(self, module: nn.Module) -> bool:
        return self.name(module) in self.calls and self.verdict(module).reason is None

    def _is_split(self, module: nn.Module, parts: list[nn.Module]) -> bool:
        """Whether ``module`` is a stage of ``parts`` rather than one block of halves.

        A stage holds its blocks in a list, or holds several that are alike.
        """
        if self.granularity == "sublayer" or isinstance(module, LISTS):
            return True
        listed = {child for m in module.modules() if isinstance(m, LISTS) for child in m.children()}
        if all(part in listed for part in parts):
            return True
        alike = {(type(part), tuple(name for name, _ in part.named_parameters())) for part in parts}
        return len(alike) == 1

    def blocks(self, removable: list[nn.Module]) -> list[tuple[Block, torch.Size | None]]:
        """The removable blocks and their like, in the order in which they run, with shapes."""
        kinds = {type(module) for module in removable}
        inside = {m for module in removable for m in module.modules()} - {*removable}
        holding = {m for m in self.paths if not {*removable}.isdisjoint([*m.modules()][1:])}
        chosen = [
            module
            for module in self.paths
            if type(module) in kinds
            and self.name(module) in self.calls
            and module not in inside
            and module not in holding
        ]
        chosen.sort(key=lambda module: self._first(module).began)
        blocks = []
        for module in chosen:
            told = self.verdict(module)
            reason = None if module in removable else told.reason or "it holds other blocks"
            name, *aliases = self.paths[module]
            block = Block(name, "", reason is None, reason, tuple(aliases), told.route)
            blocks.append((block, self._first(module).shape))
        return blocks

    def _first(self, module: nn.Module) -> Call:
        return self.calls[self.name(module)][0]

    def near(self) -> str:
        """What comes nearest to a block, for messages."""
        near = [(m, v) for m, v in self.verdicts.items() if v.near and not isinstance(m, LISTS)]
        near.sort(key=lambda item: not item[1].sums)
        said = [f"{self.name(module)}: {told.reason}" for module, told in near[:2]]
        return f" ({'; '.join(said)})" if said else ""


def _may_be_block(module: nn.Module) -> bool:
    if list(module.children()):
        return True
    own = [*module.parameters(recurse=False)]
    return bool(own) and not type(module).__module__.startswith("torch.nn.")


def _with_stages(blocks: list[tuple[Block, torch.Size | None]]) -> tuple[Block, ...]:
    """A stage is a run of blocks whose outputs have the same shape."""
    staged: list[Block] = []
    stage, last = 0, None
    for block, shape in blocks:
        if shape != last:
            stage, last = stage + 1, shape
        staged.append(replace(block, stage=f"stage{stage}"))
    return tuple(staged)


def _that_can_go(body: nn.Module, images: Tensor, blocks: tuple[Block, ...]) -> tuple[Block, ...]:
    """``blocks``, each tried: where the network is another without it, it cannot go.

    The code around a block may read what the block holds, or reach it by another way than its
    name. The network without it is compared with the network itself, its block run and its
    output overwritten, and computes nothing from what only the block holds.
    """
    fewer = images[:2]
    can_go = [block for block in blocks if block.removable]
    head = _heads(body, images[:1], blocks)
    one, another = (seen_and_given(body, fewer, head) for _ in range(2))
    # what acts at random in evaluation mode is noticed elsewhere
    if not all_equal(one, another) or _objection(body, fewer, head, can_go) is None:
        return blocks
    reasons = {block.name: _objection(body, fewer, head, [block]) for block in can_go}
    if not any(reason is None for reason in reasons.values()):
        name, reason = next(iter(reasons.items()))
        raise ValueError(f"no block can go: {name}: {reason}")
    return tuple(
        replace(block, removable=False, reason=reasons[block.name])
        if reasons.get(block.name)
        else block
        for block in blocks
    )


def _heads(body: nn.Module, image: Tensor, blocks: Sequence[Block]) -> list[nn.Module]:
    """The layer that is given the features, if there is one."""
    try:
        paths = heads(body, image, [body.get_submodule(block.name) for block in blocks])
    # whether one is needed is for others to say
    except ValueError:
        return []
    return [body.get_submodule(paths[0])]


def _objection(
    body: nn.Module, images: Tensor, head: Sequence[nn.Module], blocks: Sequence[Block]
) -> str | None:
    """Why the network is not itself without ``blocks``, to its ``head`` too; None where it is."""
    with _overwritten(body, blocks):
        expected = seen_and_given(body, images, head)
    held = held_alone(body, [body.get_submodule(block.name) for block in blocks])
    try:
        with without(body, blocks), _Used(held) as used:
            computed = seen_and_given(body, images, head)
    except Exception as error:
        return f"the code around it needs what it holds ({' '.join(str(error).split())})"
    if all_equal(computed, expected) and not used.any:
        return None
    return "the network reaches it by another way than its name"


class _Used(Uncompiled):
    """Whether anything is computed from any of these tensors."""

    def __init__(self, held: Sequence[Tensor]) -> None:
        super().__init__()
        self.any = False
        # by their memory: ``.data`` is another tensor
        self._places = {tensor.data_ptr() for tensor in held if _in_memory(tensor)}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        given = filter(_in_memory, tensors([args, kwargs or {}]))
        self.any |= any(tensor.data_ptr() in self._places for tensor in given)
        return func(*args, **(kwargs or {}))


def _in_memory(tensor: Tensor) -> bool:
    known = type(tensor) in (Tensor, nn.Parameter, nn.Buffer)
    return known and tensor.layout == torch.strided and tensor.numel() > 0


@contextmanager
def _overwritten(body: nn.Module, blocks: Sequence[Block]) -> Iterator[None]:
    """The blocks run, and their arguments are given on instead of what they computed."""
    handles = []
    for block in blocks:
        given: list[dict[int | str, object]] = []
        route = json.loads(block.route) if block.route else {"argument": [0]}

        def before(
            _: nn.Module,
            positional: tuple[object, ...],
            keywords: dict[str, object],
            given: list[dict[int | str, object]] = given,
        ) -> None:
            given.append(mapped(Tensor.clone, arguments(positional, keywords)))

        def after(
            _: nn.Module,
            positional: object,
            output: object,
            given: list[dict[int | str, object]] = given,
            route: object = route,
        ) -> object:
            return routed(route, given.pop())

        module = body.get_submodule(block.name)
        handles.append(module.register_forward_pre_hook(before, with_kwargs=True))
        handles.append(module.register_forward_hook(after))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
