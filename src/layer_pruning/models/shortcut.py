"""Whether the shortcut of a module is the identity, told by running it without its branch.

While the module runs, every sum of its input, carried along unchanged, with something computed
from it is replaced by the input: the residual branch is gone, whatever it holds. The shortcut is
the identity where the module then gives its input back, exactly. What carries the input along
unchanged are operations that only order, cut or join (a permutation, a slice). So a gate, which
multiplies, has no shortcut, and a scaled shortcut is none. An activation after the sum may follow
where it leaves the input as it is, as a ReLU does with what came out of a ReLU.
"""

import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules import module as module_hooks
from torch.utils.weak import WeakTensorKeyDictionary

from layer_pruning.models.comparison import equal
from layer_pruning.models.dispatch import Uncompiled
from layer_pruning.models.pass_through import arguments, leaves, mapped, route_of, tensors

SUMS = {"add", "add_", "sub", "sub_", "addcmul", "addcmul_"}
CARRIES = {
    "_reshape_alias",
    "_to_copy",
    "_unsafe_view",
    "alias",
    "as_strided",
    "cat",
    "chunk",
    "clone",
    "constant_pad_nd",
    "contiguous",
    "detach",
    "expand",
    "flip",
    "index",
    "index_select",
    "lift_fresh",
    "narrow",
    "native_channel_shuffle",
    "permute",
    "pixel_shuffle",
    "pixel_unshuffle",
    "roll",
    "select",
    "slice",
    "split",
    "split_with_sizes",
    "squeeze",
    "stack",
    "t",
    "transpose",
    "unbind",
    "unfold",
    "unsqueeze",
    "view",
}
ACTIVATIONS = {"relu", "clamp", "clamp_min", "clamp_max", "hardtanh", "threshold"}
"""Those that leave alone what came out of the same."""
WORDS = {
    "batch_norm": "a norm",
    "_norm": "a norm",
    "relu": "an activation",
    "elu": "an activation",
    "silu": "an activation",
    "hardtanh": "an activation",
    "hardswish": "an activation",
    "clamp": "an activation",
    "sigmoid": "an activation",
    "tanh": "an activation",
    "conv": "a convolution",
    "mul": "a factor",
    "div": "a factor",
    "mm": "a linear layer",
    "pool": "pooling",
    "mean": "pooling",
}


@dataclass(frozen=True)
class Verdict:
    """What a module does without its branch."""

    reason: str | None
    """Why its shortcut is not the identity; None where it is."""
    route: str | None = None
    """Which argument it gives back, see :mod:`layer_pruning.models.pass_through`."""
    sums: tuple[tuple[nn.Module, ...], ...] = ()
    """Where its sums are: for each the modules that were running, outermost first."""
    near: bool = False
    """Whether it has sums with its input, or another shape, so that people may call it a block."""


@torch.no_grad()
def verdict(module: nn.Module, positional: tuple[Any, ...], keywords: dict[str, Any]) -> Verdict:
    """Whether the shortcut of ``module``, called with these arguments, is the identity.

    ``module`` is in evaluation mode. The arguments are left alone.
    """
    given = arguments(positional, keywords)
    kept = {path: leaf.clone() for path, leaf in leaves(given) if isinstance(leaf, Tensor)}
    watch = _Branchless(tensors(given))
    # its own lists: vovnet's blocks append to the one that they are given
    (positional, keywords) = mapped(lambda leaf: leaf, (positional, keywords))
    own = arguments(positional, keywords)
    try:
        with _running(watch.stack), watch:
            output = module(*positional, **keywords)
    finally:
        for path, leaf in leaves(given):
            if isinstance(leaf, Tensor):
                leaf.data.copy_(kept[path])
    if not tensors(output):
        return Verdict("it returns no tensor")
    shapes = {leaf.shape for leaf in tensors(given)}
    if not any(leaf.shape in shapes for leaf in tensors(output)):
        return Verdict("it changes the shape", near=True)
    sums = tuple(watch.sums)
    if [path for path, _ in leaves(own)] != [path for path, _ in leaves(given)]:
        return Verdict("it changes a list or dictionary that it is given", None, sums, near=True)
    try:
        route = route_of(output, given, equal)
    except ValueError as error:
        reason = watch.reason(output, str(error))
        return Verdict(reason, sums=sums, near=bool(sums) or watch.near)
    following = [watch.after[leaf] for leaf in tensors(output) if leaf in watch.after]
    if any(not _is_activation(name) for name in following):
        return Verdict(watch.reason(output, ""), sums=sums, near=True)
    if not sums:
        reason = "it has no shortcut: nothing is added to its input"
        return Verdict(reason, near=watch.near)
    plain = route == {"argument": [0]}
    return Verdict(None, None if plain else json.dumps(route), sums)


def _is_activation(name: str) -> bool:
    return name.rstrip("_") in ACTIVATIONS


