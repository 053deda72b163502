"""Batch norm with the statistics of the whole batch, wherever its images lie.

PyTorch's own SyncBatchNorm is for GPUs alone, and knows the layers of PyTorch but not those that
are derived from them (timm's, with the activation inside). Here the function that all of them call
is exchanged while a network runs forward.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.autograd import Function
from torch.nn import functional
from torch.overrides import TorchFunctionMode


def has_batch_norm(network: nn.Module) -> bool:
    """Whether a network has statistics to synchronise."""
    return any(isinstance(part, nn.modules.batchnorm._BatchNorm) for part in network.modules())


class SynchronisedBatchNorm(TorchFunctionMode):
    """While active, training batch norm takes mean and variance over all processes."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Every function of PyTorch that is called in the meantime."""
        if func is functional.batch_norm:
            return _batch_norm(*args, **(kwargs or {}))
        return func(*args, **(kwargs or {}))


def _batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    if not training:
        return functional.batch_norm(
            input, running_mean, running_var, weight, bias, training, momentum, eps
        )
    normalised, mean, variance, count = _Normalised.apply(input, eps)
    if running_mean is not None and running_var is not None:
        with torch.no_grad():
            running_mean.lerp_(mean.to(running_mean.dtype), momentum)
            # as PyTorch does: the unbiased variance is kept, the biased one used
            unbiased = variance * (count / (count - 1))
            running_var.lerp_(unbiased.to(running_var.dtype), momentum)
    shape = [1, -1] + [1] * (input.ndim - 2)
    if weight is not None:
        normalised = normalised * weight.view(shape)
    if bias is not None:
        normalised = normalised + bias.view(shape)
    return normalised.to(input.dtype)


class _Normalised(Function):
    """(x - mean) / sqrt(variance + eps) by channel, over the batches of all processes.

    Ioffe and Szegedy 2015 (arXiv 1502.03167), its derivative included; sums over the batch are
    summed over processes too. Computed in float32.
    """

    @staticmethod
    def forward(ctx: Any, values: Tensor, eps: float) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Normalised values (n, c, …), mean (c,), biased variance (c,), and how many values ()."""
        values = values.float()
        dims = [0, *range(2, values.ndim)]
        shape = [1, -1] + [1] * (values.ndim - 2)
        size = values.new_tensor([values.numel() / values.shape[1]])
        sums = torch.cat([values.sum(dims), size])
        distributed.all_reduce(sums)
        count = sums[-1]
        mean = sums[:-1] / count
        centred = values - mean.view(shape)
        # a second sum rather than that of squares: nothing large is subtracted
        squares = centred.square().sum(dims)
        distributed.all_reduce(squares)
        variance = squares / count
        inverse = torch.rsqrt(variance + eps)
        normalised = centred * inverse.view(shape)
        ctx.save_for_backward(normalised, inverse, count)
        ctx.mark_non_differentiable(mean, variance, count)
        return normalised, mean, variance, count

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        """The gradient for the values."""
        normalised, inverse, count = ctx.saved_tensors
        gradient = gradients[0].float()
        dims = [0, *range(2, normalised.ndim)]
        shape = [1, -1] + [1] * (normalised.ndim - 2)
        channels = normalised.shape[1]
        sums = torch.cat([gradient.sum(dims), (gradient * normalised).sum(dims)])
        distributed.all_reduce(sums)
        means = (sums / count).split(channels)
        slope = gradient - means[0].view(shape) - normalised * means[1].view(shape)
        return slope * inverse.view(shape), None


def synchronised(wanted: bool) -> Callable[[], AbstractContextManager[object]]:
    """What to run a network forward in: synchronised batch norm, or nothing else."""
    return SynchronisedBatchNorm if wanted else _nothing


@contextmanager
def _nothing() -> Iterator[None]:
    yield
