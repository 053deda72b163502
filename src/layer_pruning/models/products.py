"""Multiply-accumulates of the operators that a network comes down to.

Below the modules, because attention uses the weights of its linear layers without calling them.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

aten = torch.ops.aten

# products of matrices, and the place of the first factor among their arguments
_FIRST_FACTOR = {
    aten.mm: 0,
    aten.mv: 0,
    aten.dot: 0,
    aten.bmm: 0,
    aten.addmm: 1,
    aten.addmv: 1,
    aten.baddbmm: 1,
}


def macs_of(operator: Any, args: Sequence[Any], output: Any) -> int:
    """Multiply-accumulates of one call of an operator; 0 of one that multiplies no matrices."""
    if operator is aten.convolution.default:
        return _of_convolution(args, output)
    if operator.overloadpacket in _FIRST_FACTOR:
        return int(output.numel() * factors_of(operator, args)[0].shape[-1])
    return _of_fused_attention(*args[:3]) if is_fused_attention(operator) else 0


def factors_of(operator: Any, args: Sequence[Any]) -> Sequence[Tensor]:
    """Both factors of a product of matrices; none of another operator."""
    first = _FIRST_FACTOR.get(operator.overloadpacket)
    return () if first is None else args[first:][:2]


def is_fused_attention(operator: Any) -> bool:
    """Whether an operator is attention as a whole."""
    return str(operator._schema.name).startswith("aten::_scaled_dot_product")


def _of_convolution(args: Sequence[Any], output: Tensor) -> int:
    image, weight, transposed = args[0], args[1], args[6]
    # a weight has one row an output channel, holding one factor an input to it; transposed, one
    # row an input channel, holding one factor an output that it is spread over
    spread = image if transposed else output
    return int(spread.numel() * weight[0].numel())


def _of_fused_attention(query: Tensor, key: Tensor, value: Tensor) -> int:
    """Queries (…, l, d) by keys (…, s, d), and the weights by values (…, s, e)."""
    queries, keys = query[..., 0].numel(), key.shape[-2]
    return queries * keys * (query.shape[-1] + value.shape[-1])