@contextmanager
def _running(stack: list[nn.Module]) -> Any:
    """Keep ``stack`` to the modules that are running."""

    def ended(*_: Any) -> None:
        stack.pop()

    handles = [
        module_hooks.register_module_forward_pre_hook(lambda m, _: stack.append(m)),
        module_hooks.register_module_forward_hook(ended, always_call=True),
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


class _Branchless(Uncompiled):
    """Replaces sums with the input by the input; see the module's docstring."""

    def __init__(self, inputs: list[Tensor]) -> None:
        super().__init__()
        self.stack: list[nn.Module] = []
        self.sums: list[tuple[nn.Module, ...]] = []
        self.multiplied = False
        self.on_shortcut = ""
        """What was done to an input that was then added."""
        # which input a tensor is, in another order maybe
        self.carried: Any = WeakTensorKeyDictionary()
        # tensors that were computed from an input
        self.derived: Any = WeakTensorKeyDictionary()
        # what was done last to a tensor that was an input before
        self.after: Any = WeakTensorKeyDictionary()
        for label, tensor in enumerate(inputs):
            if tensor.is_floating_point() and tensor.dim() > 1:
                self.carried[tensor] = label

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        name = func._schema.name.split("::")[1]
        if name in SUMS:
            kept = self._kept(func, name, args, kwargs)
            if kept is not None:
                return kept
        given = tensors([args, kwargs])
        labels = [self.carried.get(tensor) for tensor in given]
        came = [self.after[tensor] for tensor in given if tensor in self.after]
        derived = any(
            label is not None or tensor in self.derived
            for label, tensor in zip(labels, given, strict=True)
        )
        output = func(*args, **kwargs)
        for tensor in tensors([output]):
            self._mark(tensor, name, labels, came, derived)
        return output

    def _mark(
        self, tensor: Tensor, name: str, labels: list[int | None], came: list[str], derived: bool
    ) -> None:
        for table in (self.carried, self.after):
            table.pop(tensor, None)
        carries = name in CARRIES or (name in SUMS and len(labels) == 1)
        if name == "copy_":
            carries, labels = True, labels[1:]
        # an index is no input
        known = [label for label in labels if label is not None]
        whole = known and (len(known) == len(labels) or name in ("index", "index_select"))
        if carries and whole and len(set(known)) == 1:
            self.carried[tensor] = known[0]
        elif carries and came:
            self.after[tensor] = came[0]
        elif known:
            self.after[tensor] = name
        self.multiplied |= bool(known) and name.startswith("mul")
        if derived:
            self.derived[tensor] = True

    def _kept(self, func: Any, name: str, args: tuple[Any, ...], kwargs: Any) -> Tensor | None:
        """The input among the terms of a sum, in place of the sum; None where none is."""
        terms = [term for term in (*args, kwargs.get("other")) if isinstance(term, Tensor)]
        if len(terms) < 2:
            return None
        labels = [self.carried.get(term) for term in terms]
        if kwargs.get("alpha", 1) != 1 and any(label is not None for label in labels[1:]):
            # torch.add scales what comes second
            self.on_shortcut = "mul"
            return None
        if name.startswith(("sub", "addcmul")):
            labels[1:] = [None] * (len(labels) - 1)
        known = sorted(label for label in labels if label is not None)
        if not known or known.count(known[0]) > 1:
            changed = [self.after[term] for term in terms if term in self.after]
            if any(term in self.derived for term in terms) and changed:
                self.on_shortcut = changed[0]
            return None
        place = labels.index(known[0])
        kept = terms[place]
        shape = torch.broadcast_shapes(*(term.shape for term in terms))
        if kept.shape != shape or any(term.dtype.itemsize > kept.dtype.itemsize for term in terms):
            return None
        others = [term for index, term in enumerate(terms) if index != place]
        if any(term in self.derived or term in self.carried for term in others):
            self.sums.append(tuple(self.stack))
        if name.endswith("_"):
            if place:
                terms[0].copy_(kept)
            kept = terms[0]
        else:
            kept = kept.clone()
        self.carried[kept] = known[0]
        self.derived[kept] = True
        return kept

    @property
    def near(self) -> bool:
        """Whether the module multiplies its input, or adds what it made of it."""
        return self.multiplied or bool(self.on_shortcut)

    def reason(self, output: Any, fallback: str) -> str:
        """Why the output is not the input."""
        names = [self.after[tensor] for tensor in tensors(output) if tensor in self.after]
        if self.sums and names:
            return (
                f"{_word(names[0])} follows the sum: without its branch, its output is not its "
                "input"
            )
        if any(leaf in self.carried for leaf in tensors(output)):
            return fallback
        if self.sums:
            return "its shortcut is not the identity"
        if self.on_shortcut:
            return f"its shortcut is not the identity: {_word(self.on_shortcut)} changes it"
        return "it has no shortcut: nothing is added to its input as it is"


def _word(name: str) -> str:
    name = name.strip("_")
    for part, word in WORDS.items():
        if part in name:
            return f"{word} ({name})"
    return f"another step ({name})"
