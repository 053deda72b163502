"""Watching the operators that a network comes down to."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Self

import torch
from torch.utils._python_dispatch import TorchDispatchMode


@contextmanager
def operator_by_operator() -> Iterator[None]:
    """Let attention and encoder layers of PyTorch run as their modules say within the block.

    In evaluation mode and without gradients ``torch.nn.TransformerEncoderLayer`` and
    ``torch.nn.MultiheadAttention`` are one operator otherwise, inside which there are no sums to
    see, and which rounds in another way. Also a decorator.
    """
    enabled = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(enabled)


class Uncompiled(TorchDispatchMode):
    """A dispatch mode under which nothing is compiled, and no layer is one operator."""

    def __init__(self) -> None:
        super().__init__()
        self._within: list[ExitStack] = []

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        # guarding against compilation imports the compiler: over a second
        return False

    def __enter__(self) -> Self:
        within = ExitStack()
        within.enter_context(operator_by_operator())
        self._within.append(within)
        super().__enter__()
        return self

    def __exit__(self, *raised: Any) -> None:
        super().__exit__(*raised)
        self._within.pop().close()
