"""Networks as a library: wrap one's own, load, save, prune, bypass and measure it.

A thin layer on what the workflow runs. Nothing here trains: fine-tune a pruned network in your own
loop, it is a ``torch.nn.Module``.
"""

import operator
import os
import warnings
from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from layer_pruning.evaluation.complexity import counted_cost, parameter_count
from layer_pruning.evaluation.savings import (
    latencies,
)
from layer_pruning.evaluation.throughput import batch_runner
from layer_pruning.export.bundle import export_network
from layer_pruning.library.options import counted
from layer_pruning.models.behaviour import Behaviour, check_trainable, check_wrappable
from layer_pruning.models.calls import evaluating
from layer_pruning.models.copies import copied
from layer_pruning.models.discovery import found_in, probe_images
from layer_pruning.models.header import NetworkHeader
from layer_pruning.models.header_checks import check_header, check_input
from layer_pruning.models.holders import held
from layer_pruning.models.residual import ResidualNetwork, load_network, save_network
from layer_pruning.models.specifications import WrappedModule
from layer_pruning.models.steadiness import unsteadiness
from layer_pruning.runtime.callers_modes import outside_callers_modes

__all__ = [
    "ResidualNetwork",
    "bypass",
    "export_network",
    "load",
    "measure",
    "prune",
    "save",
    "wrap",
]


@outside_callers_modes()
def wrap(
    module: nn.Module,
    *,
    input_shape: tuple[int, int, int],
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    class_names: Sequence[str] | None = None,
    granularity: str = "block",
) -> ResidualNetwork:
    """A network of one's own as named blocks, some of which can go.

    ``module`` takes images (n, channels, height, width) of ``input_shape`` (channels, height,
    width) and returns logits (n, classes), or an object that has ``logits``. It is found out by
    running it which of its parts are residual blocks, and which of those can go; blocks are called
    by their paths in ``module``. Its own ``forward`` is what runs. The result shares the weights
    of ``module`` and is in evaluation mode, as ``module`` is then.

    With ``mean`` and ``std`` (one number a channel) the result takes images in [0, 1] and
    normalises them itself; without, it takes what ``module`` takes. ``class_names`` are "0", "1" …
    by default. With ``granularity`` ``sublayer``, halves of blocks that are residual modules on
    their own (attention, feed-forward) are blocks.

    Raises ValueError in one line where ``module`` has no such blocks, see
    :data:`layer_pruning.models.discovery.NEEDS`, computes in another precision than float32, was
    made inside ``torch.inference_mode()``, or would not compute in the result what it does by
    itself, in evaluation and in training mode, and for a shape, statistics or names that no images
    or classes have. ``module`` is then in the mode in which it was.
    Warns of a module whose logits depend on chance or on the other images of a batch.
    """
    name = type(module).__name__
    check_wrappable(module, name)
    shape = _shape(input_shape)
    if (mean is None) != (std is None):
        raise ValueError("give both mean and std, or none of them")
    means, stds = (
        _a_channel(key, values, shape[0]) for key, values in (("mean", mean), ("std", std))
    )
    centre, scale = means or (0.0,) * shape[0], stds or (1.0,) * shape[0]
    check_input(shape, centre, scale)
    parameter = next(module.parameters(), torch.empty(0))
    images = probe_images(*shape, mean=means, std=stds).to(parameter.device)
    # a module that is refused stays in its mode
    with evaluating(module):
        before = Behaviour.of(module, images, name)
        found = found_in(module, images, name, granularity)
        header = NetworkHeader(
            architecture=name,
            arguments=WrappedModule(name, granularity=granularity).arguments(),
            blocks=found.blocks,
            input_shape=shape,
            mean=centre,
            std=scale,
            class_names=_names(class_names, found.classes),
        )
        check_header(header)
        network = ResidualNetwork(header, module).to(parameter.device).eval()
        before.check(network, name)
        said = unsteadiness(network, shape)
    if said is not None:
        # the decorator is one level
        warnings.warn(f"{name}: {said}", stacklevel=3)
    return network.eval()


def _shape(given: Sequence[int]) -> tuple[int, int, int]:
    """Channels, height and width. Raises ValueError in one line for anything else."""
    try:
        channels, height, width = map(operator.index, given)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"input_shape: (channels, height, width) of one image would be right, not {given!r}"
        ) from error
    return channels, height, width


