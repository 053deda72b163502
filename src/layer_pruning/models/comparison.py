"""Whether two runs of a network gave the same: its logits, and what its head is given.

Logits alone would not tell: a head whose weights are all zero, as before its training, hides
whatever goes before it.
"""

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor, nn

from layer_pruning.models.head import logits_of
from layer_pruning.models.pass_through import mapped, tensors


def equal(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors hold the same numbers of one kind, NaN where the other has NaN."""
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    return bool(((one == other) | ((one != one) & (other != other))).all())


def all_equal(some: Sequence[Tensor], others: Sequence[Tensor]) -> bool:
    """Whether two runs gave as many tensors, and equal ones."""
    return len(some) == len(others) and all(map(equal, some, others))


def seen_and_given(
    run: Callable[[Tensor], Any], images: Tensor, watched: Sequence[nn.Module]
) -> list[Tensor]:
    """What ``watched`` modules are given while ``run`` makes logits of ``images``, then these.

    Arguments are kept as they were when a call began: later steps may work in place.
    """
    seen: list[Tensor] = []

    def see(_: nn.Module, given: tuple[object, ...], named: dict[str, object]) -> None:
        seen.extend(mapped(Tensor.clone, tensors([given, named])))

    handles = [m.register_forward_pre_hook(see, with_kwargs=True) for m in watched]
    try:
        logits = logits_of(run(images))
    finally:
        for handle in handles:
            handle.remove()
    return [*seen, logits]
