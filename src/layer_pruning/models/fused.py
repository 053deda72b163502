"""Evaluation copies of networks whose convolutions have absorbed their batch norms."""

import logging
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torch.nn.utils.parametrize import is_parametrized
from torch.utils.weak import WeakTensorKeyDictionary

from layer_pruning.models.calls import paths_of
from layer_pruning.models.comparison import seen_and_given
from layer_pruning.models.copies import copied
from layer_pruning.models.dispatch import Uncompiled
from layer_pruning.models.pass_through import tensors
from layer_pruning.models.residual import ResidualNetwork
from layer_pruning.runtime.random_draws import drawn_images

logger = logging.getLogger(__name__)


@torch.no_grad()
def fused(network: ResidualNetwork) -> ResidualNetwork:
    """A copy in evaluation mode with every convolution fused with the batch norm that follows it.

    Which one follows is seen as an image passes through: a pair is a convolution all outputs of
    which go to one norm of as many channels, as they are, and to nothing else, and which gives
    that norm all that it takes. One whose weights are computed (parametrisations, masks), that is
    hooked or that computes in another way than its class is left as it is, as is a norm without
    statistics of its own. The copy stays as it is unless it gives on that image, up to rounding,
    what the original gives: behind every pair, to its head, and as logits.
    """
    original = copied(network).eval()
    # found once, for the copy too
    original.classifier_names()
    device = next(network.parameters()).device
    image = drawn_images(1, network.header.input_shape).to(device)
    light, paths, norms = copied(original), paths_of(original), []
    for convolution, norm in _Flow.of(original, image).pairs():
        if _is_pair(convolution, norm):
            norms.append(paths[norm][0])
            absorbing, nothing = fuse_conv_bn_eval(convolution, norm), nn.Identity().eval()
            for path in paths[convolution]:
                light.set_submodule(path, absorbing)
            for path in paths[norm]:
                light.set_submodule(path, nothing)
    if _agree(original, light, image, norms):
        return light
    logger.info("convolutions and norms are not fused: that would change what the network computes")
    return original


class _Flow(Uncompiled):
    """Which norms take what convolutions give, while an image passes through a network."""

    def __init__(self) -> None:
        super().__init__()
        # tensors that a convolution gave, by identity
        self.given: Any = WeakTensorKeyDictionary()
        self.takers: dict[nn.Module, set[nn.Module | None]] = {}
        """What takes the outputs of a convolution; None is anything but a norm."""
        self.sources: dict[nn.Module, set[nn.Module | None]] = {}
        """Whose outputs a norm takes; None is anything but a convolution."""
        self._running: nn.Module | None = None

    @classmethod
    def of(cls, network: ResidualNetwork, image: Tensor) -> "_Flow":
        """What is seen as ``image`` passes through ``network``."""
        flow = cls()
        handles = []
        for module in network.modules():
            if isinstance(module, nn.Conv2d):
                handles.append(module.register_forward_hook(flow._gave))
            elif isinstance(module, nn.BatchNorm2d):
                handles.append(module.register_forward_pre_hook(flow._takes, with_kwargs=True))
                handles.append(module.register_forward_hook(flow._ended))
        try:
            with flow:
                network(image)
        finally:
            for handle in handles:
                handle.remove()
        return flow

    def pairs(self) -> list[tuple[nn.Conv2d, nn.BatchNorm2d]]:
        """Each convolution and norm that have to do with each other alone."""
        return [
            (convolution, norm)
            for norm, (convolution, *others) in self.sources.items()
            if isinstance(convolution, nn.Conv2d)
            and isinstance(norm, nn.BatchNorm2d)
            and not others
            and self.takers.get(convolution) == {norm}
        ]

    def _gave(self, convolution: nn.Module, _: object, output: object) -> None:
        if isinstance(output, Tensor):
            self.given[output] = convolution

    def _takes(self, norm: nn.Module, positional: Any, keywords: Any) -> None:
        for tensor in tensors([positional, keywords]):
            self.sources.setdefault(norm, set()).add(self.given.get(tensor))
        self._running = norm

    def _ended(self, *_: object) -> None:
        self._running = None

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        for tensor in tensors([args, kwargs or {}]):
            if (convolution := self.given.get(tensor)) is not None:
                self.takers.setdefault(convolution, set()).add(self._running)
        return func(*args, **(kwargs or {}))


def _agree(
    original: ResidualNetwork, light: ResidualNetwork, image: Tensor, norms: Sequence[str]
) -> bool:
    """Whether the ``light`` network gives what the ``original`` does, up to rounding."""
    expected = _given(original, image, norms)
    try:
        computed = _given(light, image, norms)
    # code may read what a norm holds
    except Exception:
        return False
    return len(expected) == len(computed) and all(
        one.shape == other.shape and bool((one - other).abs().max() <= 1e-2 * one.abs().max())
        for one, other in zip(expected, computed, strict=True)
    )


def _given(network: ResidualNetwork, image: Tensor, norms: Sequence[str]) -> list[Tensor]:
    """What ``network`` gives at the places of ``norms``, to its head, and as logits."""
    behind: list[Tensor] = []

    def see(_: nn.Module, __: object, output: Tensor) -> None:
        # later steps may work in place
        behind.append(output.clone())

    handles = [network.get_submodule(path).register_forward_hook(see) for path in norms]
    try:
        last = seen_and_given(network, image, [network.classifier])
    finally:
        for handle in handles:
            handle.remove()
    return [*behind, *last]


def _is_pair(convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> bool:
    """Whether one convolution with other weights computes what these two do, in evaluation mode."""
    return (
        convolution.out_channels == norm.num_features
        and norm.running_mean is not None
        and norm.running_var is not None
        and _is_plain(convolution, nn.Conv2d)
        and _is_plain(norm, nn.BatchNorm2d)
    )


def _is_plain(module: nn.Module, kind: type[nn.Module]) -> bool:
    """Whether a module computes as ``kind`` does with the parameters that it holds itself."""
    # parametrisations replace the class, and masks and the older weight norm have hooks
    hooks = (module._forward_pre_hooks, module._forward_hooks, module._backward_hooks)
    return (
        type(module).forward is kind.forward
        and "forward" not in vars(module)
        and not any(hooks)
        and not is_parametrized(module)
    )
