"""Run a network again from half-way: what ran before gives back what it gave.

The network's own ``forward`` is the program, each time. Its *units* are the outermost modules that
hold no block, and the blocks. While a first run is recorded, every call of a unit is kept; in a
later run, the first calls are answered from the record, so that only code between modules is run
again before the point at which the two runs part.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from layer_pruning.models.comparison import all_equal, seen_and_given
from layer_pruning.models.pass_through import PassThrough, mapped, tensors
from layer_pruning.models.residual import ResidualNetwork

CallHook = Callable[[nn.Module, Callable[..., Any], tuple[Any, ...], dict[str, Any]], Any]
"""Takes the place of a unit's call: the unit, its own forward, and the arguments."""


@dataclass
class Record:
    """The calls of a run, in order."""

    units: list[nn.Module] = field(default_factory=list)
    outputs: list[Any] = field(default_factory=list)
    versions: list[list[int]] = field(default_factory=list)
    """How often each tensor had been changed in place when it was given."""

    def changed(self) -> set[int]:
        """Positions of the calls whose outputs were changed in place after they were given."""
        return {
            index
            for index, output in enumerate(self.outputs)
            if [tensor._version for tensor in tensors([output])] != self.versions[index]
        }


class Replay:
    """A network whose runs can be recorded and taken up again. It is for this alone: a copy."""

    def __init__(self, network: ResidualNetwork) -> None:
        self.network = network
        self.blocks = network.blocks()
        self.record = Record()
        self.copied: set[int] = set()
        """Calls whose outputs are changed in place later on, so that copies are kept."""
        self._hook: CallHook | None = None
        for unit in _units(network.body, [*self.blocks.values()]):
            unit.forward = self._answering(unit, unit.forward)

    def _answering(self, unit: nn.Module, forward: Callable[..., Any]) -> Callable[..., Any]:
        def call(*positional: Any, **keywords: Any) -> Any:
            hook, self._hook = self._hook, None
            if hook is None:
                return forward(*positional, **keywords)
            # what a unit calls in turn is no unit
            try:
                return hook(unit, forward, positional, keywords)
            finally:
                self._hook = hook

        return call

    @contextmanager
    def hooked(self, hook: CallHook) -> Iterator[None]:
        """Let ``hook`` take the place of every unit's call meanwhile."""
        self._hook = hook
        try:
            yield
        finally:
            self._hook = None

    def recorded(self, images: Tensor, around: CallHook | None = None) -> Tensor:
        """Logits of ``images``, and a record of the run. ``around`` calls the units, if given."""
        self.record = Record()

        def record(unit: nn.Module, forward: Any, given: Any, named: Any) -> Any:
            output = around(unit, forward, given, named) if around else forward(*given, **named)
            place = len(self.record.units)
            kept = mapped(Tensor.clone, output) if place in self.copied else output
            self.record.units.append(unit)
            self.record.outputs.append(kept)
            self.record.versions.append([tensor._version for tensor in tensors([kept])])
            return output

        with self.hooked(record):
            return self.network(images)

    def replayed(
        self, images: Tensor, until: int, bypass: str | None, around: CallHook | None = None
    ) -> Tensor:
        """Logits of the recorded ``images``, the first ``until`` calls answered from the record.

        With ``bypass``, that block gives its arguments back. Raises LookupError where the network
        does not call what it called before.
        """
        calls = 0
        bypassed = self.blocks[bypass] if bypass else None
        route = PassThrough(self.network.block(bypass).route) if bypass else None

        def answer(unit: nn.Module, forward: Any, given: Any, named: Any) -> Any:
            nonlocal calls
            place, calls = calls, calls + 1
            if place < until:
                if self.record.units[place] is not unit:
                    raise LookupError("the network took another way than before")
                output = self.record.outputs[place]
                return mapped(Tensor.clone, output) if place in self.copied else output
            if unit is bypassed and route is not None:
                return route(*given, **named)
            return around(unit, forward, given, named) if around else forward(*given, **named)

        with self.hooked(answer):
            return self.network(images)

    def first_call(self, name: str) -> int:
        """Position of the first call of a block in the record."""
        return self.record.units.index(self.blocks[name])


def _units(body: nn.Module, blocks: Sequence[nn.Module]) -> list[nn.Module]:
    """The blocks, and the outermost modules that hold none and have code of their own."""
    holding = {m for m in body.modules() if not {*blocks}.isdisjoint(m.modules())} - {*blocks}
    units: list[nn.Module] = []
    waiting = [body]
    while waiting:
        for module in waiting.pop().children():
            if module in holding or isinstance(module, nn.ModuleList | nn.ModuleDict):
                waiting.append(module)
            elif module not in units:
                units.append(module)
    return units


def settled(
    replay: Replay, image: Tensor, names: Sequence[str], around: CallHook | None = None
) -> bool:
    """Record a run on ``image`` and try whether runs can be taken up at the blocks ``names``.

    They can where runs that are taken up at each of them, one after another as in a sweep, give
    what whole ones give, exactly: logits, and what the head is given. They do not where a unit
    that is answered from the record works by more than what it returns: appends to a list, changes
    its argument, adds to an attribute of another module.
    """
    replay.recorded(image, around)
    replay.copied = replay.record.changed()
    if not names:
        return True
    head = replay.network.classifier

    def outcome(name: str, until: int) -> list[Tensor]:
        def run(images: Tensor) -> Tensor:
            return replay.replayed(images, until, name, around)

        return seen_and_given(run, image, [head])

    whole = [outcome(name, 0) for name in names]
    # what the whole runs left behind is not what a sweep finds
    replay.recorded(image, around)
    for name, expected in zip(names, whole, strict=True):
        try:
            if not all_equal(outcome(name, replay.first_call(name)), expected):
                return False
        # code that misses what a unit did may fail in any way
        except Exception:
            return False
    return True
