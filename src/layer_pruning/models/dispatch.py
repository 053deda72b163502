"""Watching the operators that a network comes down to."""

from torch.utils._python_dispatch import TorchDispatchMode


class Uncompiled(TorchDispatchMode):
    """A dispatch mode under which nothing is compiled."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        # guarding against compilation imports the compiler: over a second
        return False
