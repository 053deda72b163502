"""Evaluation copies of networks whose convolutions have absorbed their batch norms."""

import itertools
import logging

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torch.nn.utils.parametrize import is_parametrized

from layer_pruning.models.copies import copied
from layer_pruning.models.residual import ResidualNetwork

logger = logging.getLogger(__name__)


@torch.no_grad()
def fused(network: ResidualNetwork) -> ResidualNetwork:
    """A copy in evaluation mode with every convolution fused with the batch norm that follows it.

    A pair is a convolution registered right before a batch norm of as many channels in the same
    parent. One whose weights are computed (parametrisations, masks), that is hooked or that
    computes in another way than its class is left as it is, as is a norm without statistics of its
    own. A network may run its layers in another order than it registers them: the copy is
    tried on one image, and stays as it is unless its logits equal the original's up to rounding.
    """
    original = copied(network).eval()
    light = copied(original)
    for parent in list(light.modules()):
        children = list(parent.named_children())
        for (name, convolution), (follower, norm) in itertools.pairwise(children):
            if (
                isinstance(convolution, nn.Conv2d)
                and isinstance(norm, nn.BatchNorm2d)
                and _is_pair(convolution, norm)
            ):
                setattr(parent, name, fuse_conv_bn_eval(convolution, norm))
                setattr(parent, follower, nn.Identity().eval())
    image = torch.rand((1, *network.header.input_shape), generator=torch.Generator().manual_seed(0))
    image = image.to(next(network.parameters()).device)
    expected = original(image)
    difference = (light(image) - expected).abs().max()
    if difference <= 1e-2 * expected.abs().max():
        return light
    logger.info("convolutions and norms are not fused: that would change what the network computes")
    return original


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
