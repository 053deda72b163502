"""Evaluation copies of networks whose convolutions have absorbed their batch norms."""

import copy
import itertools
import logging

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from layer_pruning.models.residual import ResidualNetwork

logger = logging.getLogger(__name__)


@torch.no_grad()
def fused(network: ResidualNetwork) -> ResidualNetwork:
    """A copy in evaluation mode with every convolution fused with the batch norm that follows it.

    A pair is a convolution registered right before a batch norm of as many channels in the same
    parent. A network may run its layers in another order than it registers them: the copy is
    tried on one image, and stays as it is unless its logits equal the original's up to rounding.
    """
    original = copy.deepcopy(network).eval()
    light = copy.deepcopy(original)
    for parent in list(light.modules()):
        children = list(parent.named_children())
        for (name, convolution), (follower, norm) in itertools.pairwise(children):
            if (
                isinstance(convolution, nn.Conv2d)
                and isinstance(norm, nn.BatchNorm2d)
                and convolution.out_channels == norm.num_features
            ):
                setattr(parent, name, fuse_conv_bn_eval(convolution, norm))
                setattr(parent, follower, nn.Identity())
    image = torch.rand((1, *network.header.input_shape), generator=torch.Generator().manual_seed(0))
    image = image.to(next(network.parameters()).device)
    expected = original(image)
    difference = (light(image) - expected).abs().max()
    if difference <= 1e-2 * expected.abs().max():
        return light
    logger.info("convolutions and norms are not fused: that would change what the network computes")
    return original