def _a_channel(key: str, values: Sequence[float] | None, channels: int) -> tuple[float, ...]:
    """Numbers as a file holds them; none where none are given."""
    try:
        found = () if values is None else tuple(map(float, values))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{key}: a number for each channel would be right") from error
    if found and len(found) not in (1, channels):
        raise ValueError(f"{key}: {len(found)} numbers, and images have {channels} channels")
    return found


def _names(given: Sequence[str] | None, classes: int) -> tuple[str, ...]:
    """The names of the classes, their numbers by default."""
    names = tuple(map(str, range(classes) if given is None else given))
    if len(names) != classes:
        raise ValueError(f"class_names: {len(names)} names, and the network has {classes} classes")
    return names


@outside_callers_modes()
def load(
    path: str | os.PathLike[str],
    *,
    module: nn.Module | None = None,
    build: str | None = None,
    device: str | torch.device = "cpu",
) -> ResidualNetwork:
    """The network of a network file, in evaluation mode.

    Files of known networks need nothing else. One of a network of your own needs ``build``, the
    ``package.module:function`` that its configuration named: what a file says is never reason
    enough to import and run code. One that :func:`save` wrote of a wrapped module needs
    an unpruned ``module`` like it, which is given the weights, as float32, and loses the removed
    blocks.

    Raises FileNotFoundError, or ValueError in one line naming the file, or the ``device`` that is
    not there.
    """
    if module is not None:
        if not isinstance(module, nn.Module):
            kind = type(module).__name__
            raise ValueError(f"module: a torch.nn.Module would be right, not a {kind}")
        check_trainable(module, str(path))
    _check_device(device)
    return load_network(path, device, module, build=build)


def _check_device(device: str | torch.device) -> None:
    try:
        torch.empty(0, device=device)
    # PyTorch without CUDA asserts that it has it
    except (RuntimeError, AssertionError, TypeError) as error:
        said = str(error).partition("\n")[0]
        raise ValueError(f"device: '{device}' cannot be used here ({said})") from error


@outside_callers_modes()
def save(network: nn.Module, path: str | os.PathLike[str]) -> None:
    """Write a network file: weights, blocks, normalisation and class names; no pickle.

    Numbers are written as they are, those of bfloat16 as float32; :func:`load` gives float32.

    Raises ValueError in one line for what :func:`load` would refuse: weights that are not finite,
    a head that was replaced by one of other classes, state that is more than tensors.
    """
    save_network(held(network), path)


@outside_callers_modes()
def prune(network: nn.Module, block: str) -> ResidualNetwork:
    """A copy of ``network`` without the residual branch of ``block``; its identity shortcut stays.

    The logits are exactly those of :func:`bypass`. All else is as in ``network``: device,
    precision, modes, what is frozen, hooks. Of a ``DistributedDataParallel``, a ``DataParallel``,
    an ``AveragedModel`` or what ``torch.compile`` returned, it is a copy of what that holds. Raises
    ValueError in one line where the network has no such block, or the block cannot go.
    """
    network = held(network)
    network.header.without(block)
    return network.less([block])


def bypass(network: nn.Module, block: str) -> Callable[[Tensor], Tensor]:
    """A function from images to logits: ``network`` as if the branch of ``block`` were gone.

    Nothing is copied. Raises ValueError in one line where the network has no such block, or its
    shortcut is not the identity.
    """
    network = held(network)
    network.header.without(block)
    return partial(network.bypassing, block)


@outside_callers_modes()
def measure(
    network: nn.Module, *, batch_size: int = 64, repeats: int = 20
) -> dict[str, int | float | str]:
    """What a network costs, on the device that it is on.

    ``macs`` are the multiply-accumulates of convolutions and linear layers for one image, in
    ``macs_with_attention`` with the products inside attention;
    ``parameters`` the trainable ones, and ``latency_seconds`` the median of ``repeats`` batches of
    ``batch_size`` images in the precision of the network, with as many threads as PyTorch has.

    Raises ValueError in one line for a number of images or batches that cannot be.
    """
    network = held(network)
    batch_size, repeats = counted("batch_size", batch_size), counted("repeats", repeats)
    device, shape = network.mean.device, network.header.input_shape
    runner = batch_runner(copied(network), network.mean.new_zeros(batch_size, *shape))
    return {
        **counted_cost(network, shape)._asdict(),
        "parameters": parameter_count(network),
        "latency_seconds": latencies({"network": runner}, repeats=repeats, seed=0)["network"],
        "batch_size": batch_size,
        "device": str(device),
    }
